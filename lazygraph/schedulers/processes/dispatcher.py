"""Gives the ready steps of a run to the workers of a pool.

Small steps travel many at a time, as many as take a moment together; a long one alone. A step
whose result only the next one needs travels with it. What waits in the queue of a worker that
turns out to be slow is taken back when another has nothing to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from lazygraph.errors import UnpicklableError, WorkerStartError
from lazygraph.schedulers.controlled.controller import Controller
from lazygraph.schedulers.controlled.messages import Outcome
from lazygraph.schedulers.processes.assignments import Assignments, Unit
from lazygraph.schedulers.processes.durations import Durations
from lazygraph.schedulers.processes.messages import Return, Setting
from lazygraph.schedulers.processes.packing import CannotSend, Load, Packing
from lazygraph.schedulers.processes.pool import Pool, Worker

__all__ = ["Dispatcher"]

_BATCH_SECONDS = 0.002  # units for so long travel together
_WORTH_SECONDS = 0.0001  # a message costs as much as so much work: less is not divided
_AHEAD_SECONDS = 0.001  # a worker with less than this to do is given more
_PATIENCE_SECONDS = 0.001  # after so long in silence, work is taken back for an idle worker
_MOST_CHAINED = 1000
_START_SECONDS = 120.0  # until an interpreter has begun; not for what an initializer does


class Dispatcher:
    """Who does what, in one run.

    Attributes
    ----------
    assignments : dict of Worker to Assignments
        The work of each worker.
    alone : set of int
        Steps that travel by themselves, since a worker died of one of their unit.
    """

    def __init__(self, run: Controller, pool: Pool) -> None:
        self.run, self.pool = run, pool
        self.packing = Packing(run, pool)
        self.durations = Durations(run.plan, self.packing.number)
        self.assignments = {worker: Assignments(worker) for worker in pool.workers}
        self.alone: set[int] = set()
        self._setting = pool.setting()  # once: as it is when the run begins
        self._is_told: set[Worker] = set()  # of the surroundings

    # ------------------------------------------------------------ handing out
    def feed(self) -> None:
        """Give ready steps to workers that have little to do."""
        state = self.run.state
        if state.n_ready:
            self._start_workers(state.n_ready)
            while state.n_ready and self._hand_over():
                pass
        self._take_back(perf_counter())

    def _start_workers(self, n_ready: int) -> None:
        """Start workers, where there are ready steps for more."""
        workers, most = self.pool.workers, self.pool.recipe.num_workers
        while (
            len(workers) < most
            and len(workers) < n_ready + self._n_busy
            and (self.pool.can_start or not workers)
        ):
            try:
                worker = self.pool.start()
            except (WorkerStartError, OSError):
                if not workers:
                    raise
                return  # those there are will do
            self.assignments[worker] = Assignments(worker)
            self._is_told.add(worker)

    def end_hanging_starts(self) -> None:
        """End the workers that have not begun in time; those there are will do, if there are any.

        Raises
        ------
        WorkerStartError
            If no worker is ready.
        """
        latest = perf_counter() - _START_SECONDS
        workers = self.pool.workers
        hanging = [w for w in workers if not w.has_begun and w.started <= latest]
        for worker in hanging:
            self.pool.kill(worker)
            del self.assignments[worker]
        if hanging and not any(worker.is_ready for worker in workers):
            self.pool.close()
            raise WorkerStartError(
                f"a worker process has not begun within {_START_SECONDS:g} s: something that "
                "Python imports when it starts (sitecustomize, a .pth file) waits"
            )

    @property
    def _n_busy(self) -> int:
        return sum(not each.is_idle for each in self.assignments.values())

    def _hand_over(self) -> bool:
        """Give one worker units for a moment; false if nobody has room or nothing may run."""
        free = self._free()
        step = self.run.state.take() if free else None
        if step is None:
            return False
        to = free[0] if len(free) == 1 else self.packing.nearest(step, free)
        units, is_more = self._batch(to, step)
        if units:
            self._send(to, units)
        return is_more

    def _free(self) -> list[Assignments]:
        """Return the workers without work; if there is none, the one that runs out of it first."""
        ready = [each for each in self.assignments.values() if each.worker.is_ready]
        idle = [each for each in ready if each.is_idle]
        if idle:
            return idle
        soon = [each for each in ready if each.is_free_in(_AHEAD_SECONDS)]
        return [min(soon, key=lambda each: each.load)] if soon else []

    def _batch(self, to: Assignments, step: int | None) -> tuple[list[Unit], bool]:
        """Return units that take a moment together, the first of them beginning with `step`.

        And whether there may be more for other workers.
        """
        state = self.run.state
        # Of what is ready, no worker gets more than leaves as much for each of the others.
        most = max(1, state.n_ready // (2 * len(self.assignments)))
        units: list[Unit] = []
        seconds = 0.0
        while step is not None:
            unit = self.durations.unit(self._chain(step))
            if not (unit.is_short or (to.is_idle and not units)):
                self.put_back(unit)
                return units, bool(units)
            units.append(unit)
            seconds += unit.seconds or 0.0
            is_fair = len(units) < most or seconds < _WORTH_SECONDS
            if not (unit.is_short and is_fair and seconds < _BATCH_SECONDS):
                break
            step = state.take()
        return units, True

    def _chain(self, step: int) -> list[int]:
        """Return the step, and those after it that can only run when the one before has."""
        state, chain = self.run.state, [step]
        while len(chain) < _MOST_CHAINED and step not in self.alone:
            after = self.durations.follower(step)
            if after is None or not state.is_near(after):
                break
            state.claimed.add(after)
            chain.append(after)
            step = after
        return chain

    def _send(self, to: Assignments, units: list[Unit]) -> None:
        load, packed, stay = Load(self.packing, to), [], []
        for unit in units:
            try:
                packed.append(load.unit(unit))
                to.add(unit)
            except CannotSend as reason:
                stay.append((unit, reason))
        if packed:
            self._tell_surroundings(to.worker)
            self.tell_begun(to)  # before it may have ended
            to.worker.send(load.message(packed))
        for unit, cause in stay:  # only now: the first may end the run
            self._stay(to, unit, cause)

    def _tell_surroundings(self, worker: Worker) -> None:
        """Let a worker from a run before know what has changed since."""
        if worker not in self._is_told:
            self._is_told.add(worker)
            is_told = self._setting == worker.setting
            worker.setting = self._setting
            worker.send(Setting(None) if is_told else self._setting)

    def tell_begun(self, to: Assignments) -> None:
        """Tell observers of the first unit in a worker's queue, the one that runs."""
        unit = to.head
        if unit is not None and not unit.is_told:
            unit.is_told = True
            self.run.began(unit.left[0], to.worker.name)

    # ------------------------------------------------------------ taking back
    def put_back(self, unit: Unit) -> None:
        """Put back what has not ended of a unit, to run elsewhere."""
        self.disclaim(unit)
        self.run.state.put_back(unit.left[0])

    def disclaim(self, unit: Unit) -> None:
        """Let the steps of a unit that have not ended run on their own account."""
        self.run.state.claimed.difference_update(unit.left)

    def _stay(self, to: Assignments, unit: Unit, reason: CannotSend) -> None:
        """Fail the first step of a unit that cannot travel."""
        self.disclaim(unit)
        step, name, now = reason.step, to.worker.name, perf_counter()
        if step != unit.steps[0]:  # a later one's fault: the others travel without it
            self.alone.update(unit.steps)
            self.run.state.put_back(unit.steps[0])
            return
        self.run.began(step, name)
        error: Exception = self.unpicklable(step, reason.path, reason.__cause__)
        if isinstance(reason.__cause__, MemoryError):
            error = reason.__cause__
        self.run.settle(Outcome(step, name, None, error, now, now))

    def unpicklable(self, step: int, path: str, cause: BaseException | None) -> UnpicklableError:
        """Return the error of a step that cannot be sent, or whose result cannot."""
        plan = self.run.plan
        error = UnpicklableError(plan.key(step), plan.origins.call(step)._function.name, path)
        error.__cause__ = cause
        return error

    def _take_back(self, now: float) -> None:
        """Ask slow workers for units that idle ones could run."""
        if self._has_idle:
            for each in self.assignments.values():
                if each.has_spare and each.counted_from + _PATIENCE_SECONDS <= now:
                    each.was_asked = True
                    each.worker.send(Return(len(each.queue) // 2))

    @property
    def _has_idle(self) -> bool:
        return any(each.worker.is_ready and each.is_idle for each in self.assignments.values())

    @property
    def deadline(self) -> float | None:
        """When a task may have taken too long, or work is to be taken back."""
        moments = [w.started + _START_SECONDS for w in self.pool.workers if not w.has_begun]
        has_idle = self._has_idle
        for each in self.assignments.values():
            if each.head is not None and each.head.timeout is not None:
                moments.append(each.counted_from + each.head.timeout)
            if has_idle and each.has_spare:
                moments.append(each.counted_from + _PATIENCE_SECONDS)
        return min(moments, default=None)

    def release(self, steps: Sequence[int]) -> None:
        """Let workers forget results, with some message to come."""
        knowers = self.packing.knowers
        for step in steps:
            for each in knowers.pop(step, ()):
                each.release((step,))
        self.packing.release(steps)

    def finished(self, step: int) -> None:
        """Note that a step will not run again: what it alone has used can go."""
        gone = self.packing.finished(step)
        if gone:
            self.release(gone)

    def recycle(self) -> None:
        """Let memory be used again."""
        if self.pool.ledger.has_released:
            for each in self.assignments.values():
                each.send_forgotten()
            self.pool.recycle()
