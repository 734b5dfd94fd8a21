"""Several tasks run as one, which still knows its members: for errors, profiles, drawings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

from lazygraph.errors import GraphEditError
from lazygraph.randomness import Seed, current_seed, seeded
from lazygraph.tasks.function import Function
from lazygraph.tasks.keys import Key
from lazygraph.tasks.options import NO_OPTIONS, Options
from lazygraph.tasks.reprs import counted
from lazygraph.tasks.task import Ref, Task, flat_call, make_task

__all__ = ["Fused", "Member", "MemberFailed", "fuse_tasks"]


class Member(NamedTuple):
    """One task of a fused one.

    `slots` says where its arguments are among the inputs and earlier members' results;
    `frees` names those that nobody needs after it.
    """

    key: Key
    task: Task
    call: Callable[..., Any]
    slots: tuple[int, ...]
    frees: tuple[int, ...]


class MemberFailed(Exception):  # noqa: N818  # never reaches a user: schedulers unwrap it
    """Carries a member's arguments and seed, with its exception as the cause, to who reports it."""

    def __init__(self, member: Member, leaves: tuple[Any, ...], seed: Seed | None = None) -> None:
        super().__init__(member.key)
        self.member, self.leaves, self.seed = member, leaves, seed

    @property
    def error(self) -> BaseException:
        """What the member raised: the cause, which keeps its traceback between processes."""
        error: Any = self.__cause__
        return error  # type: ignore[no-any-return]


class Fused:
    """A function that runs `members` in order on its inputs and returns the last result."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = tuple(members)
        self.__name__ = "+".join(_shown([member.task.name for member in members]))

    def __call__(self, /, *inputs: Any) -> Any:
        """Run the members; the last one's result."""
        values = list(inputs)
        value = None
        around = current_seed()
        for n, member in enumerate(self.members):
            leaves = tuple([values[slot] for slot in member.slots])
            seed = None if around is None else around.at(n)
            try:
                with nullcontext() if seed is None else seeded(seed):
                    value = member.call(*leaves)
            except BaseException as error:
                raise MemberFailed(member, leaves, seed) from error
            del leaves
            values.append(value)
            for slot in member.frees:
                values[slot] = None
        return value

    def __reduce__(self) -> tuple[Any, ...]:
        return _refused, ([(m.key, m.task, m.slots, m.frees) for m in self.members],)

    def __repr__(self) -> str:
        return f"Fused({self.__name__}, {counted(len(self.members), 'task')})"


def _refused(rows: Sequence[tuple[Any, ...]]) -> Fused:
    return Fused([Member(key, task, flat_call(task), *where) for key, task, *where in rows])


def _shown(names: Sequence[str]) -> list[str]:
    return [*names[:2], "...", names[-1]] if len(names) > 4 else list(names)


class _Slots:
    """Gives each input and each member's result its place among the values of a run."""

    def __init__(self) -> None:
        self.leaves: list[Any] = []
        self._input_of: dict[
            Ref, int
        ] = {}  # a result from outside is one input, however often used
        self._result_of: dict[Key, int] = {}  # -1 for the first member's, -2 for the second's, ...

    def of_member(self, key: Key, task: Task) -> list[int]:
        slots = [self._of_leaf(leaf) for leaf in task._leaves]
        self._result_of[key] = -1 - len(self._result_of)
        return slots

    def _of_leaf(self, leaf: Any) -> int:
        if type(leaf) is not Ref:
            return self._new(leaf)
        if leaf.key in self._result_of:
            return self._result_of[leaf.key]
        if leaf not in self._input_of:
            self._input_of[leaf] = self._new(leaf)
        return self._input_of[leaf]

    def _new(self, leaf: Any) -> int:
        self.leaves.append(leaf)
        return len(self.leaves) - 1


def _frees(slots_of: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """For each member, the slots that no later member reads."""
    seen: set[int] = set()
    frees = []
    for slots in reversed(slots_of):
        frees.append(tuple(slot for slot in dict.fromkeys(slots) if slot not in seen))
        seen.update(slots)
    return frees[::-1]


def fuse_tasks(members: Sequence[tuple[Key, Task]]) -> Task:
    """Return one task in place of several, bearing the options of the last.

    Parameters
    ----------
    members : sequence of (key, task)
        In an order in which they can run; only the last one's result is wanted outside. If one
        is to run in the process that computes (`local`), all are.

    Raises
    ------
    GraphEditError
        If another than the last has an option that a scheduler acts on, which would be lost.

    Notes
    -----
    O(tasks + leaves).
    """
    places = _Slots()
    numbered = [places.of_member(key, task) for key, task in members]
    n = len(places.leaves)
    slots_of = [tuple(s if s >= 0 else n - 1 - s for s in slots) for slots in numbered]
    made = [
        Member(key, task, flat_call(task), slots, frees)
        for (key, task), slots, frees in zip(members, slots_of, _frees(slots_of), strict=True)
    ]
    last = members[-1][1]
    pure = all(task.pure for _, task in members)
    nout = last._function.nout
    function = Function(Fused(made), pure=pure, nout=nout, options=_options(members))
    return make_task(function, tuple(places.leaves), None, last._code, last._lasti)


def _options(members: Sequence[tuple[Key, Task]]) -> Options:
    """Return what is asked for all of them."""
    *inner, last = [task.options for _, task in members]
    if all(options is NO_OPTIONS for options in inner):
        return last
    for (key, _), options in zip(members, inner, strict=False):
        if options.without(["local"]).is_controlled:
            raise GraphEditError(f"{key!r} has {options}, which would be lost inside another task")
    is_local = not last.local and any(options.local for options in inner)
    return last.replace(local=True) if is_local else last
