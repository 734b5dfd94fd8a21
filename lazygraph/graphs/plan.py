"""A graph with its outputs, compiled to integers: what a scheduler is given."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from lazygraph.graphs.order import depth_first, post_order
from lazygraph.tasks.keys import Key
from lazygraph.tasks.options import NO_OPTIONS, Options
from lazygraph.tasks.reprs import counted
from lazygraph.tasks.task import Call, Ref, Task, flat_call

__all__ = ["PENDING", "Origins", "Plan", "assemble", "gc_paused", "make_plan"]

#: Stands among a run's values where a result is yet to come, or has been released.
PENDING: Any = type("Pending", (), {"__repr__": lambda _: "PENDING"})()


class Origins(Protocol):
    """Tells what a step was made from, when an error or an observer asks."""

    def key(self, step: int, /) -> Key:
        """Return the key of the step's task."""

    def call(self, step: int, /) -> Call:
        """Return the task itself."""


class Plan:
    """Steps in an order in which they can run; frozen, so that it may be run many times.

    Attributes
    ----------
    funcs : list of callable
        ``funcs[i]`` is called for step i.
    slots : list of tuple of int
        Where its arguments are: slot j >= 0 is the result of step j (always j < i), slot
        -1 - k the constant k.
    constants : list
        The literal arguments.
    outputs : list of int
        The steps whose results are wanted, in the order in which they were asked for.
    options : dict of int to Options
        The steps that have any; most have none and are not in it.
    origins : Origins
        Names the steps.
    """

    # Not a dataclass: those take long to import.
    funcs: list[Callable[..., Any]]
    slots: list[tuple[int, ...]]
    constants: list[Any]
    outputs: list[int]
    options: Mapping[int, Options]
    origins: Origins

    def __init__(
        self,
        funcs: list[Callable[..., Any]],
        slots: list[tuple[int, ...]],
        constants: list[Any],
        outputs: list[int],
        options: Mapping[int, Options],
        origins: Origins,
    ) -> None:
        vars(self).update(
            funcs=funcs,
            slots=slots,
            constants=constants,
            outputs=outputs,
            options=options,
            origins=origins,
        )

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a Plan is frozen: {name!r} cannot be set")

    def __len__(self) -> int:
        return len(self.funcs)

    def __repr__(self) -> str:
        return f"Plan({counted(len(self), 'step')}, {counted(len(self.outputs), 'output')})"

    def key(self, step: int) -> Key:
        """Return the key of the step's task."""
        return self.origins.key(step)

    def blank_values(self) -> list[Any]:
        """Return one place per slot: PENDING for each result to come, then the constants."""
        return [PENDING] * len(self.funcs) + self.constants[::-1]

    def with_constants(self, constants: list[Any]) -> Plan:
        """Return the same plan with other literals; what has been found out about it is shared."""
        made = object.__new__(Plan)
        vars(made).update(vars(self), constants=constants)
        return made

    def with_funcs(self, funcs: list[Callable[..., Any]]) -> Plan:
        """Return the same plan with other functions, which do what the old ones did and more."""
        made = object.__new__(Plan)
        vars(made).update(vars(self), funcs=funcs)
        return made

    @cached_property
    def is_controlled(self) -> bool:
        """Whether a step has options that a scheduler acts on."""
        return any(options.is_controlled for options in set(self.options.values()))

    @cached_property
    def places(self) -> dict[int, int] | None:
        """Per step, the place that its random numbers follow from; None if those in the plan.

        Early steps, which are of derivatives, and what needs such come last: all others are
        numbered as they would stand in a plan without them.
        """
        call, is_late = self.origins.call, [False] * len(self)
        needed: set[int] = set()
        for step, before in enumerate(self.dependencies):
            is_late[step] = call(step)._function.is_early or any(is_late[n] for n in before)
            if not is_late[step]:
                needed.update(before)
        if True not in is_late:
            return None
        first = [step for step in self.outputs if not is_late[step]]
        ends = [n for n, late in enumerate(is_late) if not late and n not in needed]
        order = depth_first(self.dependencies, [*first, *ends, *range(len(self))])
        return {step: place for place, step in enumerate(order)}

    @cached_property
    def last_use(self) -> list[int]:
        """Per slot, the step that reads it last; -1 for what is kept, or never read."""
        n = len(self.funcs)
        last = [-1] * (n + len(self.constants))
        for step, slots in enumerate(self.slots):
            for slot in slots:
                last[slot] = step
        last[n:] = [-1] * len(self.constants)
        for step in self.outputs:
            last[step] = -1
        return last

    @cached_property
    def dependencies(self) -> list[tuple[int, ...]]:
        """Per step, the steps it needs, each once."""
        made: list[tuple[int, ...]] = []
        for slots in self.slots:
            if len(slots) == 1:
                made.append(slots if slots[0] >= 0 else ())
            else:
                made.append(tuple(dict.fromkeys([slot for slot in slots if slot >= 0])))
        return made

    @cached_property
    def dependents(self) -> list[list[int]]:
        """Per step, the steps that need it, in order."""
        with gc_paused():
            made: list[list[int]] = [[] for _ in self.funcs]
            for step, needed in enumerate(self.dependencies):
                for slot in needed:
                    made[slot].append(step)
        return made


@contextmanager
def gc_paused() -> Iterator[None]:
    """Keep the garbage collector out of a loop that makes much and drops nothing.

    Each collection would look again at every object made so far.
    """
    was_enabled = gc.isenabled()
    try:
        gc.disable()
        yield
    finally:
        if was_enabled:
            gc.enable()


def assemble(
    steps: Sequence[Call],
    position: Mapping[Any, int],
    reference: type,
    outputs: list[int],
    origins: Origins,
) -> Plan:
    """Return a plan from calls in order.

    Parameters
    ----------
    steps
        The calls, each after those it needs.
    position
        The step of a leaf that stands for a result.
    reference
        The type of such leaves; every other leaf is a constant.
    """
    slots: list[tuple[int, ...]] = []
    constants: list[Any] = []
    add_slots, add_constant = slots.append, constants.append
    n = 0
    for call in steps:
        found = []
        for leaf in call._leaves:
            if type(leaf) is reference:
                found.append(position[leaf])
            else:
                n -= 1
                add_constant(leaf)
                found.append(n)
        add_slots(tuple(found))
    funcs = [flat_call(call) if call._template else call._function.func for call in steps]
    options = {
        step: call._function.options
        for step, call in enumerate(steps)
        if call._function.options is not NO_OPTIONS
    }
    return Plan(funcs, slots, constants, outputs, options, origins)


class _GraphOrigins(NamedTuple):
    keys: Sequence[Key]
    tasks: Sequence[Task]

    def key(self, step: int, /) -> Key:
        return self.keys[step]

    def call(self, step: int, /) -> Call:
        return self.tasks[step]


def make_plan(graph: Mapping[Key, Task], outputs: Iterable[Key]) -> Plan:
    """Compile what `outputs` need of a graph; the rest of it is left out.

    Raises
    ------
    MissingKeyError, CycleError
        If the graph cannot run.

    Notes
    -----
    O(tasks + arguments), about 1 us a task.
    """
    wanted = list(outputs)
    with gc_paused():
        order = post_order(graph, wanted)
        steps = [graph[key] for key in order]
        position = {Ref(key): step for step, key in enumerate(order)}
        ends = [position[Ref(key)] for key in wanted]
        return assemble(steps, position, Ref, ends, _GraphOrigins(order, steps))
