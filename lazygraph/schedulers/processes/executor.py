"""The executor of a run on worker processes: leases a pool, hands out, settles, gives it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

from lazygraph.errors import RunStopped, WorkerDied, WorkerStartError
from lazygraph.schedulers.controlled.controller import Controller
from lazygraph.schedulers.controlled.executors import Executor
from lazygraph.schedulers.controlled.messages import Mailbox, Message, Outcome
from lazygraph.schedulers.outcomes import Absent
from lazygraph.schedulers.processes import messages, surroundings
from lazygraph.schedulers.processes.arena import Arena
from lazygraph.schedulers.processes.assignments import Assignments, Unit
from lazygraph.schedulers.processes.dispatcher import Dispatcher
from lazygraph.schedulers.processes.parcels import Parcel, unpack
from lazygraph.schedulers.processes.pool import Pool, Worker
from lazygraph.schedulers.processes.stacks import read_stack, stack_of_hanging
from lazygraph.schedulers.processes.status import Status
from lazygraph.transport.remote import from_wire

__all__ = ["PoolMailbox", "ProcessExecutor"]

_GRACE_SECONDS = 0.2  # for tasks in hand, when a run has failed
_LONGEST_SECONDS = 3600.0  # which the system can wait for; then it asks again
_MOST_UNEXPLAINED = 10
#: Stands in the state for a result that never left its worker.
_INTERNAL = Absent("<a result that stayed in the worker>")


class _Said(NamedTuple):
    """What a worker has said, or None: it is gone."""

    worker: Worker
    message: Any


class PoolMailbox(Mailbox):
    """Messages of a run on a pool: from threads as usual, and what workers say."""

    def __init__(self, executor: ProcessExecutor) -> None:
        super().__init__()
        self._executor = executor

    def post(self, mail: Message) -> None:
        """Put a message into the box; wakes who waits."""
        super().post(mail)
        self._executor.wake()

    def wait(self, seconds: float | None) -> Sequence[Message]:
        """Return all messages there are."""
        said = self._executor.listen(seconds if self.is_empty else 0)
        return said if self.is_empty else [*said, *super().wait(0)]


class ProcessExecutor(Executor):
    """The workers of a pool, for one run.

    Parameters
    ----------
    lease : callable
        Gives the pool, when the run begins.
    give_back : callable
        Takes the pool, when the run is over.
    """

    def __init__(self, lease: Callable[[], Pool], give_back: Callable[[Pool], None]) -> None:
        self._lease, self._give_back = lease, give_back
        self._pool: Pool | None = None
        self._results: _Results | None = None

    def feed(self, run: Controller, /) -> None:
        """Give ready steps to workers that have little to do."""
        if self._results is None:
            self._pool = self._lease()
            self._results = _Results(Dispatcher(run, self._pool))
        dispatcher = self._results.dispatcher
        if dispatcher.pool.is_wanted_closed:
            raise RunStopped("its worker processes were closed")
        dispatcher.feed()
        dispatcher.recycle()

    def wake(self) -> None:
        """End the current `listen`; from any thread."""
        if self._pool is not None:
            self._pool.wake()

    def listen(self, seconds: float | None) -> list[Message]:
        """Return what workers have to say; wait so long for the first word."""
        if self._pool is None:
            return []
        patience = None if seconds is None else min(max(0.0, seconds), _LONGEST_SECONDS)
        return [_Said(*said) for said in self._pool.wait(patience)]

    def hear(self, message: Message, /) -> None:
        """Act on what a worker has said."""
        if self._results is not None:
            self._results.hear(*message)

    def expire(self, now: float, /) -> Sequence[Outcome]:
        """End the workers whose tasks have taken too long, and those that do not begin."""
        if self._results is None:
            return ()
        self._results.dispatcher.end_hanging_starts()
        return list(self._results.overdue(now))

    @property
    def deadline(self) -> float | None:
        """When something is to be done though no worker has said anything."""
        return None if self._results is None else self._results.dispatcher.deadline

    @property
    def running(self) -> Sequence[int]:
        """The steps being run, as far as the workers have noted."""
        if self._results is None or self._pool is None or self._pool.is_closed:
            return ()
        busy = [a for a in self._results.dispatcher.assignments.values() if not a.is_idle]
        notes = [self._pool.status(assignments.worker).step for assignments in busy]
        return [step for step in notes if step >= 0]

    def release(self, steps: Sequence[int], /) -> None:
        """Let workers forget results, with some message to come."""
        if self._results is not None:
            self._results.dispatcher.release(steps)

    def read(self, value: Any, /) -> Any:
        """Return the result of a parcel; big arrays in memory of this process alone."""
        return value if self._pool is None else _read(self._pool.arena, value)

    def lasting_read(self) -> Callable[[Any], Any]:
        """Return a `read` that outlives the pool."""
        if self._pool is None or self._pool.is_closed:  # its workers could not start
            return self.read
        return partial(_read, self._pool.arena.lasting())

    def close(self) -> None:
        """Stop what runs, and give the pool back."""
        pool, results = self._pool, self._results
        # Here ends the ring that would keep what was packed until the next garbage collection.
        self._results = None
        if pool is None:
            return
        try:
            if results is not None and not pool.is_closed:
                _wind_up(pool, results.dispatcher)
        except BaseException:  # a second Ctrl-C
            pool.abandon()
            raise
        finally:
            self._give_back(pool)


def _read(arena: Arena, value: Any) -> Any:
    if type(value) is not Parcel:
        return value
    return unpack(value, lambda block: arena.private(block.handle, block))


class _Results:
    """What the workers of a run say, their deaths included -> what it means for the run."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self.dispatcher, self._run, self._pool = dispatcher, dispatcher.run, dispatcher.pool
        self._unexplained = 0  # deaths of idle workers since the last result
        # Those there are may all have died since the last run, killed by whoever.
        self._most_unexplained = _MOST_UNEXPLAINED + len(dispatcher.pool.workers)

    def hear(self, worker: Worker, message: Any) -> None:
        """Act on what a worker says; None: it is gone."""
        assignments = self.dispatcher.assignments.get(worker)
        if assignments is None:  # it was sent away meanwhile
            return
        match message:
            case None:
                self._died(assignments)
            case messages.Done() | messages.Failed() | messages.Back():
                # It gets on; a task may print for ever.
                assignments.counted_from = perf_counter()
                self._unexplained = 0
                _SETTLE[type(message)](self, assignments, message)
            case messages.Logged():
                surroundings.show(message, self._key(message.step))
            case _:
                self._pool.handle_idle(worker, message)

    def _key(self, step: int) -> Any:
        plan = self._run.plan
        return plan.key(step) if 0 <= step < len(plan) else None

    # ---------------------------------------------------------------- attempts
    def _settle(self, outcome: Outcome) -> None:
        """Let the run know how an attempt has ended; all of them come by here."""
        self._run.settle(outcome)
        if outcome.error is None or not self._run.state.has_result(outcome.step):
            self.dispatcher.finished(outcome.step)

    def _done(self, assignments: Assignments, message: messages.Done) -> None:
        for first, ended, times, result in message.units:
            self._advance(assignments, assignments.queue[first], times, ended, result)
        self.dispatcher.tell_begun(assignments)

    def _advance(
        self, assignments: Assignments, unit: Unit, times: list[float], ended: int, result: Any
    ) -> None:
        """Settle members of a unit that have ended; the result is that of the last of them."""
        dispatcher, worker = self.dispatcher, assignments.worker
        members = range(unit.done, ended)
        assignments.advance(unit, ended)
        for member in members:
            step, began, end = unit.steps[member], times[2 * member], times[2 * member + 1]
            dispatcher.durations.learn(step, end - began)
            self._tell_begun(worker, unit, step, began)
            value = _INTERNAL
            if member == ended - 1:
                value = dispatcher.packing.note_home(result, step, worker)
            self._settle(Outcome(step, worker.name, value, None, began, end))

    def _tell_begun(self, worker: Worker, unit: Unit, step: int, began: float) -> None:
        """Tell observers that a step that has ended had begun, unless they know already."""
        if not unit.is_told:
            self._run.began(step, worker.name, began)
        unit.is_told = False

    def _failed(self, assignments: Assignments, message: messages.Failed) -> None:
        worker, unit, member = assignments.worker, assignments.queue[message.first], message.member
        if member > unit.done:
            self._advance(assignments, unit, message.times, member, message.given)
        step, (began, ended) = unit.steps[member], message.times[-2:]
        assignments.remove(unit)
        self.dispatcher.disclaim(unit)
        self._tell_begun(worker, unit, step, began)
        # In no name: the error's traceback leads to this frame.
        self._settle(Outcome(step, worker.name, None, self._error(message, step), began, ended))
        self.dispatcher.tell_begun(assignments)

    def _error(self, message: messages.Failed, step: int) -> BaseException:
        if message.path is None:
            return from_wire(message.error)
        return self.dispatcher.unpicklable(step, message.path, from_wire(message.error))

    def _given_back(self, assignments: Assignments, message: messages.Back) -> None:
        assignments.was_asked = False
        for first in message.firsts:
            unit = assignments.queue[first]
            assignments.remove(unit)
            self.dispatcher.put_back(unit)

    # ------------------------------------------------------------------ deaths
    def _died(self, assignments: Assignments) -> None:
        """Run again what a worker that has died had not finished."""
        worker = assignments.worker
        note = self._pool.status(worker)
        stack = read_stack(self._pool.arena, worker.owner)
        code = self._pool.reap(worker)
        del self.dispatcher.assignments[worker]
        culprit = next((u for u in assignments.queue.values() if note.step in u.left), None)
        for unit in assignments.queue.values():
            if unit is not culprit:
                self.dispatcher.put_back(unit)
        if culprit is not None:
            self._blame(worker, culprit, note, self._death(note.step, code, stack))
        elif worker.is_ready:
            self._unexplained += 1
            if self._unexplained > self._most_unexplained:
                raise WorkerStartError(f"workers keep dying between tasks (exit code {code})")

    def _death(self, step: int, code: int | None, stack: str) -> WorkerDied:
        plan, times = self._run.plan, len(self._run.state.attempts[step]) + 1
        error = WorkerDied(plan.key(step), plan.origins.call(step)._function.name, code, times)
        error.stack = stack
        return error

    def _blame(self, worker: Worker, unit: Unit, note: Status, error: WorkerDied) -> None:
        """Settle the death of a worker of a step, as any attempt; it runs by itself next."""
        self.dispatcher.alone.update(unit.left)
        now = perf_counter()
        outcome = Outcome(note.step, worker.name, None, error, min(note.since, now), now)
        if unit.left[0] == note.step:
            self.dispatcher.disclaim(unit)
            self._settle(outcome)
        else:  # what it needs went with the worker
            self._run.settle_lost(outcome)
            self.dispatcher.put_back(unit)

    # ------------------------------------------------------------- time limits
    def overdue(self, now: float) -> Iterator[Outcome]:
        """End the workers whose tasks have taken too long."""
        for assignments in list(self.dispatcher.assignments.values()):
            unit = assignments.head
            if unit is None or not assignments.is_overdue(unit, now):
                continue
            note = self._pool.status(assignments.worker)
            has_begun = note.step == unit.steps[0]
            if has_begun and note.since + (unit.timeout or 0.0) <= now:
                yield self._end(assignments.worker, note, now)
            else:  # it began later than it was sent
                assignments.counted_from = min(note.since, now) if has_begun else now

    def _end(self, worker: Worker, note: Status, now: float) -> Outcome:
        """End a worker whose step has taken too long."""
        fate = "its worker process was ended"
        if note.is_loading:
            fate += " while it unpickled what the task needs"
        error = self._run.timed_out(note.step, fate)
        error.stack = stack_of_hanging(self._pool.arena, worker.owner, worker.process.pid)
        self._pool.kill(worker)
        del self.dispatcher.assignments[worker]
        return Outcome(note.step, worker.name, None, error, min(note.since, now), now)


_SETTLE: dict[type, Callable[[_Results, Assignments, Any], None]] = {
    messages.Done: _Results._done,
    messages.Failed: _Results._failed,
    messages.Back: _Results._given_back,
}


# ------------------------------------------------------------------------- end
def _wind_up(pool: Pool, dispatcher: Dispatcher) -> None:
    """End what still runs, and let the pool forget the run."""
    everybody, was_interrupted = dispatcher.assignments, dispatcher.run.was_interrupted
    # Wherever else an interrupt came, a message, or the ledger, may be torn: nobody is spared.
    are_idle_spared = not was_interrupted or pool.is_at_rest
    if not was_interrupted:
        _calm_down(pool, everybody)
    for worker, assignments in everybody.items():
        if not (are_idle_spared and assignments.is_idle) and not pool.is_closed:
            pool.kill(worker)
    dispatcher.packing.clear()  # whoever still refers to it
    pool.end_run()


def _calm_down(pool: Pool, everybody: dict[Worker, Assignments]) -> None:
    """Give tasks in hand a moment to end, so that their workers need not be killed."""
    for assignments in everybody.values():
        if not assignments.is_idle:
            assignments.worker.send(messages.Return(len(assignments.queue)))
    end = perf_counter() + _GRACE_SECONDS
    while (
        not pool.is_closed
        and (left := end - perf_counter()) > 0
        and any(not assignments.is_idle for assignments in everybody.values())
    ):
        for worker, message in pool.wait(left):
            if worker in everybody:
                _hear_out(pool, everybody, everybody[worker], message)


def _hear_out(
    pool: Pool, everybody: dict[Worker, Assignments], assignments: Assignments, message: Any
) -> None:
    """Take what a worker says when nobody wants its results any more."""
    match message:
        case None:
            pool.reap(assignments.worker)
            del everybody[assignments.worker]
        case messages.Done():
            for first, ended, _, _ in message.units:
                assignments.advance(assignments.queue[first], ended)
        case messages.Failed():
            assignments.remove(assignments.queue[message.first])
        case messages.Back():
            for first in message.firsts:
                assignments.remove(assignments.queue[first])
        case _:
            pool.handle_idle(assignments.worker, message)
