"""Tasks to groups: what is repeated is shown once, with how often, and how it is wired."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

from lazygraph.graphs.plan import gc_paused
from lazygraph.viz.collapse.classes import Partition
from lazygraph.viz.collapse.ladder import MOST_GROUPS, Rung, climb
from lazygraph.viz.collapse.ratios import Fans, edges_of, fans_of
from lazygraph.viz.collapse.units import make_units

__all__ = ["MOST_GROUPS", "Groups", "collapse"]

_MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of tasks, each after those it depends on.

    Attributes
    ----------
    members : list of list of int
        The tasks, ascending; each in one group.
    labels : list of str
        The function's name; "load + clean" where several are merged; "… 66 more steps" for
        levels that are folded.
    edges : list of tuple
        From group, to group, number of dependencies, label; sorted by the second. The label
        says how many of the first group go to one of the second, and to how many of the second
        one of the first goes: "8 : 1", "1 : 1,000"; "≤ 3 : ≤ 3" where not all are alike; "all :
        all"; "tree" where the second group adds up the first, "in turn" where it does so one
        by one. Empty for one-to-one, even if some of the larger group are left over.
    functions : list of str
        The name of each group's most frequent function, which gives the colour.
    details : list of str
        What the label leaves out: the functions of folded levels; else empty.
    note : str
        What is equal within a group: "identical structure".
    is_profile : bool
        No grouping says anything about this graph, and these are mere bands of levels: better
        drawn by `lazygraph.viz.scenes.profile.profile_picture`.
    """

    members: list[list[int]]
    labels: list[str]
    edges: list[tuple[int, int, int, str]]
    functions: list[str]
    details: list[str]
    note: str
    is_profile: bool = False

    @property
    def counts(self) -> list[int]:
        """How many tasks each group has."""
        return [len(members) for members in self.members]


def collapse(
    names: Sequence[str], dependencies: Sequence[Sequence[int]], outputs: Collection[int] = ()
) -> Groups:
    """Return groups of tasks that do the same: at most 16 if that can be, never above 60.

    The first of these that gives few groups: identical structure (function, and how many of
    which groups it needs and is needed by; a reduction tree counts as one task), similar
    structure (which groups), function and level, the same with repeated levels folded, function
    with cyclic functions merged, and bands of levels where even that gives no more than two.
    Groups never wait for each other.

    Parameters
    ----------
    names : sequence of str
        The function's name of each task.
    dependencies : sequence of sequence of int
        The tasks that each task needs, each once, all with a smaller index.
    outputs : collection of int, optional
        The tasks that are asked for, which is a role of its own.

    Notes
    -----
    O(tasks + dependencies), 3 to 10 us a task. The groups do not depend on how tasks are
    numbered; nor does their order, but for groups equal in level, label and size.

    Examples
    --------
    >>> groups = collapse(["load", "load", "load", "sum"], [[], [], [], [0, 1, 2]])
    >>> groups.labels, groups.counts, groups.edges
    (['load', 'sum'], [3, 1], [(0, 1, 3, '3 : 1')])
    """
    with gc_paused():
        dependents: list[list[int]] = [[] for _ in names]
        for task, needed in enumerate(dependencies):
            for dep in needed:
                dependents[dep].append(task)
        units = make_units(names, dependencies, dependents, outputs)
        rung = climb(units)
        classes = rung.partition or []
        class_of = [classes[unit] for unit in units.unit_of]
        down, up = fans_of(class_of, dependencies), fans_of(class_of, dependents)
        return _groups(names, class_of, rung, (down, up))


def _groups(
    names: Sequence[str], class_of: Partition, rung: Rung, fans: tuple[Fans, Fans]
) -> Groups:
    """Classes in order, with all that is to be said of them."""
    members: list[list[int]] = [[] for _ in range(rung.n_groups)]
    for task, cls in enumerate(class_of):
        members[cls].append(task)
    functions = [_ranked([names[task] for task in tasks]) for tasks in members]
    labels = [rung.labels.get(cls) or _joined(found) for cls, found in enumerate(functions)]
    ranks = [(label, -len(tasks), tasks[0]) for label, tasks in zip(labels, members, strict=True)]
    order = _sorted(ranks, fans[0])
    edges = edges_of([len(tasks) for tasks in members], *fans)
    place = {cls: n for n, cls in enumerate(order)}
    return Groups(
        [members[cls] for cls in order],
        [labels[cls] for cls in order],
        sorted(((place[a], place[b], n, label) for a, b, n, label in edges), key=_end_first),
        [functions[cls][0] for cls in order],
        [_joined(functions[cls]) if cls in rung.labels else "" for cls in order],
        rung.note,
        rung.is_profile,
    )


def _end_first(edge: tuple[int, int, int, str]) -> tuple[int, int]:
    return edge[1], edge[0]


def _ranked(names: Iterable[str]) -> list[str]:
    """Return the most frequent first, equals by name."""
    counts = Counter(names)
    return sorted(counts, key=lambda name: (-counts[name], name))


def _joined(names: Sequence[str]) -> str:
    more = f" + {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return " + ".join(names[:_MOST_NAMES]) + more


def _sorted(ranks: Sequence[tuple[str, int, int]], down: Fans) -> list[int]:
    """Classes after those they need: by level among classes, then by rank."""
    needs: dict[int, list[int]] = {cls: [] for cls in range(len(ranks))}
    for cls, other in down:
        if cls != other:
            needs[cls].append(other)
    level: dict[int, int] = {}
    for cls in TopologicalSorter(needs).static_order():
        level[cls] = max([level[other] for other in needs[cls]], default=-1) + 1
    return sorted(level, key=lambda cls: (level[cls], ranks[cls]))
