"""How long the functions of a run take, as learnt from their calls; which steps travel together."""

from __future__ import annotations

from collections.abc import Callable

from lazygraph.graphs.plan import Plan
from lazygraph.schedulers.processes.assignments import Unit
from lazygraph.tasks.options import NO_OPTIONS

__all__ = ["Durations"]

_NEWEST = 0.3  # how much the newest duration counts in the mean


class Durations:
    """The mean duration of each function, in seconds.

    Parameters
    ----------
    number : callable
        From a step to the number of its function.
    """

    def __init__(self, plan: Plan, number: Callable[[int], int]) -> None:
        self._plan, self._number = plan, number
        self._outputs = frozenset(plan.outputs)
        self._seconds: dict[int, float] = {}  # by function

    def follower(self, step: int) -> int | None:
        """Return the one step that needs this one's result, if that is all it needs; else None."""
        plan = self._plan
        dependents = plan.dependents[step]
        if len(dependents) != 1 or step in self._outputs:
            return None
        (after,) = dependents
        if len(plan.dependencies[after]) != 1:
            return None
        if plan.options and not (self._is_plain(step) and self._is_plain(after)):
            return None
        return after

    def _is_plain(self, step: int) -> bool:
        return not self._plan.options.get(step, NO_OPTIONS).is_controlled

    def unit(self, steps: list[int]) -> Unit:
        """Return a unit of these steps, with what is known of its duration."""
        options = self._plan.options.get(steps[0], NO_OPTIONS)
        is_solo = bool(options.timeout is not None or options.uses or not options.rerun)
        return Unit(steps, self._likely(steps), is_solo, options.timeout)

    def _likely(self, steps: list[int]) -> float | None:
        total = 0.0
        for step in steps:
            seconds = self._seconds.get(self._number(step))
            if seconds is None:
                return None
            total += seconds
        return total

    def learn(self, step: int, seconds: float) -> None:
        """Learn how long a step took."""
        number = self._number(step)
        before = self._seconds.get(number, seconds)
        self._seconds[number] = before + _NEWEST * (seconds - before)
