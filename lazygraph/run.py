"""From a user's keywords and nested arguments to a plan, and to the scheduler that runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from lazygraph import config
from lazygraph.errors import OptionError, RunError, UnsupportedOptionError
from lazygraph.graphs.compile import plan_of
from lazygraph.graphs.graph import Graph
from lazygraph.graphs.inputs import bind, read_inputs
from lazygraph.graphs.nan_check import checked
from lazygraph.graphs.nodes import Node, node_type
from lazygraph.graphs.plan import Plan, make_plan
from lazygraph.protocols import Observer, Scheduler
from lazygraph.randomness import choose_seed
from lazygraph.schedulers import choose
from lazygraph.schedulers.controlled import Stream, Streaming, is_on_loop
from lazygraph.schedulers.refusals import OWN, refuse_unsupported, refuse_unused_limits
from lazygraph.tasks.conversions import listed
from lazygraph.tasks.keys import Key
from lazygraph.tasks.options import NO_TERMS, RUN_OPTIONS, TERMS, Terms, flag
from lazygraph.tasks.pytree import ATOMS, Template, flatten, whole_leaf_of

__all__ = ["Lazies", "Run", "read_run_options"]


def _as_given(value: Any) -> Any:
    return value


_RUN_READERS: Mapping[str, Callable[[Any], Any]] = {
    **config.READERS,
    "inputs": _as_given,  # read by `graphs.inputs`, which knows what an input is
    "check_finite": partial(flag, "check_finite"),
    "traverse": partial(flag, "traverse"),
    "optimize_graph": partial(flag, "optimize_graph"),
}


def read_run_options(verb: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords that ask for something, their values checked.

    Parameters
    ----------
    verb : str
        The function that they were given to.
    given : mapping
        By keyword; None stands for the default.

    Raises
    ------
    OptionError
        For a keyword that is none of `RunOptions`, or a bad value of one.
    """
    for name in given:
        if name not in _RUN_READERS:
            raise OptionError.unknown(verb, name, RUN_OPTIONS)
    return {name: _RUN_READERS[name](value) for name, value in given.items() if value is not None}


class Lazies:
    """The lazy values among a call's arguments, and the way to put others in their places."""

    def __init__(self, args: tuple[Any, ...], traverse: bool = True) -> None:
        self._template: Template | None = None
        self._leaves: Sequence[Any]
        if traverse:
            # What can be read once is read here and now: unlike a task's, these do not come again.
            self._leaves, self._template = flatten(map(listed, args))
        else:
            self._leaves = [arg if type(arg) in ATOMS else whole_leaf_of(arg) for arg in args]
        kind = node_type()
        self._places = [i for i, leaf in enumerate(self._leaves) if type(leaf) is kind]

    @property
    def nodes(self) -> list[Node]:
        """Return the lazy values, left to right."""
        return [self._leaves[i] for i in self._places]

    def fill(self, values: Iterable[Any]) -> tuple[Any, ...]:
        """Return the arguments, with `values` where the lazy values were."""
        leaves = list(self._leaves)
        for i, value in zip(self._places, values, strict=True):
            leaves[i] = value
        if self._template is None:
            return tuple(leaves)
        return tuple(self._template.build(leaves)[0])


class Run:
    """How to run: the keywords of `compute` and its like, with defaults for those not given.

    Parameters
    ----------
    verb : str
        The function that a user called, for messages.
    given : mapping
        Its keywords, of `RunOptions`.
    """

    def __init__(self, verb: str, given: Mapping[str, Any]) -> None:
        asked, defaults = read_run_options(verb, given), config.settings()
        self.verb = verb
        self.scheduler: Scheduler = choose(
            asked.get("scheduler", defaults["scheduler"]),
            asked.get("num_workers"),
            defaults["num_workers"],
        )
        self.observers: Sequence[Observer] = asked.get("observers", defaults["observers"])
        self.traverse: bool = asked.get("traverse", True)
        self._inputs = read_inputs(asked["inputs"]) if "inputs" in asked else None
        self._check_finite: bool = asked.get("check_finite", False)
        self._own_limits: Mapping[str, float] = asked.get("limits", {})
        self._defaults = TERMS.difference(asked)
        terms = Terms(
            asked.get("limits", defaults["limits"]) or NO_TERMS.limits,
            asked.get("on_error", defaults["on_error"]),
            choose_seed(asked.get("seed"), defaults["seed"]),
        )
        self.terms = NO_TERMS if terms == NO_TERMS else terms

    def nodes(self, nodes: Sequence[Node]) -> list[Any]:
        """Run lazy values; return their results."""
        return self._values(self.plan(nodes)) if nodes else []

    def plan(self, nodes: Sequence[Node]) -> Plan:
        """Return the plan for lazy values."""
        return self._bound(plan_of(nodes))

    def graph(self, graph: Graph, keys: Sequence[Key]) -> list[Any]:
        """Run a graph; return the values of keys."""
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
        """Run a plan that has been made before; return its results."""
        return self._values(self._watched(plan))

    def _values(self, plan: Plan) -> list[Any]:
        self._refuse(plan)
        self.refuse_to_block(plan)
        if self.terms is NO_TERMS:  # a scheduler need not know of terms
            return self.scheduler.run(plan, self.observers)
        return self.scheduler.run(plan, self.observers, self._terms_of(plan))

    def _terms_of(self, plan: Plan) -> Terms:
        """Return the terms, with the seed of a plan some of whose steps are not to be counted."""
        if self.terms.seed is None or plan.places is None:
            return self.terms
        return self.terms._replace(seed=self.terms.seed.numbered(plan.places))

    def held(self, nodes: Sequence[Node]) -> list[Any]:
        """Run lazy values; return results, or an `OnCluster` for each that stays on a cluster."""
        hold = getattr(self.scheduler, "hold", None)
        if hold is None or not nodes:
            return self.nodes(nodes)
        plan = self.plan(nodes)
        self._refuse(plan)
        return list(hold(plan, self.observers, self._terms_of(plan)))

    def stream(self, plan: Plan, lookahead: int | None) -> Callable[[], Stream]:
        """Check everything; return the function that begins to give a plan's outputs one by one."""
        self._refuse(plan)
        if not isinstance(self.scheduler, Streaming):
            text = f"{self.verb!r}, results one by one; instead: compute(...), or {OWN}"
            raise UnsupportedOptionError(self.verb, self.scheduler.name, None, text)
        return partial(self.scheduler.stream, plan, self.observers, self._terms_of(plan), lookahead)

    def _refuse(self, plan: Plan) -> None:
        """Raise OptionError for what is asked of the run and would be ignored."""
        refuse_unsupported(self.scheduler, plan, self.terms, self.observers, self._defaults)
        if self._own_limits:
            refuse_unused_limits(plan, self._own_limits)

    def refuse_to_block(self, plan: Plan) -> None:
        """Raise RunError if a wait for the plan, on this thread, would block the event loop."""
        if is_on_loop() and any(options.is_async for options in set(plan.options.values())):
            raise RunError(
                f"{self.verb} would block the event loop: inside an async def task, what needs "
                "async def tasks is awaited, by await lazygraph.acompute(...)"
            )
