"""Decide which step may run, under terms; as `RunState`, with no thread, lock, process or clock.

What it adds: priorities, resources, further attempts, errors that are collected, results
that are handed out one by one, and steps that run elsewhere than the rest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from heapq import heappop, heappush
from itertools import accumulate
from typing import Any

from lazygraph.errors import WorkerDied
from lazygraph.graphs.plan import Plan
from lazygraph.schedulers.controlled.resources import Demand, Resources
from lazygraph.schedulers.explain import Attempt
from lazygraph.schedulers.outcomes import Failed, Skipped
from lazygraph.schedulers.runstate import RunState
from lazygraph.tasks.options import NO_OPTIONS, Terms

__all__ = ["ControlledState"]

#: How often a task of whose retries nothing is said survives the death of its worker.
_RERUNS = 2


class ControlledState(RunState):
    """How far a run of a plan under terms is. O(log ready steps) for each step.

    Parameters
    ----------
    executor_of : mapping of int to str
        The executors of the steps that do not run on the "main" one; None where all do, and
        none runs with the one before.
    lookahead : int, optional
        How many outputs may be on their way at once; given, outputs are handed out by
        `delivered` and not kept.

    Attributes
    ----------
    attempts : dict of int to list of Attempt
        Of the steps that have failed.
    skipped : list of (int, list of int)
        Steps that were skipped, and whose results are to be forgotten with that, since somebody
        last emptied the list.
    delivered : list of (int, value)
        Places among the outputs, and results, since somebody last emptied the list.
    has_news : bool
        Whether something was skipped or delivered, or became ready for another executor than
        the main one, since somebody last set it to false.
    """

    __slots__ = (
        "_because",
        "_due",
        "_executor_of",
        "_has_demands",
        "_held_over",
        "_horizons",
        "_is_flat",
        "_parked",
        "_places",
        "_queues",
        "_resources",
        "_waiters",
        "attempts",
        "claimed",
        "consumed",
        "delivered",
        "skipped",
        "terms",
    )

    def __init__(
        self,
        plan: Plan,
        terms: Terms,
        executor_of: Mapping[int, str] | None = None,
        lookahead: int | None = None,
    ) -> None:
        super().__init__(plan)
        self.terms = terms
        self.attempts: dict[int, list[Attempt]] = defaultdict(list)
        self.skipped: list[tuple[int, list[int]]] = []
        self.delivered: list[tuple[int, Any]] = []
        self.consumed = 0  # outputs that the user has taken
        self.claimed: set[int] = set()  # steps that run with the one before: never ready
        self._executor_of = executor_of or {}
        self._held_over: list[int] = []  # steps given up whose thread still uses their resources
        self._queues: dict[str, list[Any]] = defaultdict(list)
        self._resources = Resources(terms.limits)
        self._has_demands = any(options.uses for options in set(plan.options.values()))
        # Ready but for resources: by executor and demand, so that when something is given back,
        # one of each kind is tried, not all.
        self._waiters: dict[tuple[str, Demand], list[tuple[float, int]]] = defaultdict(list)
        self._due: list[tuple[float, int]] = []  # when steps may be tried again
        self._because: dict[int, Failed] = {}  # steps without a result: what failed
        self._parked: list[int] = []  # ready, but too far ahead of the user
        self._horizons: list[int] = []
        self._places: dict[int, list[int]] = {}
        if lookahead is not None:
            self._hand_out(lookahead)
        # Then the steps as they are stand in the one queue there is, and no step is `claimed`.
        self._is_flat = executor_of is None and lookahead is None and not plan.options
        if self._is_flat:
            self._queues["main"] = self.ready
        self.queue = self._queues["main"]
        self._sort_ready()

    def _hand_out(self, lookahead: int) -> None:
        """Do not keep outputs; let only the next few of them be worked on.

        In the plan's order an output's dependencies stand before it, so that a limit on
        places in that order can never keep back what the next output needs.
        """
        outputs = self.plan.outputs
        furthest = list(accumulate(outputs, max))
        self._horizons = [*furthest[lookahead - 1 :], len(self.plan)]
        places: dict[int, list[int]] = defaultdict(list)
        for place, step in enumerate(outputs):
            places[step].append(place)
            self._refcount[step] -= 1
        self._places = places

    # ------------------------------------------------------------ ready steps
    def _sort_ready(self) -> None:
        """Put what has become ready where it belongs."""
        while self.ready and not self._is_flat:
            self._enqueue(heappop(self.ready))

    def _enqueue(self, step: int) -> None:
        if self._is_flat:
            heappush(self.ready, step)
            return
        if step in self.claimed:
            return
        if not self.is_near(step):
            heappush(self._parked, step)
            return
        options = self.plan.options.get(step, NO_OPTIONS)
        executor = self._executor_of.get(step, "main")
        if executor != "main":
            self.has_news = True
        heappush(self._queues[executor], (-options.priority, step))

    def take(self, executor: str = "main") -> int | None:
        """Return the ready step that comes first, its resources taken; None if none is."""
        queue = self._queues[executor]
        while queue and not self.is_stopped:
            rank = heappop(queue)
            step: int = rank if self._is_flat else rank[1]
            if self._because and self._skip(step):
                continue
            demand = () if self._is_flat else self._demand(step)
            if not demand:
                return step
            if self._resources.has(demand):
                self._resources.take(demand)
                self._let_try(executor, demand)
                return step
            heappush(self._waiters[executor, demand], rank)
        return None

    def taker(self) -> Callable[[], int | None]:
        """Return `take`."""
        return self.take

    def put_back(self, step: int) -> None:
        """Undo `take`: the step did not run."""
        self._give_back(step)
        self._enqueue(step)

    def is_near(self, step: int) -> bool:
        """Whether the step may be worked on already, though the user has yet to take others."""
        return (
            not self._horizons
            or step <= self._horizons[min(self.consumed, len(self._horizons) - 1)]
        )

    def has_ready(self, executor: str) -> bool:
        """Whether steps of an executor are ready, including those that lack resources."""
        return bool(self._queues[executor])

    def _skip(self, step: int) -> bool:
        """Finish a step without running it if it needs one that failed."""
        for needed in self.plan.dependencies[step]:
            if needed in self._because:
                failed = self._because[step] = self._because[needed]
                released = self.advance(step, Skipped(failed.key, failed.error))
                self.skipped.append((step, released))
                self.has_news = True
                return True
        return False

    # -------------------------------------------------------------- resources
    def _demand(self, step: int) -> Demand:
        return self.plan.options.get(step, NO_OPTIONS).uses

    def _give_back(self, step: int) -> None:
        if step in self._held_over:
            self._held_over.remove(step)
            return
        demand = self._demand(step)
        if demand:
            self._resources.give_back(demand)
            for executor, wanted in list(self._waiters):
                self._let_try(executor, wanted)

    def hold_over(self, step: int) -> None:
        """Leave the step's resources taken when it is given up: its thread still uses them."""
        if self._demand(step):
            self._held_over.append(step)

    def give_back(self, step: int) -> None:
        """Free what a step that was given up has used until now."""
        self._give_back(step)

    @property
    def lacks_resources(self) -> bool:
        """Whether some step waits for nothing but resources."""
        return bool(self._waiters)

    def _let_try(self, executor: str, demand: Demand) -> None:
        """Let the first of those that wait for so much have another try, if there is so much.

        It may come too late. Then it waits again, for whoever was quicker to give it back.
        """
        waiters = self._waiters.get((executor, demand))
        if waiters and self._resources.has(demand):
            heappush(self._queues[executor], heappop(waiters))
            if executor != "main":
                self.has_news = True
            if not waiters:
                del self._waiters[executor, demand]

    # --------------------------------------------------------------- outcomes
    def advance(self, step: int, value: Any) -> list[int]:
        """As `RunState.advance`; also hand out an output, and free what the step used."""
        released = RunState.advance(self, step, value)  # quicker than `super`
        if self._is_flat or self.is_stopped:
            return released
        if self.claimed:
            self.claimed.discard(step)
        if self._has_demands and step not in self._because:
            self._give_back(step)
        if self._places:
            for place in self._places.get(step, ()):
                self.delivered.append((place, value))
                self.has_news = True
        if self.ready:
            self._sort_ready()
        return released

    def retry_at(self, step: int, error: BaseException, seconds: float, now: float) -> float | None:
        """Note a failed attempt; return when to try again, or None if that is not to be.

        The death of the worker is an attempt that failed like any other, but for how often a
        task is tried again of which nothing was said.
        """
        options = self.plan.options.get(step, NO_OPTIONS)
        made = self.note(step, error, seconds)
        if type(error) is WorkerDied and error.key == self.plan.key(step):
            most = _RERUNS if options.retries is None else options.retries
            may_retry = options.rerun
        else:
            most, may_retry = options.retries or 0, isinstance(error, options.retry_on)
        if made > most or not may_retry:
            return None
        return now + float(options.backoff) * 2.0 ** min(made - 1, 1000)

    def note(self, step: int, error: BaseException, seconds: float) -> int:
        """Note a failed attempt; return how many there have been."""
        try:
            text = f"{type(error).__name__}: {error}"
        except Exception:  # its __str__ may raise
            text = type(error).__name__
        self.attempts[step].append(Attempt(text.partition("\n")[0][:200], seconds))
        return len(self.attempts[step])

    def try_again(self, step: int, when: float) -> None:
        """Let a step that failed run once more, at that time."""
        self._give_back(step)
        heappush(self._due, (when, step))

    def give_up(self, step: int, error: BaseException) -> list[int]:
        """Put the error in the place of the result of a step that has failed for good.

        Returns
        -------
        list of int
            The steps whose results nobody needs any more.
        """
        key = self.plan.key(step)
        self._give_back(step)
        failed = self._because[step] = Failed(error, key)
        return self.advance(step, failed)

    # ------------------------------------------------------------ time, users
    @property
    def next_due(self) -> float | None:  # type: ignore[override]
        """The time at which the next step may be tried again."""
        return self._due[0][0] if self._due else None

    def wake(self, now: float) -> None:
        """Let the steps run whose time has come."""
        while self._due and self._due[0][0] <= now:
            self._enqueue(heappop(self._due)[1])

    def consume(self, count: int = 1) -> None:
        """Note that the user has taken outputs: more may be worked on."""
        self.consumed += count
        while self._parked and self.is_near(self._parked[0]):
            self._enqueue(heappop(self._parked))

    def has_result(self, step: int) -> bool:
        """Whether what stands in the step's place is a result: not that it failed."""
        return step not in self._because

    def forget_failures(self) -> None:
        """Let go of the errors that were collected, at the end of the run."""
        self._because.clear()

    def results(self) -> list[Any]:
        """Return the values of the outputs; none where they were handed out."""
        return [] if self._places else super().results()
