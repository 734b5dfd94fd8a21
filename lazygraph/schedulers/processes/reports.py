"""What the workers of a run report, their deaths included -> what it means for the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

from lazygraph.errors import WorkerDied, WorkerStartError
from lazygraph.schedulers.controlled.messages import Outcome
from lazygraph.schedulers.outcomes import Absent
from lazygraph.schedulers.processes import messages, surroundings
from lazygraph.schedulers.processes.desk import Desk, Unit
from lazygraph.schedulers.processes.dispatch import Dispatch
from lazygraph.schedulers.processes.pool import Worker
from lazygraph.schedulers.processes.stacks import read_stack, stack_of_hanging
from lazygraph.schedulers.processes.status import Status
from lazygraph.transport.remote import from_wire

__all__ = ["Reports"]

_MOST_UNEXPLAINED = 10
#: Stands in the state for a result that never left its worker.
_INTERNAL = Absent("<a result that stayed in the worker>")


class Reports:
    """Acts on reports, in one run."""

    def __init__(self, dispatch: Dispatch) -> None:
        self._dispatch, self._run, self._pool = dispatch, dispatch.run, dispatch.pool
        self._unexplained = 0  # deaths of idle workers since the last result
        # Those there are may all have died since the last run, killed by whoever.
        self._most_unexplained = _MOST_UNEXPLAINED + len(dispatch.pool.workers)

    def hear(self, worker: Worker, message: Any) -> None:
        """Act on what a worker says; None: it is gone."""
        desk = self._dispatch.desks.get(worker)
        if desk is None:  # it was sent away meanwhile
            return
        if message is None:
            self._mourn(desk)
            return
        if type(message) in _PROGRESS:
            desk.heard = perf_counter()
            self._unexplained = 0
        _HEAR[type(message)](self, desk, message)

    def _settle(
        self,
        desk: Desk,
        step: int,
        value: Any,
        error: BaseException | None,
        began: float,
        ended: float,
    ) -> None:
        self._run.settle(Outcome(step, desk.worker.name, value, error, began, ended))
        if error is None or not self._run.state.has_result(step):
            self._dispatch.finished(step)

    # ---------------------------------------------------------------- results
    def _done(self, desk: Desk, message: messages.Done) -> None:
        for first, ended, times, result in message.units:
            self._advance(desk, desk.queue[first], times, ended, result)
        self._dispatch.tell_begun(desk)

    def _advance(self, desk: Desk, unit: Unit, times: list[float], ended: int, result: Any) -> None:
        """Members of a unit have ended; the result is that of the last of them."""
        luggage = self._dispatch.luggage
        members = range(unit.done, ended)
        desk.advance(unit, ended)
        for member in members:
            step, began, end = unit.steps[member], times[2 * member], times[2 * member + 1]
            luggage.learn(step, end - began)
            self._tell_begun(desk, unit, step, began)
            value = _INTERNAL
            if member == ended - 1:
                value = luggage.adopt(result, step, desk.worker)
            self._settle(desk, step, value, None, began, end)

    def _tell_begun(self, desk: Desk, unit: Unit, step: int, began: float) -> None:
        """Observers: a step that has ended had begun, unless they know already."""
        if not unit.is_told:
            self._run.began(step, desk.worker.name, began)
        unit.is_told = False

    def _failed(self, desk: Desk, message: messages.Failed) -> None:
        unit, member, times = desk.queue[message.first], message.member, message.times
        if member > unit.done:
            self._advance(desk, unit, times, member, message.given)
        step, began, ended = unit.steps[member], times[-2], times[-1]
        desk.remove(unit)
        self._dispatch.disclaim(unit)
        self._tell_begun(desk, unit, step, began)
        # In no name: the error's traceback leads to this frame.
        self._settle(desk, step, None, self._error(message, step), began, ended)
        self._dispatch.tell_begun(desk)

    def _error(self, message: messages.Failed, step: int) -> BaseException:
        if message.path is None:
            return from_wire(message.error)
        return self._dispatch.unpicklable(step, message.path, from_wire(message.error))

    def _given_back(self, desk: Desk, message: messages.Back) -> None:
        desk.was_asked = False
        for first in message.firsts:
            unit = desk.queue[first]
            desk.remove(unit)
            self._dispatch.put_back(unit)

    # ------------------------------------------------------------- small talk
    def _hello(self, desk: Desk, message: messages.Hello) -> None:
        self._pool.mark_ready(desk.worker, message)

    def _acknowledged(self, desk: Desk, message: messages.Acknowledge) -> None:
        self._pool.acknowledged(desk.worker, message.handles)

    def _shown(self, _: Desk, message: messages.Printed | messages.Warned) -> None:
        surroundings.show(message, None)

    def _logged(self, _: Desk, message: messages.Logged) -> None:
        plan = self._run.plan
        key = plan.key(message.step) if 0 <= message.step < len(plan) else None
        surroundings.show(message, key)

    # ------------------------------------------------------------- misfortune
    def _mourn(self, desk: Desk) -> None:
        """Run again what a worker that has died had not finished."""
        note = self._pool.status(desk.worker)
        stack = read_stack(self._pool.arena, desk.worker.owner)
        code = self._pool.reap(desk.worker)
        del self._dispatch.desks[desk.worker]
        culprit = next((u for u in desk.queue.values() if note.step in u.left), None)
        for unit in desk.queue.values():
            if unit is not culprit:
                self._dispatch.put_back(unit)
        if culprit is not None:
            seconds = max(0.0, perf_counter() - note.since)
            error = self._died(note.step, code)
            error.stack = stack
            self._blame(desk, culprit, note.step, seconds, error)
        elif desk.worker.is_ready:
            self._unexplained += 1
            if self._unexplained > self._most_unexplained:
                raise WorkerStartError(f"workers keep dying between tasks (exit code {code})")

    def _blame(self, desk: Desk, unit: Unit, step: int, seconds: float, error: WorkerDied) -> None:
        """Settle the death of a worker of a step, as any attempt; it runs by itself next."""
        run = self._run
        self._dispatch.alone.update(unit.left)
        if unit.left[0] == step:
            now = perf_counter()
            self._dispatch.disclaim(unit)
            self._settle(desk, step, None, error, now - seconds, now)
            return
        run.state.note(step, error, seconds)
        if run.watch is not None:
            run.watch.retried(step, desk.worker.name, error)
        self._dispatch.put_back(unit)  # what it needs went with the worker

    def _died(self, step: int, code: int | None) -> WorkerDied:
        plan, times = self._run.plan, len(self._run.state.attempts[step]) + 1
        return WorkerDied(plan.key(step), plan.origins.call(step)._function.name, code, times)

    def overdue(self, now: float) -> Iterator[Outcome]:
        """End the workers whose tasks have taken too long."""
        for desk in list(self._dispatch.desks.values()):
            unit = desk.head
            if unit is None or unit.timeout is None or desk.heard + unit.timeout > now:
                continue
            note = self._pool.status(desk.worker)
            if note.step == unit.steps[0] and note.since + unit.timeout <= now:
                yield self._end(desk, note, now)
            else:  # it began later than it was sent
                desk.heard = min(note.since, now) if note.step == unit.steps[0] else now

    def _end(self, desk: Desk, note: Status, now: float) -> Outcome:
        """End a worker whose step has taken too long."""
        worker, fate = desk.worker, "its worker process was ended"
        if note.is_loading:
            fate += " while it unpickled what the task needs"
        error = self._run.timed_out(note.step, fate)
        error.stack = stack_of_hanging(self._pool.arena, worker.owner, worker.process.pid)
        self._pool.kill(worker)
        del self._dispatch.desks[worker]
        return Outcome(note.step, worker.name, None, error, min(note.since, now), now)


#: What says that a worker gets on; a task may print for ever.
_PROGRESS = frozenset({messages.Done, messages.Failed, messages.Back})
_HEAR: dict[type, Callable[[Reports, Desk, Any], None]] = {
    messages.Done: Reports._done,
    messages.Failed: Reports._failed,
    messages.Back: Reports._given_back,
    messages.Hello: Reports._hello,
    messages.Acknowledge: Reports._acknowledged,
    messages.Printed: Reports._shown,
    messages.Warned: Reports._shown,
    messages.Logged: Reports._logged,
}
