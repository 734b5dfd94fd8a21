"""Worker processes and the memory they share: started when needed, replaced when they die."""

from __future__ import annotations

import os
import selectors
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from lazygraph.errors import WorkerStartError
from lazygraph.schedulers.processes import surroundings
from lazygraph.schedulers.processes.arena import Arena, Handle
from lazygraph.schedulers.processes.board import Note, erase, read_note
from lazygraph.schedulers.processes.channel import Channel
from lazygraph.schedulers.processes.descriptors import pipe
from lazygraph.schedulers.processes.messages import (
    Acknowledge,
    Ended,
    Forget,
    Hello,
    Logged,
    Printed,
    Quit,
    Setting,
)
from lazygraph.schedulers.processes.parcels import Parcel, adopt
from lazygraph.schedulers.processes.process import Process, blas_environment
from lazygraph.schedulers.processes.reloads import Reloads
from lazygraph.schedulers.workers import usable_cores
from lazygraph.transport.pickling import pack_function
from lazygraph.transport.remote import from_wire

__all__ = ["Pool", "Recipe", "Worker"]

# Workers in a row that end before they are ready: by themselves, each would; or were killed.
_MOST_FAILED_STARTS, _MOST_KILLED_STARTS = 3, 20
_QUIT_SECONDS = 1.0


class Recipe(NamedTuple):
    """What makes one pool different from another."""

    num_workers: int
    initializer: Callable[[], object] | None = None
    preload: tuple[str, ...] = ()
    blas_threads: int | None = None


class Worker:
    """What the parent knows of a worker process."""

    def __init__(self, process: Process, number: int) -> None:
        self.process, self.name = process, f"process-{number}"
        self.is_ready = False  # it has said hello
        self.setting: Setting | None = None  # the surroundings it was told of
        self.viewed: set[Handle] = set()  # blocks that it may look at

    def __repr__(self) -> str:
        return f"Worker({self.name}, pid {self.process.pid})"

    def send(self, message: Any) -> None:
        """Send a message, now or as soon as it is read."""
        self.process.channel.send(message)

    @property
    def sources(self) -> list[Any]:
        """What a selector waits for: its messages, and its death where the system tells of it."""
        process = self.process
        return [source for source in (process.channel, process.ending) if source is not None]

    @property
    def owner(self) -> int:
        """Its number in the arena."""
        return self.process.owner


class Pool:
    """The workers of one recipe; used by one run at a time."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.workers: list[Worker] = []
        self.freed: deque[Handle] = deque()  # blocks that nothing in this process needs
        self._live: set[Handle] = set()  # blocks in use
        self.is_closed = False
        self.is_wanted_closed = False  # its owner waits for the run to leave it
        # First what may raise: nothing is open yet.
        self._initializer = (
            None if recipe.initializer is None else pack_function(recipe.initializer)
        )
        self._arena = _new_arena()
        self._next_owner = 1
        self._failed_starts = 0
        self._selector = selectors.DefaultSelector()
        self._wake_lock = threading.Lock()
        self._wake_read, self._wake_write = pipe()
        for end in (self._wake_read, self._wake_write):
            os.set_blocking(end.number, False)
        self._selector.register(self._wake_read, selectors.EVENT_READ, None)
        share = max(1, usable_cores() // recipe.num_workers)
        self._environment = blas_environment(recipe.blas_threads, share)
        self.reloads = Reloads()  # of modules that workers may have imported
        self._looking: dict[Handle, set[int]] = {}  # freed blocks, and who may still look
        _pools.add(self)

    @property
    def arena(self) -> Arena:
        """The memory that all share."""
        return self._arena

    # ---------------------------------------------------------------- workers
    def hire(self) -> Worker:
        """Start one more worker; it will say hello."""
        owner, self._next_owner = self._next_owner, self._next_owner + 1
        worker = Worker(
            Process(self._arena, owner, self.recipe.num_workers, self._environment), owner
        )
        try:
            worker.setting = self.setting()
            worker.send((worker.setting, self.recipe.preload, self._initializer))
            for source in worker.sources:
                self._selector.register(source, selectors.EVENT_READ, worker)
            self.workers.append(worker)
        except BaseException:
            worker.process.discard()
            raise
        return worker

    def setting(self) -> Setting:
        """The surroundings of this process, with what is set for workers."""
        setting = surroundings.current()
        return setting._replace(environ={**setting.environ, **self._environment})

    def greet(self, worker: Worker, hello: Hello) -> None:
        """The worker is ready, or its initializer has failed.

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

    def bury(self, worker: Worker) -> int | None:
        """Take leave of a worker that has died, and of its memory; its exit code.

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

    def dismiss(self, worker: Worker) -> None:
        """End a worker at once."""
        self._remove(worker)
        worker.process.discard()
        self._forsake(worker)

    def _remove(self, worker: Worker) -> None:
        for source in worker.sources:
            self._selector.unregister(source)
        self.workers.remove(worker)

    def _forsake(self, worker: Worker) -> None:
        """Give back the memory that a dead worker had written and nobody knows of."""
        erase(self._arena, worker.owner)
        owner = worker.owner
        self._arena.sweep(owner, [handle for handle in self._live if handle.owner == owner])
        for handle in list(worker.viewed):
            self._not_looking(handle, worker.owner)

    def note(self, worker: Worker) -> Note:
        """What the worker is running."""
        return read_note(self._arena, worker.owner)

    # ----------------------------------------------------------------- events
    def wake(self) -> None:
        """End the current `wait`; from any thread."""
        with self._wake_lock:  # a closed number may by now be another file's
            if self._wake_write.number >= 0:
                with suppress(OSError):  # full: it will wake
                    os.write(self._wake_write.number, b"!")

    def wait(self, seconds: float | None) -> Iterator[tuple[Worker, Any]]:
        """What workers have to say; a worker that is gone says None, once, as its last word."""
        for worker in self.workers:
            if worker.process.channel.has_unsent:
                self._selector.modify(
                    worker.process.channel, selectors.EVENT_READ | selectors.EVENT_WRITE, worker
                )
        gone: dict[Worker, None] = {}
        for key, events in self._selector.select(seconds):
            worker = key.data
            if worker is None:
                self._silence()
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
                for message in channel.receive():
                    yield worker, message
                if channel.is_closed:
                    gone[worker] = None
        for worker in gone:
            yield from self._last_words(worker)

    def _last_words(self, worker: Worker) -> Iterator[tuple[Worker, Any]]:
        """What a worker that is gone had sent, then None; others may hold its channel open."""
        while worker in self.workers and (said := worker.process.channel.receive()):
            for message in said:
                yield worker, message
        if worker in self.workers:
            yield worker, None

    def _silence(self) -> None:
        with suppress(OSError):
            os.read(self._wake_read.number, 4096)

    # ----------------------------------------------------------------- memory
    def adopt(self, thing: Any) -> Any:
        """A packed value whose blocks are in use as long as it lives."""
        if type(thing) is not Parcel or not (handles := thing.handles()):
            return thing
        self._live.update(handles)
        return adopt(thing, self.freed)

    def recycle(self) -> None:
        """Let the memory of freed blocks be used again, once nobody looks at it."""
        gone: list[Handle] = []
        while self.freed:
            gone.append(self.freed.popleft())
        if not gone:
            return
        told: dict[Worker, list[Handle]] = {}
        for handle in gone:
            looking = [worker for worker in self.workers if handle in worker.viewed]
            self._looking[handle] = {worker.owner for worker in looking}
            for worker in looking:
                told.setdefault(worker, []).append(handle)
            if not looking:
                self._free(handle)
        for worker, handles in told.items():
            worker.send(Forget([], handles, []))

    def acknowledged(self, worker: Worker, handles: Sequence[Handle]) -> None:
        """A worker looks at some blocks no more."""
        for handle in handles:
            self._not_looking(handle, worker.owner)
            worker.viewed.discard(handle)

    def _not_looking(self, handle: Handle, owner: int) -> None:
        looking = self._looking.get(handle)
        if looking is not None:
            looking.discard(owner)
            if not looking:
                self._free(handle)

    def _free(self, handle: Handle) -> None:
        self._looking.pop(handle, None)
        self._live.discard(handle)
        if handle.owner == 0:
            self._arena.free([handle])
            return
        for worker in self.workers:
            if worker.owner == handle.owner:
                worker.send(Forget([], [], [handle]))
                return
        self._arena.discard(handle)

    def settle(self) -> None:
        """Between runs: hear what workers still had to say, and give back memory."""
        self.recycle()
        for worker, message in list(self.wait(0)):
            if message is None:
                self.bury(worker)
            else:
                self.chat(worker, message)

    def chat(self, worker: Worker, message: Any) -> None:
        """What a worker says that is no run's business."""
        if isinstance(message, Acknowledge):
            self.acknowledged(worker, message.handles)
        elif isinstance(message, Hello):
            self.greet(worker, message)
        elif isinstance(message, Printed):
            surroundings.print_text(message)
        elif isinstance(message, Logged):
            surroundings.log(message, None)

    # --------------------------------------------------------------- lifetime
    def end_run(self) -> None:
        """Let workers forget a run; give memory back."""
        if self.is_closed:
            return
        for worker in self.workers:
            worker.send(Ended())  # first: what a worker has loaded it still looks at
        self.recycle()
        self._arena.trim()

    def close(self) -> None:
        """End all workers: in peace if they are quick about it."""
        if self.is_closed:
            return
        self.is_closed = True
        for worker in self.workers:
            worker.send(Quit())
        for worker in self.workers:
            if worker.is_ready:
                worker.process.leave(_QUIT_SECONDS)
            worker.process.discard()
        self.workers.clear()
        self._close_files()

    def _close_files(self) -> None:
        self._selector.close()
        with self._wake_lock:
            self._wake_read.close()
            self._wake_write.close()
        self._arena.close()

    def abandon(self) -> None:
        """End all workers at once, when there is no telling in what state they are."""
        if self.is_closed:
            return
        self.is_closed = True
        for worker in self.workers:
            worker.process.discard()
        self.workers.clear()
        self._close_files()

    def forget(self) -> None:
        """In a forked child: nothing of it is the child's, and nothing must be kept open.

        A worker ends when the last copy of its parent's end of the channel is closed.
        """
        self.is_closed = True
        self._wake_lock = threading.Lock()  # some thread of the parent may hold the old one
        for worker in self.workers:
            worker.process.forget()
        self._close_files()


def _new_arena() -> Arena:
    try:
        return Arena.create()
    except OSError as error:
        raise WorkerStartError(f"there is no shared memory for workers: {error}") from error


#: All pools of this process.
_pools: weakref.WeakSet[Pool] = weakref.WeakSet()


def _forget_all() -> None:
    for pool in list(_pools):
        if not pool.is_closed:
            pool.forget()
    _pools.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
