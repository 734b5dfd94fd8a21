"""Packs what the steps of a run need: functions, constants and results, each once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from lazygraph.schedulers.processes.assignments import Assignments, Unit
from lazygraph.schedulers.processes.messages import Member, Work
from lazygraph.schedulers.processes.parcels import Parcel, pack
from lazygraph.schedulers.processes.pool import Pool, Worker
from lazygraph.tasks.blame import argument_path, blame
from lazygraph.tasks.task import Built
from lazygraph.transport.identity import new_generation

if TYPE_CHECKING:
    from lazygraph.schedulers.controlled.controller import Controller

__all__ = ["CannotSend", "Load", "Packing"]


class CannotSend(Exception):  # noqa: N818  # never reaches a user
    """What a step needs cannot be pickled; `path` says what it is."""

    def __init__(self, step: int, path: str) -> None:
        super().__init__(step, path)
        self.step, self.path = step, path


class Packing:
    """The functions and values of a run, packed when first sent, once."""

    def __init__(self, run: Controller, pool: Pool) -> None:
        new_generation()
        self.run, self.pool = run, pool
        self._numbers: dict[Any, int] = {}  # of functions
        self._number_of: dict[int, int] = {}  # by step
        self._functions: dict[int, Any] = {}  # packed
        self._packed: dict[int, Any] = {}  # by slot: constants, results made in this process
        self._slot_of: dict[int, int] = {}  # by id: where a constant was first seen
        self._homes: dict[int, Worker] = {}  # who made a big result
        self.knowers: dict[int, list[Assignments]] = {}  # by slot: the workers that have its value
        self._users: Counter[int] | None = None  # by slot, of big constants: the steps to come

    # -------------------------------------------------------------- functions
    def number(self, step: int) -> int:
        """Return the number of a step's function."""
        number = self._number_of.get(step)
        if number is None:
            call = self.run.plan.funcs[step]
            key: Any = (id(call.func), id(call.template)) if type(call) is Built else id(call)
            number = self._number_of[step] = self._numbers.setdefault(key, len(self._numbers))
        return number

    def function(self, number: int, step: int) -> Any:
        """Pack a function."""
        packed = self._functions.get(number)
        if packed is None:
            call = self.run.plan.funcs[step]
            packed = self._functions[number] = self._pack(call, step, None)
        return packed

    # ----------------------------------------------------------------- values
    def constant(self, slot: int, step: int) -> tuple[int, Any]:
        """Pack a literal argument; return the slot to know it by, and the parcel."""
        value = self.run.plan.constants[-1 - slot]
        first = self._first_slot(slot)
        packed = self._packed.get(first)
        if packed is None:
            packed = self._packed[first] = self._pack(value, step, slot)
            if self._users is None and type(packed) is Parcel:
                self._users = self._count_users()
        return first, packed

    def _count_users(self) -> Counter[int]:
        plan = self.run.plan
        used = (slot for slots in plan.slots for slot in slots if slot < 0)
        return Counter(self._first_slot(slot) for slot in used)

    def _first_slot(self, slot: int) -> int:
        return self._slot_of.setdefault(id(self.run.plan.constants[-1 - slot]), slot)

    def finished(self, step: int) -> list[int]:
        """Note that a step will not run again; return the slots of constants it was the last to use.

        O(its arguments), and nothing at all in a run without constants that travel apart.
        """
        users, gone = self._users, []
        if users is not None:
            for slot in self.run.plan.slots[step]:
                if slot < 0:
                    first = self._first_slot(slot)
                    users[first] -= 1
                    if not users[first]:
                        gone.append(first)
        return gone

    def clear(self) -> None:
        """Let go of everything packed: the run is over."""
        self._packed.clear()
        self._functions.clear()
        self._homes.clear()
        self.knowers.clear()

    def result(self, slot: int, step: int) -> Any:
        """Return the result of a step, packed."""
        value = self.run.state.values[slot]
        if type(value) is Parcel:
            return value
        packed = self._packed.get(slot)
        if packed is None:
            packed = self._pack(value, step, slot)
            if type(packed) is Parcel:  # made in this process
                self._packed[slot] = packed
        return packed

    def _pack(self, value: Any, step: int, slot: int | None) -> Any:
        try:
            return self.pool.adopt(pack(value, self.pool.arena))
        except Exception as error:
            raise CannotSend(step, self._path(value, step, slot, error)) from error

    def _path(self, value: Any, step: int, slot: int | None, error: Exception) -> str:
        if slot is None:
            return blame(value.func if type(value) is Built else value, "its function", error)
        place = self.run.plan.slots[step].index(slot)
        return blame(value, argument_path(self.run.plan.origins.call(step), place), error)

    def note_home(self, thing: Any, step: int, worker: Worker) -> Any:
        """Note who has a result that has arrived, if it is big; return it."""
        if type(thing) is Parcel and thing.blocks:
            self._homes[step] = worker
        return thing

    def release(self, steps: Any) -> None:
        """Let go of results that nobody needs any more."""
        for step in steps:
            self._packed.pop(step, None)
            self._homes.pop(step, None)

    # ---------------------------------------------------------------- workers
    def nearest(self, step: int, candidates: list[Assignments]) -> Assignments:
        """Return the idle worker that has most of what a step needs."""
        needed = self.run.plan.dependencies[step]
        if not needed or len(candidates) == 1:
            return candidates[0]
        return max(candidates, key=lambda other: self._has(other, needed))

    def _has(self, assignments: Assignments, slots: tuple[int, ...]) -> int:
        values = self.run.state.values
        return sum(
            values[slot].nbytes
            for slot in slots
            if type(values[slot]) is Parcel
            and (slot in assignments.known or self._homes.get(slot) is assignments.worker)
        )


class Load:
    """One message's worth of units, with what their worker has not got."""

    def __init__(self, packing: Packing, assignments: Assignments) -> None:
        self._packing, self._assignments = packing, assignments
        self._functions: dict[int, Any] = {}
        self._values: dict[int, Any] = {}

    def unit(self, unit: Unit) -> list[Member]:
        """Return a unit as workers read it.

        Raises
        ------
        CannotSend
            If it needs what cannot be pickled.
        """
        members: list[Member] = []
        before: int | None = None
        for step in unit.steps:
            number = self._packing.number(step)
            if number not in self._assignments.functions and number not in self._functions:
                self._functions[number] = self._packed(self._packing.function(number, step))
            slots = self._packing.run.plan.slots[step]
            arguments = [None if slot == before else self._argument(slot, step) for slot in slots]
            members.append((step, number, tuple(arguments)))
            before = step
        return members

    def _argument(self, slot: int, step: int) -> int | tuple[Any]:
        """Return a value that travels inline, in a tuple, or the slot to know it by."""
        if slot < 0:
            slot, thing = self._packing.constant(slot, step)
        else:
            thing = self._packing.result(slot, step)
        if type(thing) is not Parcel:
            return (thing,)
        if slot not in self._assignments.known and slot not in self._values:
            self._values[slot] = self._packed(thing)
        return slot

    def _packed(self, thing: Any) -> Any:
        if type(thing) is Parcel:
            self._packing.pool.ledger.lend(thing.handles(), self._assignments.worker.owner)
        return thing

    def message(self, units: list[Any]) -> Work:
        """Return the message."""
        self._assignments.known.update(self._values)
        for slot in self._values:
            self._packing.knowers.setdefault(slot, []).append(self._assignments)
        self._assignments.functions.update(self._functions)
        seed = self._packing.run.terms.seed
        if seed is not None:  # of its places, those of the steps that travel with it
            seed = seed.among([step for unit in units for step, *_ in unit])
        return Work(self._functions, self._values, units, seed)
