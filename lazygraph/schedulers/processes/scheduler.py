"""Runs a plan on processes: the scheduler that users choose as ``scheduler="processes"``."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self

from lazygraph.errors import OptionError, RunError, RunStopped
from lazygraph.graphs.plan import Plan
from lazygraph.protocols import Observer
from lazygraph.schedulers.controlled import (
    Controller,
    InlineStream,
    LocalExecutor,
    PumpedStream,
    Stream,
    run_here,
    stays_here,
    stream_here,
)
from lazygraph.schedulers.processes.executor import PoolMailbox, ProcessExecutor
from lazygraph.schedulers.processes.forks import forget_in_children
from lazygraph.schedulers.processes.pool import Pool, Recipe
from lazygraph.schedulers.processes.process import check_platform
from lazygraph.schedulers.processes.warm import warm_pools
from lazygraph.schedulers.processes.worker import is_loading, is_worker
from lazygraph.schedulers.workers import check_num_workers
from lazygraph.tasks.options import CONTROLS, NO_TERMS, TERMS, Terms

__all__ = ["Processes"]


class Processes:
    """Worker processes: for tasks that hold the GIL, and for those that may crash.

    As a context manager it owns its workers, and ends them with the block. Otherwise they are
    **warm**: they wait for the next compute that asks for the same, a minute at most, and as many
    as ``max(8, 2 * cores)`` in all; those idle longest are ended first.

    Parameters
    ----------
    num_workers : int, optional
        How many tasks run at once; the number of usable cores by default.
    initializer : callable, optional
        Called without arguments in each worker before its first task.
    preload : iterable of str
        Modules that each worker imports before its first task.
    blas_threads : int, optional
        How many threads BLAS and OpenMP may use in each worker; the number of cores divided
        by that of workers by default, unless variables such as ``OMP_NUM_THREADS`` are set.

    Raises
    ------
    OptionError
        If an argument is none of these, or the initializer cannot be pickled.
    WorkerStartError
        When a run begins: if the system has no process, memory or file descriptors for a first
        worker (with some there the run goes on with those), if workers end before they are
        ready, or if the initializer fails.
    RunError
        When a run begins: on Windows, and where `sys.executable` is no Python interpreter.
    WorkerDied
        As a task's error: if a worker has died of it too often.

    Notes
    -----
    **What travels.** Functions, arguments and results, by cloudpickle: lambdas, closures, and
    functions and classes of ``__main__``, too. What cannot be pickled is an `UnpicklableError`
    that names it. Each function, and each argument that is not tiny, travels to a worker once in
    a run.

    **What is shared.** Buffers from 64 KB on (arrays, mostly) lie in one file in memory, without
    a name, gone with its last user. In tasks they are read-only views of it; copy an array to
    change it. The caller gets arrays of its own: those from 1 MB on are mapped, and copied page
    by page when written to. Before Python 3.13 a process has at most 100 such mappings (a
    quarter of a lower ``ulimit -n``), then 10,000; beyond, results are copied.

    **Memory.** A block is used again once nobody looks at it; a pool keeps 768 MB of free ones,
    and gives back the rest. Where the machine, or the control group, has not enough memory left,
    sharing raises `MemoryError` as the task's error instead of having processes killed. In a
    ``with`` block, results that were dropped since the last run are free at the next.

    **When a worker dies,** another takes its place, and what it had not finished runs again, also
    functions with side effects, unless they are ``@delayed(rerun=False)``. A task is tried three
    times in all. What a task has started in its process group ends with its worker, a program
    in a session of its own does not. A time limit (``timeout=``) ends the worker.

    **Settings.** Tasks run with the caller's working directory, ``sys.path``, ``sys.argv``,
    environment, settings of this library, log levels and warning filters, as they are when the run
    begins. What they print and log arrives in the caller. String hashes are equal in all workers.

    **Forks.** A child that Python forks keeps the results that it has, and starts workers of its
    own. One that C code forks does so too, but results of 1 MB and more may change under it. A
    computation inside a task runs in its worker, one step at a time.

    Starting a worker takes as long as starting Python, with what tasks import. Tasks that take
    less than sending them does travel many at a time.

    Examples
    --------
    >>> from lazygraph import compute, delayed
    >>> with Processes(num_workers=2) as processes:
    ...     compute(delayed(abs)(-1), delayed(abs)(-2), scheduler=processes)
    (1, 2)
    """

    name = "processes"
    honours = CONTROLS | TERMS

    def __init__(
        self,
        num_workers: int | None = None,
        *,
        initializer: Callable[[], object] | None = None,
        preload: Iterable[str] = (),
        blas_threads: int | None = None,
    ) -> None:
        if initializer is not None and not callable(initializer):
            raise OptionError(f"initializer is a function of no arguments, not {initializer!r}")
        if isinstance(preload, str) or not all(isinstance(name, str) for name in preload):
            raise OptionError(f"preload is a list of modules' names, not {preload!r}")
        if blas_threads is not None and (type(blas_threads) is not int or blas_threads < 1):
            raise OptionError(f"blas_threads is a number, 1 or more, not {blas_threads!r}")
        self.num_workers = check_num_workers(num_workers)
        self._recipe = Recipe(self.num_workers, initializer, tuple(preload), blas_threads)
        self._own: Pool | None = None
        self._lock = threading.Lock()  # held while a run uses the pool of one's own
        forget_in_children(self)

    def __repr__(self) -> str:
        return f"Processes(num_workers={self.num_workers})"

    def __reduce__(self) -> tuple[Any, ...]:
        # Its workers stay behind: a task that refers to it computes on its own worker.
        return _made, tuple(self._recipe)

    def __enter__(self) -> Self:
        if self._own is not None:
            raise RunError("these processes are in use: enter them once at a time")
        check_platform()
        self._own = Pool(self._recipe)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pool = self._own
        if pool is not None:
            pool.is_wanted_closed = True
            pool.wake()
            with self._lock:  # a run in another thread, or of a loop that was left, ends
                last, self._own = self._own, None  # it may have replaced the pool
            if last is not None:
                last.close()

    def forget(self) -> None:
        """Go on in a forked child, where no run of the parent's threads goes on."""
        self._lock = threading.Lock()
        if self._own is not None:
            self._own.forget()

    @property
    def pids(self) -> list[int]:
        """The process ids of its own workers; empty outside of a ``with`` block."""
        return [] if self._own is None else [w.process.pid for w in self._own.workers]

    def _lease(self) -> Pool:
        check_platform()  # before anything that only some systems have
        # While a run uses the pool of one's own, another takes other workers: it may be a
        # compute between the results of the first, for which that would wait for ever.
        if self._own is not None and self._own.is_foreign:
            self.forget()
        if self._own is None or not self._lock.acquire(blocking=False):
            return warm_pools.lease(self._recipe)
        try:
            own = self._own
            if own is None:  # the block was left meanwhile
                raise RunStopped("its worker processes were closed")
            if own.reloads.any or own.is_closed:
                own.close()
                own = self._own = Pool(self._recipe)
        except BaseException:
            self._lock.release()
            raise
        return own

    def _give_back(self, pool: Pool) -> None:
        if pool is self._own:
            pool.reloads.note()
            with suppress(RuntimeError):  # not held: this is a fork of the run's process
                self._lock.release()
        else:
            warm_pools.give_back(pool)

    def _controller(
        self,
        plan: Plan,
        observers: Sequence[Observer],
        terms: Terms,
        lookahead: int | None = None,
    ) -> Controller:
        executor = ProcessExecutor(self._lease, self._give_back)
        return Controller(
            plan,
            observers,
            terms,
            self.name,
            self.num_workers,
            executor,
            lookahead=lookahead,
            mailbox=PoolMailbox(executor),
            local=LocalExecutor,
        )

    @property
    def _is_nested(self) -> bool:
        """Whether the caller is a task: its own worker runs what it computes."""
        if is_loading():
            raise RunError(
                "a module computes while a worker process imports it; put the call under "
                'if __name__ == "__main__": there, or into a function'
            )
        return is_worker() or stays_here()

    def stream(
        self, plan: Plan, observers: Sequence[Observer], terms: Terms, lookahead: int | None
    ) -> Stream:
        """Return the plan's outputs, one by one."""
        n = 4 * self.num_workers if lookahead is None else lookahead
        if self._is_nested:
            return InlineStream(*stream_here(plan, observers, terms, self.name, n))
        controller = self._controller(plan, observers, terms, n)
        return PumpedStream(controller, partial(_pump, controller))

    def run(
        self, plan: Plan, observers: Sequence[Observer] = (), terms: Terms = NO_TERMS, /
    ) -> list[Any]:
        """Return the values of the plan's outputs."""
        if self._is_nested:
            return run_here(plan, observers, terms, self.name)
        return self._controller(plan, observers, terms).run()


def _pump(controller: Controller, arrived: SimpleQueue[Any]) -> None:
    for output in controller.stream():
        arrived.put(output)
        del output  # it is the user's alone


def _made(
    num_workers: int,
    initializer: Callable[[], object] | None,
    preload: tuple[str, ...],
    blas_threads: int | None,
) -> Processes:
    return Processes(
        num_workers, initializer=initializer, preload=preload, blas_threads=blas_threads
    )
