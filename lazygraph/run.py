"""From a user's keywords and nested arguments to a plan, and to the scheduler that runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from lazygraph import config
from lazygraph.errors import OptionError, RunError, UnsupportedOptionError
from lazygraph.graphs.graph import Graph
from lazygraph.graphs.inputs import bind, read_inputs
from lazygraph.graphs.nan_check import checked
from lazygraph.graphs.nodes import Node, node_type, plan_of
from lazygraph.graphs.plan import Plan, make_plan
from lazygraph.protocols import Observer, Scheduler
from lazygraph.randomness import choose_seed
from lazygraph.schedulers import choose, refuse_unsupported
from lazygraph.schedulers.controlled import Stream, Streaming, is_on_loop
from lazygraph.tasks.conversions import listed
from lazygraph.tasks.keys import Key
from lazygraph.tasks.pytree import ATOMS, Template, flatten, leaf_of
from lazygraph.tasks.terms import NO_TERMS, read_terms

__all__ = ["Lazies", "Run"]

_RUN_OPTIONS = (
    "check_finite",
    "inputs",
    "limits",
    "num_workers",
    "observers",
    "on_error",
    "optimize_graph",
    "scheduler",
    "seed",
    "traverse",
)


class Lazies:
    """The lazy values among a call's arguments, and the way to put others in their places."""

    def __init__(self, args: tuple[Any, ...], traverse: bool = True) -> None:
        self._template: Template | None = None
        self._leaves: Sequence[Any]
        if traverse:
            # What can be read once is read here and now: unlike a task's, these do not come again.
            self._leaves, self._template = flatten(map(listed, args))
        else:
            self._leaves = [arg if type(arg) in ATOMS else leaf_of(arg) for arg in args]
        kind = node_type()
        self._places = [i for i, leaf in enumerate(self._leaves) if type(leaf) is kind]

    @property
    def nodes(self) -> list[Node]:
        """The lazy values, left to right."""
        return [self._leaves[i] for i in self._places]

    def fill(self, values: Iterable[Any]) -> tuple[Any, ...]:
        """The arguments, with `values` where the lazy values were."""
        leaves = list(self._leaves)
        for i, value in zip(self._places, values, strict=True):
            leaves[i] = value
        if self._template is None:
            return tuple(leaves)
        return tuple(self._template.build(leaves)[0])


class Run:
    """How to run: the keywords that `compute`, `persist` and `get` have in common."""

    def __init__(
        self,
        where: str,
        *,
        scheduler: Any = None,
        num_workers: int | None = None,
        observers: Sequence[Observer] | None = None,
        optimize_graph: bool = True,  # noqa: ARG002  # Dask's: every plan is made straight
        traverse: bool = True,
        limits: Mapping[str, float] | None = None,
        on_error: str | None = None,
        seed: int | None = None,
        inputs: Mapping[Any, Any] | None = None,
        check_finite: bool = False,
        **unknown: Any,
    ) -> None:
        for name in unknown:
            raise OptionError.unknown(where, name, _RUN_OPTIONS)
        self.where = where
        self.scheduler: Scheduler = choose(
            config.get("scheduler") if scheduler is None else scheduler,
            config.get("num_workers") if num_workers is None else num_workers,
        )
        self.observers = _checked(config.get("observers") if observers is None else observers)
        self.traverse = traverse
        self._inputs = None if inputs is None else read_inputs(inputs)
        self._check_finite = check_finite
        self.terms = read_terms(
            config.get("limits") if limits is None else limits,
            config.get("on_error") if on_error is None else on_error,
            choose_seed(seed, config.get("seed")),
        )

    def nodes(self, nodes: Sequence[Node]) -> list[Any]:
        """The values of lazy values."""
        return self._values(self.plan(nodes)) if nodes else []

    def plan(self, nodes: Sequence[Node]) -> Plan:
        """The plan for lazy values."""
        return self._bound(plan_of(nodes))

    def graph(self, graph: Graph, keys: Sequence[Key]) -> list[Any]:
        """The values of keys of a graph."""
        return self._values(self._bound(make_plan(graph, keys)))

    def _bound(self, plan: Plan) -> Plan:
        return self._watched(bind(plan, self._inputs))

    def _watched(self, plan: Plan) -> Plan:
        return checked(plan) if self._check_finite else plan

    @property
    def is_plain(self) -> bool:
        """Whether nothing is asked of the run but results."""
        return not (self.observers or self._check_finite or self._inputs) and (
            self.terms is NO_TERMS
        )

    def planned(self, plan: Plan) -> list[Any]:
        """The values of a plan that has been made before."""
        return self._values(self._watched(plan))

    def _values(self, plan: Plan) -> list[Any]:
        refuse_unsupported(self.scheduler, plan, self.terms)
        self.refuse_to_block(plan)
        if self.terms is NO_TERMS:  # a scheduler need not know of terms
            return self.scheduler.run(plan, self.observers)
        return self.scheduler.run(plan, self.observers, self.terms)

    def held(self, nodes: Sequence[Node]) -> list[Any]:
        """The values of lazy values; of a scheduler that leaves them elsewhere, `OnCluster`s."""
        hold = getattr(self.scheduler, "hold", None)
        if hold is None or not nodes:
            return self.nodes(nodes)
        plan = self.plan(nodes)
        refuse_unsupported(self.scheduler, plan, self.terms)
        return list(hold(plan, self.observers, self.terms))

    def stream(self, plan: Plan, lookahead: int | None) -> Callable[[], Stream]:
        """What begins to give a plan's outputs, one by one; all is checked before."""
        refuse_unsupported(self.scheduler, plan, self.terms)
        if not isinstance(self.scheduler, Streaming):
            raise UnsupportedOptionError(self.where, self.scheduler.name, None)
        return partial(self.scheduler.stream, plan, self.observers, self.terms, lookahead)

    def refuse_to_block(self, plan: Plan) -> None:
        """Raise RunError if a wait for the plan, on this thread, would be a bad idea."""
        if is_on_loop() and any(options.is_async for options in set(plan.options.values())):
            raise RunError(
                f"{self.where} would block the event loop: inside an async def task, what needs "
                "async def tasks is awaited, by await lazygraph.acompute(...)"
            )


def _checked(observers: Sequence[Observer]) -> Sequence[Observer]:
    if isinstance(observers, (list, tuple)) and all(isinstance(o, Observer) for o in observers):
        return observers
    raise OptionError(f"observers is a list of objects with notify(event), not {observers!r}")
