"""The steps that must run in this process, where others do not: a team of one thread for them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

from lazygraph.randomness import seeded
from lazygraph.schedulers.controlled.controller import Controller
from lazygraph.schedulers.controlled.executors import Executor
from lazygraph.schedulers.controlled.messages import Message, Outcome
from lazygraph.schedulers.controlled.team import Team
from lazygraph.schedulers.controlled.teamrun import TeamRun
from lazygraph.schedulers.runstate import RunState

__all__ = ["LocalExecutor"]


class _Handed(RunState):
    """Hands a team the steps that a controller has taken, and the controller what came of them."""

    __slots__ = ("_deliver", "_given")

    def __init__(self, run: Controller, deliver: Callable[[Outcome], None]) -> None:
        self._deliver = deliver
        self.queue = self._given = deque[int]()
        self.plan, self.values, self.error = run.plan, [], None
        self.is_stopped, self.has_news, self.left, self.ready = False, False, 1, []

    def give(self, step: int) -> None:
        """Let the team run a step."""
        self._given.append(step)

    def take(self) -> int | None:
        """Return the step that was given first."""
        return self._given.popleft() if self._given else None

    def taker(self) -> Callable[[], int | None]:
        """Return what takes the step that was given first."""
        return self._given.popleft

    def advance(self, step: int, value: Any) -> list[int]:
        """Let the controller have the result."""
        now = perf_counter()
        self._deliver(Outcome(step, "thread-0", value, None, now, now))
        return []


class _Host:
    """Who runs the steps: a compute in there stays on their thread."""

    def __init__(self, team: Team) -> None:
        self._team = team

    @property
    def is_dismissed(self) -> bool:
        """Whether nobody wants the result of the task on this thread any more."""
        return self._team.is_dismissed


class _LocalRun(TeamRun):
    """The part of a controller's run that a team does for it."""

    def __init__(self, run: Controller, team: Team) -> None:
        self.handed = _Handed(run, self.report)
        super().__init__(
            run.plan,
            (),
            run.terms,
            run.name,
            1,
            team.lock,
            team.attend,
            host=_Host(team),
            state=self.handed,
        )
        self._run = run
        self.step: int | None = None  # that the team has
        self.call = self._call_read

    def _call_read(self, step: int) -> Any:
        return self.context.copy().run(self._call_seeded, step)

    def _call_seeded(self, step: int) -> Any:
        with seeded(self.seed(step)):
            return self.plan.funcs[step](*self._run.arguments(step))

    def settle(self, outcome: Outcome) -> None:
        """Let the controller settle it."""
        self.report(outcome)

    def report(self, message: Message) -> None:
        """Let the controller know."""
        self.step = None
        self._run.report(message)


class LocalExecutor(Executor):
    """One thread, on which objects that belong to a thread are safe."""

    def __init__(self, run: Controller) -> None:
        self._team = Team(1)
        self._local = _LocalRun(run, self._team)
        self._team.runs.append(self._local)

    def feed(self, run: Any, /) -> None:
        """Give the thread a step, if it has none."""
        local = self._local
        if local.step is not None:
            return
        step = run.state.take("local")
        if step is None:
            return
        local.step = step
        run.began(step, "thread-0")
        with self._team.lock:
            local.handed.give(step)
        self._team.attend(local)
        self._team.enlist()

    def expire(self, _: float, /) -> Sequence[Outcome]:
        """Give up a step that takes too long; it is reported as every other."""
        self._team.tick()
        return ()

    @property
    def deadline(self) -> float | None:
        """When the step will have taken too long."""
        return min((attempt.deadline for attempt in list(self._team.timed)), default=None)

    @property
    def running(self) -> Sequence[int]:
        """The step being run."""
        return () if self._local.step is None else (self._local.step,)

    def close(self) -> None:
        """Send the thread home, after the task in hand."""
        self._team.close()
        self._team.join()
