"""Tasks to units: most are a task each, a reduction tree is one as a whole.

So a tree is one group, however many levels it has, and trees of different sizes are alike.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

__all__ = ["Units", "make_units"]

_NONE = -1
#: What has fewer levels is as easily shown level by level.
_LEAST_DEPTH = 3


@dataclass(frozen=True, slots=True)
class Units:
    """What is put into groups; a unit's index is greater than those of its dependencies.

    Attributes
    ----------
    names : sequence of str
        The functions, by unit.
    dependencies, dependents : sequence of sequence of int
        The units that it needs, and that need it; as often as there are dependencies.
    outputs : frozenset of int
        The units with a task that is asked for.
    unit_of : sequence of int
        By task.
    """

    names: Sequence[str]
    dependencies: Sequence[Sequence[int]]
    dependents: Sequence[Sequence[int]]
    outputs: frozenset[int]
    unit_of: Sequence[int]


def make_units(
    names: Sequence[str],
    dependencies: Sequence[Sequence[int]],
    dependents: Sequence[Sequence[int]],
    outputs: Collection[int],
) -> Units:
    """Join each task to its only dependent where both are of one reduction tree.

    A tree has three levels or more of tasks with one function, each needed by one other of
    them, and needs more different results from outside than it has tasks: pairs added up do,
    steps of a chain do not. If it does not branch, as a sum made one by one, these must be
    needed by nothing else. An only dependent can be joined without making a cycle.

    Notes
    -----
    O(tasks + dependencies).
    """
    kept = frozenset(outputs)
    joined = _only_dependents(names, dependencies, dependents, kept)
    root_of = _roots(joined)
    trees = _reductions(dependencies, dependents, joined, root_of)
    if not trees:
        return Units(names, dependencies, dependents, kept, range(len(names)))
    roots = [root if root in trees else task for task, root in enumerate(root_of)]
    return _joined(names, dependencies, roots, kept)


def _only_dependents(
    names: Sequence[str],
    dependencies: Sequence[Sequence[int]],
    dependents: Sequence[Sequence[int]],
    outputs: frozenset[int],
) -> list[int]:
    """Per task, the one that it may be joined to."""
    only = [users[0] if len(users) == 1 else _NONE for users in dependents]
    for task, user in enumerate(only):
        if user != _NONE and (
            names[user] != names[task] or not dependencies[task] or task in outputs
        ):
            only[task] = _NONE
    return only


def _roots(joined: Sequence[int]) -> list[int]:
    root_of = list(range(len(joined)))
    for task in reversed(root_of):
        if joined[task] != _NONE:
            root_of[task] = root_of[joined[task]]
    return root_of


def _deep(joined: Sequence[int], root_of: Sequence[int]) -> dict[int, list[int]]:
    """Return the tasks of what has enough levels, by root."""
    depth = [1] * len(joined)
    for task, user in enumerate(joined):
        if user != _NONE and depth[user] <= depth[task]:
            depth[user] = depth[task] + 1
    made: dict[int, list[int]] = {}
    for task, root in enumerate(root_of):
        if depth[root] >= _LEAST_DEPTH:
            made.setdefault(root, []).append(task)
    return made


def _reductions(
    dependencies: Sequence[Sequence[int]],
    dependents: Sequence[Sequence[int]],
    joined: Sequence[int],
    root_of: Sequence[int],
) -> set[int]:
    """Return the roots of trees."""
    trees = set()
    for root, members in _deep(joined, root_of).items():
        own = frozenset(members)
        needed = {dep for task in members for dep in dependencies[task]} - own
        if not _branches(members, joined):
            needed = {dep for dep in needed if len(dependents[dep]) == 1}
        if len(needed) > len(members):
            trees.add(root)
    return trees


def _branches(members: Sequence[int], joined: Sequence[int]) -> bool:
    """Whether two of the tasks are needed by the same."""
    return len({joined[task] for task in members}) < len(members)


def _joined(
    names: Sequence[str],
    dependencies: Sequence[Sequence[int]],
    roots: Sequence[int],
    outputs: frozenset[int],
) -> Units:
    kept = [task for task, root in enumerate(roots) if task == root]
    unit_of_root = {root: unit for unit, root in enumerate(kept)}
    unit_of = [unit_of_root[root] for root in roots]
    needed: list[list[int]] = [[] for _ in kept]
    users: list[list[int]] = [[] for _ in kept]
    for unit, deps in zip(unit_of, dependencies, strict=True):
        for dep in map(unit_of.__getitem__, deps):
            if dep != unit:
                needed[unit].append(dep)
                users[dep].append(unit)
    asked = frozenset([unit_of[task] for task in outputs])
    return Units([names[root] for root in kept], needed, users, asked, unit_of)
