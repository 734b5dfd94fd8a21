"""A plan and the terms of its run -> one error with all that the scheduler would ignore."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from lazygraph.errors import ImpossibleDemandError, OptionError, UnsupportedOptionError, nearest
from lazygraph.graphs.plan import Plan
from lazygraph.protocols import Scheduler
from lazygraph.tasks.options import NO_TERMS, PASS_OPTIONS, Options, Terms

__all__ = ["OWN", "refuse_unsupported", "refuse_unused_limits", "unsupported"]

OWN = "run it on threads, processes or synchronous, which have it"
#: What to write instead of an option, where a scheduler does not know it.
_INSTEAD: Mapping[str, str] = {
    "retries": f"try again inside the function, or {OWN}",
    "retry_on": "catch the other exceptions inside the function and return them",
    "backoff": "wait inside the function, before it tries again",
    "timeout": f"limit the time inside the function, as by requests.get(..., timeout=10), or {OWN}",
    "uses": f"hold a lock or semaphore inside the function, or {OWN}",
    "limits": f"{OWN}; on a cluster, give its workers resources (dask worker --resources "
    "'db=2'), which uses= of tasks draws on",
    "on_error": "catch exceptions inside the functions and return them as results",
    "observers": "look at the cluster's dashboard",
    "priority": f"leave it out, or {OWN}",
    "rerun": "leave it out, and let the function find out whether it has run",
    "local": "compute what must run here first, on threads",
    "seed": "give each task a seed as an argument",
    "async def": f"a plain function that calls asyncio.run(...), or {OWN}",
    "workers": "leave it out: only a cluster has workers with addresses (scheduler=client)",
    "allow_other_workers": "leave it out, with workers=",
    "num_workers": "leave it out, since the scheduler has a number of its own; a default, "
    "config.set(num_workers=...), is for those that have none",
}


#: What of a run `config.set` may have asked for -> how one compute does without.
_WITHOUT: Mapping[str, str] = {
    "on_error": "give on_error='raise' to this compute",
    "observers": "give observers=[] to this compute",
    "seed": "compute within `with config.set(seed=None):`",
}


def _said(name: str, of: Any, defaults: Collection[str]) -> str:
    """Return what is refused, who asked for it, and what to do instead."""
    if of is None and name in defaults:
        told = f"{name!r}, set as a default by config.set({name}=...)"
        return f"{told}; instead: {_WITHOUT[name]}, or {_INSTEAD[name]}"
    return f"{name!r}{'' if of is None else f' of task {of!r}'}; instead: {_INSTEAD.get(name, OWN)}"


def unsupported(option: str, scheduler: str, key: Any = None) -> UnsupportedOptionError:
    """Make the error for an option of a task, or for `key` None of the run, with a way on."""
    return _together(scheduler, [(option, key)])


def _together(
    scheduler: str, refused: Sequence[tuple[str, Any]], defaults: Collection[str] = ()
) -> UnsupportedOptionError:
    """Make one error for all that is refused of a run, each with a way on."""
    told = [_said(name, of, defaults) for name, of in refused]
    option, key = refused[0]
    text = f"option {told[0]}"
    if len(told) > 1:
        text = "\n  ".join([f"{len(told)} options:", *told])
    return UnsupportedOptionError(option, scheduler, key, text)


def refuse_unsupported(
    scheduler: Scheduler,
    plan: Plan,
    terms: Terms = NO_TERMS,
    observers: Sequence[Any] = (),
    defaults: Collection[str] = (),
) -> None:
    """Check that a scheduler honours what is asked of a run.

    `defaults` names what of the terms comes from `config.set`. Limits that do are no demand:
    what uses a resource is refused itself.

    Raises
    ------
    UnsupportedOptionError
        For what it would ignore, all of it at once.
    ImpossibleDemandError
        For a task that could never run.
    """
    known = scheduler.honours | PASS_OPTIONS
    asked = [*terms.requested, *(["observers"] if observers else [])]
    idle = {"limits"}.intersection(defaults)
    refused: list[tuple[str, Any]] = [
        (name, None) for name in asked if name not in known and name not in idle
    ]
    refused += [
        ("async def" if name == "is_async" else name, plan.key(step))
        for name, step in _first_steps(plan)
        if name not in known
    ]
    if refused:
        raise _together(scheduler.name, refused, defaults)
    if "limits" in known:  # a cluster has its own: its workers' resources
        _refuse_impossible(plan, terms)


def _first_steps(plan: Plan) -> Iterator[tuple[str, int]]:
    """Return the options that a plan's tasks have, each with the first step that has it."""
    step_of: dict[Options, int] = {}
    for step, options in plan.options.items():
        step_of.setdefault(options, step)
    first: dict[str, int] = {}
    for options, step in step_of.items():
        for name in options.changed():
            first.setdefault(name, step)
    return iter(first.items())


def _refuse_impossible(plan: Plan, terms: Terms) -> None:
    """Raise ImpossibleDemandError if a task uses more of a resource than there is."""
    checked = set()
    for step, options in plan.options.items():
        if options.uses and options not in checked:
            checked.add(options)
            for resource, amount in options.uses:
                if amount > terms.limits.get(resource, 0):
                    raise ImpossibleDemandError(
                        plan.key(step), resource, amount, terms.limits.get(resource)
                    )


def refuse_unused_limits(plan: Plan, limits: Collection[str]) -> None:
    """Raise OptionError for a limit, given for this run, of what no task of it uses."""
    used = {what for options in set(plan.options.values()) for what, _ in options.uses}
    for name in limits:
        if name not in used:
            near = nearest(name, used)
            hint = f"; did you mean {near!r}?" if near is not None else ""
            raise OptionError(
                f"limits has {name!r}, which no task of this run uses{hint or '.'} Tasks use what "
                f"delayed(f, uses={{{name!r}: 1}}) says; for limits that hold where they are "
                "needed, set them as a default: config.set(limits=...)"
            )
