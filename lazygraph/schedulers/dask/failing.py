"""From an exception that another process has sent to what the user sees."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from lazygraph.graphs.plan import Plan
from lazygraph.schedulers.dask.raised import TaskRaised
from lazygraph.schedulers.explain import annotate
from lazygraph.tasks.keys import Key
from lazygraph.tasks.reprs import short_call

__all__ = ["explain_far", "explain_killed", "find_step"]


def find_step(plan: Plan, key: Key) -> int | None:
    """Return the step of a key; None if the plan has none. O(steps)."""
    return next((step for step in range(len(plan)) if plan.key(step) == key), None)


def explain_far(carrier: TaskRaised, plan: Plan) -> BaseException:
    """Return the user's exception, with its traceback and a note on the task.

    The plan may be another than that which failed: it may have begun with what an earlier one
    left on a cluster.
    """
    step = find_step(plan, carrier.outer_key)
    site = carrier.site
    if step is not None and site is None and carrier.key == carrier.outer_key:
        with suppress(Exception):
            site = plan.origins.call(step)._site()
    return annotate(carrier.unwrap(), plan, step, carrier.key, carrier.shown, site)


def explain_killed(error: Any, plan: Plan) -> BaseException:
    """Dask's `KilledWorker`, with a note on the task that workers died of."""
    step = find_step(plan, error.task)
    if step is None:
        return error  # type: ignore[no-any-return]
    call = plan.origins.call(step)
    shown = short_call(call._function.name, *call._arguments(call._leaves))
    return annotate(error, plan, step, error.task, shown, call._site())
