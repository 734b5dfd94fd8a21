"""Decides which step may run, under terms: as `RunState`, no thread, lock, process or clock in it.

What it adds: priorities, resources, further attempts, errors that are collected, results
that are handed out one by one, and steps that run elsewhere than the rest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from heapq import heappop, heappush
from itertools import accumulate
from typing import Any

from lazygraph.graphs.plan import Plan
from lazygraph.schedulers.controlled.resources import Demand, Resources
from lazygraph.schedulers.explain import Attempt
from lazygraph.schedulers.outcomes import Failed, Skipped
from lazygraph.schedulers.runstate import RunState
from lazygraph.tasks.options import NO_OPTIONS
from lazygraph.tasks.terms import Terms

__all__ = ["ControlledState"]

#: How often a task whose function says nothing of retries survives the death of its worker.
_RERUNS = 2


class ControlledState(RunState):
    """How far a run of a plan under terms is. O(log ready steps) for each step.

    Parameters
    ----------
    lane_of : mapping of int to str
        The lanes of the steps that do not run on the "main" one.
    lookahead : int, optional
        How many outputs may be on their way at once; given, outputs are handed out by
        `delivered` and not kept.

    Attributes
    ----------
    attempts : dict of int to list of Attempt
        Of the steps that have failed.
    skipped : list of (int, list of int)
        Steps that were skipped, and whose results went with that, since somebody last
        emptied the list.
    delivered : list of (int, value)
        Places among the outputs, and results, since somebody last emptied the list.
    """

    __slots__ = (
        "_because",
        "_due",
        "_horizons",
        "_lane_of",
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
        lane_of: Mapping[int, str] | None = None,
        lookahead: int | None = None,
    ) -> None:
        super().__init__(plan)
        self.terms = terms
        self.attempts: dict[int, list[Attempt]] = defaultdict(list)
        self.skipped: list[tuple[int, list[int]]] = []
        self.delivered: list[tuple[int, Any]] = []
        self.consumed = 0  # outputs that the user has taken
        self.claimed: set[int] = set()  # steps that run with the one before: never ready
        self._lane_of = lane_of or {}
        self._queues: dict[str, list[tuple[float, int]]] = defaultdict(list)
        self._resources = Resources(terms.limits)
        # Ready but for resources: by lane and demand, so that when something is given back, one
        # of each kind is tried, not all.
        self._waiters: dict[tuple[str, Demand], list[tuple[float, int]]] = defaultdict(list)
        self._due: list[tuple[float, int]] = []  # when steps may be tried again
        self._because: dict[int, Failed] = {}  # steps without a result: what failed
        self._parked: list[int] = []  # ready, but too far ahead of the user
        self._horizons: list[int] = []
        self._places: dict[int, list[int]] = {}
        if lookahead is not None:
            self._hand_out(lookahead)
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
            self._needed[step] -= 1
        self._places = places

    # ------------------------------------------------------------ ready steps
    def _sort_ready(self) -> None:
        """Put what has become ready where it belongs."""
        while self.ready:
            self._enqueue(heappop(self.ready))

    def _enqueue(self, step: int) -> None:
        if step in self.claimed:
            return
        if not self.is_near(step):
            heappush(self._parked, step)
            return
        options = self.plan.options.get(step, NO_OPTIONS)
        heappush(self._queues[self._lane(step)], (-options.priority, step))

    def _lane(self, step: int) -> str:
        return self._lane_of.get(step, "main")

    def take(self, lane: str = "main") -> int | None:
        """The ready step of a lane that comes first, its resources taken; None if none is."""
        queue = self._queues[lane]
        while queue and not self.is_stopped:
            rank = heappop(queue)
            step = rank[1]
            if self._because and self._skip(step):
                continue
            demand = self._demand(step)
            if not demand:
                return step
            if self._resources.has(demand):
                self._resources.take(demand)
                self._let_try(lane, demand)
                return step
            heappush(self._waiters[lane, demand], rank)
        return None

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

    @property
    def n_ready(self) -> int:
        """How many steps of the main lane are ready, those that lack resources among them or not."""
        return len(self._queues["main"])

    def _skip(self, step: int) -> bool:
        """Finish a step without running it if it needs one that failed."""
        for needed in self.plan.dependencies[step]:
            if needed in self._because:
                failed = self._because[step] = self._because[needed]
                self.finish(step, Skipped(failed.key, failed.error))
                self.skipped.append((step, self.released[:]))
                return True
        return False

    # -------------------------------------------------------------- resources
    def _demand(self, step: int) -> Demand:
        return self.plan.options.get(step, NO_OPTIONS).uses

    def _give_back(self, step: int) -> None:
        demand = self._demand(step)
        if demand:
            self._resources.give_back(demand)
            for lane, wanted in list(self._waiters):
                self._let_try(lane, wanted)

    def _let_try(self, lane: str, demand: Demand) -> None:
        """Let the first of those that wait for so much have another try, if there is so much.

        It may come too late. Then it waits again, for whoever was quicker to give it back.
        """
        waiters = self._waiters.get((lane, demand))
        if waiters and self._resources.has(demand):
            heappush(self._queues[lane], heappop(waiters))
            if not waiters:
                del self._waiters[lane, demand]

    # --------------------------------------------------------------- outcomes
    def finish(self, step: int, value: Any) -> None:
        """As `RunState.finish`; also hand out an output, and free what the step used."""
        super().finish(step, value)
        if self.is_stopped:
            return
        self.claimed.discard(step)
        if step not in self._because:
            self._give_back(step)
        for place in self._places.get(step, ()):
            self.delivered.append((place, value))
        self._sort_ready()

    def retry_at(self, step: int, error: BaseException, seconds: float, now: float) -> float | None:
        """Note a failed attempt; when to try again, or None if that is not to be."""
        options = self.plan.options.get(step, NO_OPTIONS)
        made = self._note(step, error, seconds)
        if made > (options.retries or 0) or not isinstance(error, options.retry_on):
            return None
        return now + float(options.backoff) * 2.0 ** min(made - 1, 1000)

    def survives(self, step: int, error: BaseException, seconds: float) -> bool:
        """Note that a worker died of a step; whether the step is to run again."""
        options = self.plan.options.get(step, NO_OPTIONS)
        made = self._note(step, error, seconds)
        return options.rerun and made <= (_RERUNS if options.retries is None else options.retries)

    def _note(self, step: int, error: BaseException, seconds: float) -> int:
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

    def give_up(self, step: int, error: BaseException) -> bool:
        """A step has failed for good; whether the run goes on."""
        if self.terms.on_error == "raise":
            self.stop(error)
            return False
        key = self.plan.key(step)
        self._give_back(step)
        failed = self._because[step] = Failed(error, key)
        self.finish(step, failed)
        return True

    # ------------------------------------------------------------ time, users
    @property
    def next_due(self) -> float | None:
        """When the next step may be tried again."""
        return self._due[0][0] if self._due else None

    def wake(self, now: float) -> None:
        """Let the steps run whose time has come."""
        while self._due and self._due[0][0] <= now:
            self._enqueue(heappop(self._due)[1])

    def consume(self, count: int = 1) -> None:
        """The user has taken outputs: more may be worked on."""
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
        """The values of the outputs; none where they were handed out."""
        return [] if self._places else super().results()
