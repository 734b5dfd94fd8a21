"""Worker processes and the memory they share: started when needed, replaced when they die."""

from __future__ import annotations

import os
import selectors
import threading
from collections.abc import Callable, Iterator, Sequence, ValuesView
from contextlib import suppress
from itertools import groupby
from operator import attrgetter
from time import monotonic
from typing import Any, NamedTuple

from lazygraph.errors import OptionError, WorkerStartError
from lazygraph.schedulers.processes import surroundings
from lazygraph.schedulers.processes.arena import Arena, Handle
from lazygraph.schedulers.processes.channel import Channel
from lazygraph.schedulers.processes.descriptors import pipe
from lazygraph.schedulers.processes.forks import forget_in_children, release_ended
from lazygraph.schedulers.processes.ledger import Ledger
from lazygraph.schedulers.processes.messages import (
    Acknowledge,
    Begun,
    Done,
    Ended,
    Failed,
    Forget,
    Hello,
    Logged,
    Printed,
    Quit,
    Setting,
    Warned,
)
from lazygraph.schedulers.processes.parcels import Parcel, adopt
from lazygraph.schedulers.processes.process import Process, blas_environment, start_errors
from lazygraph.schedulers.processes.reloads import Reloads
from lazygraph.schedulers.processes.settings import measured
from lazygraph.schedulers.processes.status import Status, erase_status, read_status
from lazygraph.schedulers.processes.worker_handle import Worker
from lazygraph.schedulers.workers import usable_cores
from lazygraph.transport.pickling import pack_function
from lazygraph.transport.remote import from_wire

__all__ = ["Pool", "Recipe", "Worker"]

# Workers in a row that end before they are ready: by themselves, each would; or were killed.
_MOST_FAILED_STARTS, _MOST_KILLED_STARTS = 3, 20
_QUIT_SECONDS, _RESTART_SECONDS = 1.0, 1.0


class Recipe(NamedTuple):
    """What makes one pool different from another."""

    num_workers: int
    initializer: Callable[[], object] | None = None
    preload: tuple[str, ...] = ()
    blas_threads: int | None = None


class Pool:
    """The workers of one recipe; used by one run at a time."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self._workers: dict[int, Worker] = {}  # by number
        self._with_unsent: set[Worker] = set()
        self.ledger = Ledger()
        self._pid = os.getpid()
        self._no_start_until = 0.0  # monotonic: there was no process or file to be had
        self.is_closed = False
        self.is_at_rest = False  # it waits: an interrupt leaves all that it knows whole
        self.is_wanted_closed = False  # its owner waits for the run to leave it
        # First what may raise: nothing is open yet.
        self._initializer = _packed(recipe.initializer)
        self._next_owner, self._failed_starts = 1, 0
        self._wake_lock = threading.Lock()
        with start_errors("cannot start worker processes"):
            self.arena = Arena.create(recipe.num_workers + 1)
            self._selector = selectors.DefaultSelector()
            self._wake_read, self._wake_write = pipe()
            for end in (self._wake_read, self._wake_write):
                os.set_blocking(end.number, False)
            self._selector.register(self._wake_read, selectors.EVENT_READ, None)
        share = max(1, usable_cores() // recipe.num_workers)
        self._environment = blas_environment(recipe.blas_threads, share)
        self.reloads = Reloads()  # of modules that workers may have imported
        forget_in_children(self)

    @property
    def workers(self) -> ValuesView[Worker]:
        """The workers there are, the one started first to begin with."""
        return self._workers.values()

    @property
    def can_start(self) -> bool:
        """Whether one more worker may be started: not when that has just failed."""
        return monotonic() >= self._no_start_until

    def start(self) -> Worker:
        """Start one more worker; it will say hello.

        Raises
        ------
        WorkerStartError
            If the system has no process, memory or file descriptors for it.
        """
        owner, self._next_owner = self._next_owner, self._next_owner + 1
        try:
            process = Process(self.arena, owner, self.recipe.num_workers, self._environment)
        except WorkerStartError:
            self._no_start_until = monotonic() + _RESTART_SECONDS
            raise
        worker = Worker(process, owner, self._with_unsent)
        try:
            worker.setting = self.setting()
            worker.send((worker.setting, self.recipe.preload, self._initializer))
            with start_errors("cannot start a worker process"):
                for source in worker.sources:
                    self._selector.register(source, selectors.EVENT_READ, worker)
            self._workers[owner] = worker
        except BaseException:
            self._unregister(worker)
            worker.process.discard()
            raise
        return worker

    def setting(self) -> Setting:
        """Return the surroundings of this process, with what is set for workers."""
        own = {("environ", name): value for name, value in self._environment.items()}
        return Setting({**measured(), **own})

    def _mark_ready(self, worker: Worker, hello: Hello) -> None:
        """Note that the worker is ready, or that its initializer has failed.

        Raises
        ------
        WorkerStartError
            If it has: every other would fail too.
        """
        if hello.error is not None:
            cause = from_wire(hello.error)
            self.close()
            raise WorkerStartError(f"a worker's initializer raised {cause!r}") from cause
        worker.is_ready = True
        self._failed_starts = 0

    def reap(self, worker: Worker) -> int | None:
        """Remove a worker that has died, and its memory; return its exit code.

        Raises
        ------
        WorkerStartError
            If workers keep dying before they are ready.
        """
        self._remove(worker)
        code = worker.process.exit_code()
        self._forsake(worker)
        if not worker.is_ready:
            self._failed_starts += 1
            most = _MOST_FAILED_STARTS if code is None or code >= 0 else _MOST_KILLED_STARTS
            if self._failed_starts >= most:
                self.close()
                raise WorkerStartError(
                    f"worker processes end before they are ready (exit code {code}); "
                    "what they wrote to stderr says why"
                )
        return code

    def kill(self, worker: Worker) -> None:
        """End a worker at once."""
        self._remove(worker)
        worker.process.discard()
        self._forsake(worker)

    def _remove(self, worker: Worker) -> None:
        self._unregister(worker)
        del self._workers[worker.owner]

    def _unregister(self, worker: Worker) -> None:
        for source in worker.sources:
            with suppress(KeyError):  # its start has failed half-way
                self._selector.unregister(source)

    def _forsake(self, worker: Worker) -> None:
        """Give back the memory that a dead worker had written and nobody knows of."""
        erase_status(self.arena, worker.owner)
        self._free(self.ledger.borrower_died(worker.owner))
        self.arena.sweep(worker.owner, self.ledger.in_use(worker.owner))

    def status(self, worker: Worker) -> Status:
        """Return what the worker is running."""
        return read_status(self.arena, worker.owner)

    def wake(self) -> None:
        """End the current `wait`; from any thread."""
        with self._wake_lock:  # a closed number may by now be another file's
            if self._wake_write.number >= 0:
                with suppress(OSError):  # full: it will wake
                    os.write(self._wake_write.number, b"!")

    def wait(self, seconds: float | None) -> Iterator[tuple[Worker, Any]]:
        """Yield what workers have to say; a worker that is gone says None, once, as its last word."""
        both = selectors.EVENT_READ | selectors.EVENT_WRITE
        while self._with_unsent:
            worker = self._with_unsent.pop()
            if self.has(worker):
                self._selector.modify(worker.process.channel, both, worker)
        gone: dict[Worker, None] = {}
        self.is_at_rest = True
        ready = self._selector.select(seconds)
        self.is_at_rest = False
        for key, events in ready:
            worker = key.data
            if worker is None:
                with suppress(OSError):
                    os.read(self._wake_read.number, 4096)
                continue
            channel: Channel = worker.process.channel
            if key.fileobj is not channel:
                gone[worker] = None
                continue
            if events & selectors.EVENT_WRITE:
                channel.flush()
                if not channel.has_unsent:
                    self._selector.modify(channel, selectors.EVENT_READ, worker)
            if events & selectors.EVENT_READ:
                yield from self._hear(worker)
                if channel.is_closed:
                    gone[worker] = None
        for worker in gone:
            yield from self._last_words(worker)

    def _last_words(self, worker: Worker) -> Iterator[tuple[Worker, Any]]:
        """Yield what a worker that is gone had sent, then None; others may hold its channel open."""
        is_more = True
        while is_more and self.has(worker):
            is_more = False
            for said in self._hear(worker):
                is_more = True
                yield said
        if self.has(worker):
            yield worker, None

    def _hear(self, worker: Worker) -> Iterator[tuple[Worker, Any]]:
        for message in worker.process.channel.receive():
            self._adopt_all(message)
            yield worker, message

    def has(self, worker: Worker) -> bool:
        """Whether the worker is one of this pool's: it was not taken out meanwhile."""
        return self._workers.get(worker.owner) is worker

    def adopt(self, thing: Any) -> Any:
        """Let a packed value keep its blocks in use as long as it lives; return it."""
        if type(thing) is Parcel and (handles := thing.handles()):
            adopt(thing, self.ledger.adopt(handles))
        return thing

    def _adopt_all(self, message: Any) -> None:
        """Adopt what a worker has packed, whatever becomes of the message."""
        if type(message) is Done:
            for unit in message.units:
                _, _, _, result = unit
                self.adopt(result)
        elif type(message) is Failed:
            self.adopt(message.given)

    def recycle(self) -> None:
        """Let the memory of blocks that were released be used again, once nobody looks at it."""
        if not self.ledger.has_released:
            return
        free, told = self.ledger.drop()
        self._free(free)
        for owner, handles in told.items():
            self._workers[owner].send(Forget([], handles, []))

    def acknowledged(self, worker: Worker, handles: Sequence[Handle]) -> None:
        """Note that a worker looks at some blocks no more."""
        self._free(self.ledger.acknowledge(worker.owner, handles))

    def _free(self, handles: Sequence[Handle]) -> None:
        """Let the owners of blocks use them again; give back those of workers that are gone."""
        for owner, group in groupby(sorted(handles), attrgetter("owner")):
            if owner == 0:
                self.arena.free(group)
            elif owner in self._workers:
                self._workers[owner].send(Forget([], [], list(group)))
            else:
                for handle in group:
                    self.arena.discard(handle)

    def settle(self) -> None:
        """Between runs: hear what workers still had to say, and give back memory."""
        release_ended()
        self.recycle()
        for worker, message in list(self.wait(0)):
            if message is None:
                self.reap(worker)
            else:
                self.handle_idle(worker, message)

    def handle_idle(self, worker: Worker, message: Any) -> None:
        """Act on what a worker says that is no run's business."""
        if isinstance(message, Acknowledge):
            self.acknowledged(worker, message.handles)
        elif isinstance(message, Begun):
            worker.has_begun = True
        elif isinstance(message, Hello):
            self._mark_ready(worker, message)
        elif isinstance(message, Printed | Logged | Warned):
            surroundings.show(message, None)

    def end_run(self) -> None:
        """Let workers forget a run; give memory back."""
        if self.is_closed:
            return
        for worker in self.workers:
            worker.send(Ended())  # first: what a worker has loaded it still looks at
        release_ended()
        self.recycle()
        self.arena.trim()

    def close(self) -> None:
        """End all workers: in peace if they are quick about it, a second for all together."""
        if self.is_closed:
            return
        self.is_closed = True
        for worker in self.workers:
            worker.send(Quit())
        end = monotonic() + _QUIT_SECONDS
        for worker in self.workers:
            if worker.is_ready:
                worker.process.leave(max(0.0, end - monotonic()))
        self._end_all()

    def abandon(self) -> None:
        """End all workers at once, when there is no telling in what state they are."""
        if not self.is_closed:
            self.is_closed = True
            self._end_all()

    def _end_all(self) -> None:
        for worker in self.workers:
            worker.process.kill()  # all, before any is waited for
        for worker in self.workers:
            worker.process.discard()
        self._workers.clear()
        with suppress(OSError):  # then it stays taken as long as anybody has the file
            self.arena.sweep_all(self.ledger.close(_discard_from(self.arena.lasting())))
        self._close_files()

    def _close_files(self) -> None:
        self._selector.close()
        with self._wake_lock:
            self._wake_read.close()
            self._wake_write.close()
        self.arena.close()

    def forget(self) -> None:
        """Let go of it in a forked child: nothing of it is the child's.

        Nothing must be kept open: a worker ends when the last copy of its parent's end of the
        channel is closed.
        """
        if self.is_closed:
            return
        self.is_closed = True
        self._wake_lock = threading.Lock()  # some thread of the parent may hold the old one
        self.arena.forget()
        for worker in self.workers:
            worker.process.forget()
        self._close_files()

    @property
    def is_foreign(self) -> bool:
        """Whether this process is a fork of the pool's own, made without Python's knowledge."""
        return os.getpid() != self._pid


def _discard_from(arena: Arena) -> Callable[[Handle], None]:
    """Return what gives back a block's memory, in this process and not in its forks."""
    pid = os.getpid()

    def discard(handle: Handle) -> None:
        if os.getpid() == pid:
            arena.discard(handle)

    return discard


def _packed(initializer: Callable[[], object] | None) -> bytes | None:
    if initializer is None:
        return None
    try:
        return pack_function(initializer)
    except Exception as error:
        raise OptionError(f"the initializer cannot be sent to workers: {error}") from error
