"""What is drawn: a graph's tasks in order, what became of them, what their colours stand for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from math import inf
from typing import get_args

from lazygraph.errors import DrawingError
from lazygraph.graphs.graph import Graph
from lazygraph.graphs.order import post_order
from lazygraph.tasks.keys import Key
from lazygraph.viz.look import PARTIAL, Colour, Look, Notes
from lazygraph.viz.model import Edge, Mark
from lazygraph.viz.paint.colours import hues_by_name
from lazygraph.viz.paint.themes import ROLES
from lazygraph.viz.scenes.labels import Labeller, Names, names_of
from lazygraph.viz.scenes.plumbing import Plumbing
from lazygraph.viz.scenes.quantities import Lifetimes, Ramp, quantities, ramp_of
from lazygraph.viz.scenes.runs import Outcome, read_run
from lazygraph.viz.text import TIMES, one_line

__all__ = ["Subject", "times"]

_QUANTITIES = frozenset(get_args(Colour)) - {"function", "worker"}


class Subject:
    """A graph as it is when drawn, and all that views of it have in common.

    Attributes
    ----------
    keys : list of Key
        Those of the tasks, each after those it needs.
    shown : list of int
        The tasks to draw: all, or those near `Look.focus`.
    hidden : pair of mappings
        By key, how many of its dependencies, and of its dependents, are not shown.

    Raises
    ------
    DrawingError
        If the graph is empty, or `look.run` is of another.
    MissingKeyError, CycleError
        If the graph cannot run.

    Notes
    -----
    O(tasks + arguments).
    """

    def __init__(self, graph: Graph, outputs: Sequence[Key], look: Look) -> None:
        if not graph:
            raise DrawingError("the graph has no task: there is nothing to draw")
        self.look = look
        self.graph = graph.copy()
        self.keys = post_order(self.graph, [*outputs, *graph])
        index = {key: n for n, key in enumerate(self.keys)}
        self._needed = [[index[key] for key in graph[key]._refs()] for key in self.keys]
        self._plumbing = self._found_plumbing(outputs)
        self.uses = self._drawn_uses(index)
        drawn = [self._plumbing.of(key) if self._plumbing else key for key in outputs]
        self.outputs = frozenset(index[key] for key in drawn if key is not None)
        self.labeller = Labeller(self.graph, look.labels, in_symbols=look.notes is not None)
        self.slow_seconds = inf
        self.outcomes = self._outcomes()
        self.hidden: tuple[Mapping[Key, int], Mapping[Key, int]] = {}, {}
        hidden = self._plumbing.hidden if self._plumbing else ()
        self.shown = sorted([index[key] for key in self._near_focus() if key not in hidden])

    def _found_plumbing(self, outputs: Sequence[Key]) -> Plumbing | None:
        """Return what is left out of pictures; None where everything is asked for."""
        if self.look.detail == "full" or not any(
            self.graph[key]._function.is_early for key in self.keys
        ):
            return None
        found = Plumbing(self.graph, outputs)
        return None if self.look.focus in found.hidden else found

    def _drawn_uses(self, index: Mapping[Key, int]) -> list[Counter[int]]:
        """Return what each task needs of those that are drawn, and how often."""
        plumbing = self._plumbing
        if plumbing is None:
            return list(map(Counter, self._needed))
        return [
            Counter(
                index[drawn] for n in needed if (drawn := plumbing.of(self.keys[n])) is not None
            )
            for needed in self._needed
        ]

    @cached_property
    def n_dependencies(self) -> int:
        """How many dependencies there are between tasks that are shown."""
        shown = set(self.shown)
        return sum(len(shown.intersection(self.uses[task])) for task in shown)

    @property
    def n_left_out(self) -> int:
        """How many tasks of the way back are not drawn, since they only keep shapes."""
        return len(self._plumbing.hidden) if self._plumbing else 0

    def derivative(self, task: int) -> str:
        """Return which derivative a task's result is, if that was asked for."""
        by = self._plumbing.by.get(self.keys[task], ()) if self._plumbing else ()
        return ", ".join([f"{PARTIAL}/{PARTIAL}{self.labeller.name(key)}" for key in by])

    def _outcomes(self) -> list[Outcome] | None:
        if self.look.run is None:
            return None
        by_key, self.slow_seconds = read_run(self.look.run.events, self.keys)
        return [by_key[key] for key in self.keys]

    def _near_focus(self) -> Iterable[Key]:
        focus = self.look.focus
        if focus is None:
            return self.keys
        from lazygraph.viz.scenes.focus import neighbourhood

        near = neighbourhood(self.graph, focus, self.look.depth)
        self.hidden = near.hidden_dependencies, near.hidden_dependents
        return near.graph

    @cached_property
    def goal(self) -> str:
        """Return what is differentiated, by its name if it has one."""
        names = [self.labeller.name(self.keys[n]) for n in sorted(self.outputs)]
        return ", ".join(["goal" if name.startswith("(") else name for name in names])

    @cached_property
    def names(self) -> list[Names]:
        """Of each task's function."""
        return names_of(self.graph[key] for key in self.keys)

    @cached_property
    def hues(self) -> dict[str, int]:
        """By what colours stand for; the same in every view of the tasks."""
        if self.is_measured:
            return {}
        if self.look.color == "worker":
            return hues_by_name(
                name for task in range(len(self.keys)) if (name := self.worker(task))
            )
        plain = {names.function for names in self.names if names.function and not names.role}
        roles = {names.function: ROLES[names.role] for names in self.names if names.role}
        return roles | hues_by_name(plain)

    def worker(self, task: int) -> str:
        """Return what gives the colour where workers do; empty where something else does."""
        if self.look.color != "worker" or self.outcomes is None:
            return ""
        return one_line(self.outcomes[task].worker)

    @cached_property
    def is_measured(self) -> bool:
        """Whether colours stand for a quantity."""
        return self.look.color in _QUANTITIES

    @cached_property
    def values(self) -> list[float | None]:
        """Of each task: the quantity that its colour stands for."""
        color = self.look.color
        if color is None or not self.is_measured:
            return [None] * len(self.keys)
        lifetimes = Lifetimes(self._needed, self.outputs)
        return quantities(color, lifetimes, self.outcomes)

    @cached_property
    def shares(self) -> list[float | None]:
        """Return the values, from 0 to 1."""
        return [None if value is None else self.ramp.share(value) for value in self.values]

    @cached_property
    def ramp(self) -> Ramp:
        """Return how values become colours."""
        return ramp_of(self.values)

    def edges(self, place: Mapping[int, int]) -> tuple[Edge, ...]:
        """Dependencies between tasks, by their places; those without one are left out."""
        return tuple(
            [
                self._edge(place, needed, task, n)
                for task in place
                for needed, n in self.uses[task].items()
                if needed in place
            ]
        )

    def _edge(self, place: Mapping[int, int], needed: int, task: int, n: int) -> Edge:
        notes, tail, head = self.look.notes or Notes(), self.keys[needed], self.keys[task]
        side = self.labeller.sides(head).get(tail, "")
        said = [text for text in (notes.values.get(tail, ""), times(n), side) if text]
        back = notes.edges.get((tail, head))
        if back == "":
            back = f"{PARTIAL}{self.goal}/{PARTIAL}{self.labeller.name(tail)}"
        return Edge(place[needed], place[task], " ".join(said), n, back or "")

    def marks(self, task: int) -> frozenset[Mark]:
        """Return what is marked of one task."""
        made: set[Mark] = {"output"} if task in self.outputs else set()
        if self.look.focus is not None and self.keys[task] == self.look.focus:
            made.add("focus")
        if self.outcomes is not None:
            made |= self.outcomes[task].marks
        return frozenset(made)


def times(n: int) -> str:
    """Return the label of an edge for `n` uses of one result."""
    return "" if n == 1 else f"{TIMES}{n}"
