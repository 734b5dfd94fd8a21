"""A step of a plan -> what Dask calls, in this process or in another.

Here a `NearStep` calls the function and hands on the very exception. Pickled, it becomes a
`FarStep`: the function as bytes, which a process reads once, and an exception that carries the
user's by way of bytes, with the text that only the place of the failure knows.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext, suppress
from contextvars import copy_context
from functools import lru_cache, partial
from typing import Any, TypeAlias

from lazygraph.errors import UnpicklableError
from lazygraph.graphs.nan_check import Checked
from lazygraph.graphs.plan import Plan
from lazygraph.randomness import Seed, seeded
from lazygraph.schedulers.controlled import enter_task
from lazygraph.schedulers.dask.held import OnCluster
from lazygraph.schedulers.dask.raised import TaskRaised
from lazygraph.schedulers.notify import Watch
from lazygraph.schedulers.runstate import StepFailed
from lazygraph.tasks.fused import MemberFailed
from lazygraph.tasks.keys import Key
from lazygraph.tasks.operators import value_of
from lazygraph.tasks.pytree import Template
from lazygraph.tasks.reprs import short_call
from lazygraph.transport.identity import new_generation

__all__ = ["FarCoroutine", "FarStep", "NearStep", "Packer", "cannot_travel"]

#: Where a literal stands among a call's leaves, and the literal.
Literals: TypeAlias = tuple[tuple[int, Any], ...]

_MOST_FUNCTIONS = 64
_HINT = 'run it by scheduler="threads", or by "processes" with @delayed(local=True)'


def literals_of(plan: Plan, step: int) -> Literals:
    """Return the literals of a step and their places."""
    constants = plan.constants
    return tuple([(n, constants[-1 - s]) for n, s in enumerate(plan.slots[step]) if s < 0])


def leaves_of(literals: Literals, results: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a call's leaves, from its literals and the results that have arrived for the rest."""
    if not literals:
        return results
    leaves = list(results)
    for place, value in literals:
        leaves.insert(place, value)
    return tuple(leaves)


class Packer:
    """Makes steps of one plan ready to travel: each function is pickled once."""

    def __init__(self, plan: Plan) -> None:
        new_generation()
        self.plan = plan
        self._packed: dict[int, bytes] = {}

    def function(self, step: int) -> bytes:
        """Return the function of a step and its name, as bytes.

        Raises
        ------
        UnpicklableError
            If the function cannot be pickled.
        """
        function = self.plan.origins.call(step)._function
        packed = self._packed.get(id(function))
        if packed is None:
            # Late: only what leaves this process needs it.
            from lazygraph.transport.pickling import dumps

            func = function.func
            if type(self.plan.funcs[step]) is Checked:
                func = Checked(func)
            if type(func) is OnCluster:  # of another cluster: its result travels, not the way to it
                func = partial(value_of, func())
            try:
                packed = dumps((func, function.name))
            except Exception as error:
                raise self.unpicklable(step, function.func, function.name, error) from error
            self._packed[id(function)] = packed
        return packed

    def template(self, step: int) -> Template | None:
        """How the step's arguments are built from its leaves."""
        return self.plan.origins.call(step)._template

    def unpicklable(
        self, step: int, value: Any, name: str, error: BaseException
    ) -> UnpicklableError:
        """Return the error of a step with something that cannot travel."""
        from lazygraph.tasks.blame import blame  # late, as above

        return cannot_travel(self.plan, step, blame(value, name, error))

    def blame(self) -> UnpicklableError | None:
        """Return the error of the first step with a literal that cannot travel, if there is any."""
        from lazygraph.tasks.blame import argument_path  # late, as above
        from lazygraph.transport.pickling import dumps

        for step in range(len(self.plan)):
            for place, value in literals_of(self.plan, step):
                try:
                    dumps(value)
                except Exception as error:
                    where = argument_path(self.plan.origins.call(step), place)
                    return self.unpicklable(step, value, where, error)
        return None


def cannot_travel(plan: Plan, step: int, path: str) -> UnpicklableError:
    """Return the error of a step with something that cannot travel: its path, or the result."""
    name = plan.origins.call(step)._function.name
    return UnpicklableError(plan.key(step), name, path, _HINT)


class NearStep:
    """A step with its literals inside: nothing of it but results' keys is left to read."""

    __slots__ = ("literals", "packer", "seed", "step", "watch")

    def __init__(self, packer: Packer, step: int, watch: Watch | None, seed: Seed | None) -> None:
        self.packer, self.step, self.watch = packer, step, watch
        self.literals = literals_of(packer.plan, step)
        self.seed = None if seed is None else seed.at(step)

    def __call__(self, /, *results: Any) -> Any:
        """Return the function's result; tell observers."""
        step, watch, worker = self.step, self.watch, threading.current_thread().name
        values = list(leaves_of(self.literals, results))
        if watch is not None:
            watch.started(step, worker)
        try:
            with nullcontext() if self.seed is None else seeded(self.seed):
                value = self.packer.plan.funcs[step](*values)
        except BaseException as error:
            if watch is not None:
                watch.failed(step, worker, error)
            raise StepFailed(step, values, error) from None
        if watch is not None:
            watch.ended(step, worker, value)
        return value

    def __reduce__(self) -> tuple[Any, ...]:
        packer, step = self.packer, self.step
        key, function, template = (
            packer.plan.key(step),
            packer.function(step),
            packer.template(step),
        )
        return FarStep, (key, function, template, self.literals, self.seed)


class FarStep:
    """A step that has left the process of its plan.

    Parameters
    ----------
    key : Key
        The task's.
    function : bytes
        The pickle of the function and its name.
    template : Template, optional
        How its arguments are built.
    literals
        Which of its leaves are no results.
    seed : Seed, optional
        What the task draws random numbers from.
    """

    __slots__ = ("function", "key", "literals", "seed", "template")

    def __init__(
        self,
        key: Key,
        function: bytes,
        template: Template | None,
        literals: Literals = (),
        seed: Seed | None = None,
    ) -> None:
        self.key, self.function, self.template = key, function, template
        self.literals, self.seed = literals, seed

    def __repr__(self) -> str:
        return f"FarStep({self.key!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.key, self.function, self.template, self.literals, self.seed)

    def __call__(self, /, *results: Any) -> Any:
        """Return the function's result, or a `TaskRaised` in place of what it raises."""
        # In a context of its own: a compute in there stays on this thread.
        return copy_context().run(self._run, results)

    def _run(self, results: tuple[Any, ...]) -> Any:
        enter_task(_HOST)
        leaves = leaves_of(self.literals, results)
        try:
            with nullcontext() if self.seed is None else seeded(self.seed):
                return self._call(leaves)
        except BaseException as error:
            carrier = self._carrier(error, leaves)
        raise carrier

    def _call(self, leaves: tuple[Any, ...]) -> Any:
        func, _ = _read_function(self.function)
        args, kwargs = _arguments(self.template, leaves)
        return func(*args, **kwargs)

    def _carrier(self, error: BaseException, leaves: tuple[Any, ...]) -> TaskRaised:
        from lazygraph.transport.remote import to_wire  # late: only errors need it

        key, site, template, name = self.key, None, self.template, ""
        with suppress(Exception):
            name = _read_function(self.function)[1]
        while isinstance(error, MemberFailed):
            key, task, leaves = error.member.key, error.member.task, error.leaves
            name, template, site = task.name, task._template, task._site()
            error = error.error
        return TaskRaised(self.key, key, _shown(name, template, leaves), site, to_wire(error))


class FarCoroutine(FarStep):
    """The same of an ``async def``, awaited by the loop of whoever runs it."""

    __slots__ = ()

    async def __call__(self, /, *results: Any) -> Any:
        """Return the coroutine's result."""
        leaves = leaves_of(self.literals, results)
        try:
            with nullcontext() if self.seed is None else seeded(self.seed):
                return await self._call(leaves)
        except BaseException as error:
            carrier = self._carrier(error, leaves)
        raise carrier


class _Elsewhere:
    """Who runs far steps: nobody here knows whether their results are still wanted."""

    is_dismissed = False


_HOST = _Elsewhere()


@lru_cache(maxsize=_MOST_FUNCTIONS)
def _read_function(packed: bytes) -> tuple[Callable[..., Any], str]:
    from lazygraph.transport.pickling import loads  # late: only the far side needs it

    made: tuple[Callable[..., Any], str] = loads(packed)
    return made


def _arguments(
    template: Template | None, leaves: tuple[Any, ...]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if template is None:
        return leaves, {}
    args, kwargs = template.build(leaves)
    return tuple(args), kwargs


def _shown(name: str, template: Template | None, leaves: tuple[Any, ...]) -> str:
    """Return the call in short; whatever the arguments' own code does, the user's error matters more."""
    try:
        return short_call(name, *_arguments(template, leaves))
    except Exception:
        return f"{name}(...)"
