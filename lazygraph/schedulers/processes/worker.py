"""The program of a worker process: takes units of work from a socket, sends results back.

Two threads. The main one runs tasks, as a program's main thread is expected to. The other
reads the socket, so that work can be taken back while a task runs, and so that the worker
ends when its parent does.
"""

from __future__ import annotations

import os
import queue
import signal
import socket
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from time import perf_counter_ns
from typing import Any

from lazygraph.randomness import Seed, seeded
from lazygraph.schedulers.outcomes import Absent
from lazygraph.schedulers.processes import surroundings
from lazygraph.schedulers.processes.arena import Arena
from lazygraph.schedulers.processes.channel import WorkerChannel
from lazygraph.schedulers.processes.messages import (
    Acknowledge,
    Back,
    Begun,
    Done,
    Ended,
    Ending,
    Failed,
    Forget,
    Hello,
    Member,
    Quit,
    Return,
    Setting,
    Work,
)
from lazygraph.schedulers.processes.parcels import pack, unpack
from lazygraph.schedulers.processes.settings import InForce
from lazygraph.schedulers.processes.status import StatusPage
from lazygraph.schedulers.workers import share_cores
from lazygraph.tasks.blame import blame
from lazygraph.transport.identity import forget_namespaces
from lazygraph.transport.pickling import loads
from lazygraph.transport.remote import to_wire

__all__ = ["is_loading", "is_worker", "main"]

Unit = list[Member]

_FLUSH_NS = 1_000_000  # results wait so long for others to travel with
_CHECKPOINT_NS = 250_000_000  # a unit's results are sent when so much work would be lost
_MISSING: Any = object()

#: The one worker of this process, if it is one.
_worker: Worker | None = None


def is_worker() -> bool:
    """Whether this process runs tasks for another one."""
    return _worker is not None


def is_loading() -> bool:
    """Whether this process is a worker that is just importing what a task needs."""
    return _worker is not None and _worker.is_loading


class Worker:
    """What a worker process knows."""

    def __init__(self, channel: WorkerChannel, arena: Arena) -> None:
        self.channel, self.arena = channel, arena
        self.status = StatusPage(arena)
        self._pid = os.getpid()
        # For the main thread: units, settings to take over before those after it, None to leave.
        self.units: deque[Unit | Setting | None] = deque()
        self.arrivals: queue.SimpleQueue[None] = queue.SimpleQueue()  # one a message of these
        self.packed: dict[int, Any] = {}  # functions, by number
        self.functions: dict[int, Callable[..., Any]] = {}  # once they were called
        self.values: dict[int, Any] = {}  # by slot; packed
        self.loaded: dict[int, Any] = {}  # by slot; unpacked
        self.seed: Seed | None = None
        self.settings = InForce()
        self.is_loading = False
        self._done: list[Ending] = []
        self._flushed_ns = 0
        self._lock = threading.Lock()  # guards the two above
        self._flushing = threading.Lock()  # held while results are taken and sent

    # ------------------------------------------------------------ the reader
    def read(self) -> None:
        """Do what the parent says, until it is gone: then end, with all that tasks started."""
        try:
            while True:
                message = self.channel.receive()
                _HANDLERS[type(message)](self, message)
        except (EOFError, OSError):  # without a parent there is no work
            pass
        except BaseException:  # a fault of this library's: let it be seen
            os.write(2, traceback.format_exc().encode(errors="backslashreplace"))
        with suppress(OSError):  # a task may have moved this process to another group
            os.killpg(self._pid, signal.SIGKILL)
        os.kill(self._pid, signal.SIGKILL)

    def take_work(self, work: Work) -> None:
        self.packed.update(work.functions)
        self.values.update(work.values)
        self.seed = work.seed and work.seed.joined(self.seed)
        self._put(*work.units)

    def _put(self, *items: Unit | Setting | None) -> None:
        self.units.extend(items)
        self.arrivals.put(None)

    def give_back(self, message: Return) -> None:
        """Take units out of the queue, the last first."""
        returned: list[int] = []
        with suppress(IndexError):
            while len(returned) < message.most:
                item = self.units.pop()
                if type(item) is not list:  # what stands before it is older
                    self._put(item)
                    break
                returned.append(item[0][0])
        self.channel.send(Back(returned))
        self.flush()  # the task that runs may take long: what is done should not wait for it

    def forget(self, message: Forget) -> None:
        for slot in message.slots:
            self.values.pop(slot, None)
            self.loaded.pop(slot, None)
        gone = self.arena.drop(message.dropped)
        gone += self.arena.recheck()
        self.arena.free(message.freed)
        self.arena.trim()
        if gone:
            self.channel.send(Acknowledge(gone))

    def end_run(self, _: Ended) -> None:
        self.packed.clear()
        self.functions.clear()
        self.values.clear()
        self.loaded.clear()
        forget_namespaces()
        gone = self.arena.recheck()  # what was loaded held some blocks
        if gone:
            self.channel.send(Acknowledge(gone))
        self.arena.trim()

    def quit(self, _: Quit) -> None:
        self._put(None)

    def queue_setting(self, setting: Setting) -> None:
        self._put(setting)

    # -------------------------------------------------------- the main thread
    def work(self) -> None:
        """Run units until there are no more."""
        while True:
            try:
                unit = self.units.popleft()
            except IndexError:
                self.status.rest()
                self.flush()
                self.arrivals.get()  # perhaps of what was taken long ago: then look again
                continue
            if unit is None:
                return
            if isinstance(unit, Setting):
                self.settings.put(unit.wanted)
                continue
            self._run(unit)
            if perf_counter_ns() - self._flushed_ns > _FLUSH_NS:
                self.flush()

    def _run(self, unit: Unit) -> None:
        times: list[float] = []
        value: Any = None
        unsent_ns = 0
        last = len(unit) - 1
        for member, (step, number, arguments) in enumerate(unit):
            began = self.status.begin(step)
            given = value
            try:
                value = self._call(step, number, arguments, value)
            except BaseException as error:
                self._fail(
                    unit, member, [*times, began / 1e9, perf_counter_ns() / 1e9], error, given
                )
                return
            if os.getpid() != self._pid:  # a child that a task has forked is no worker
                os._exit(1)
            ended = perf_counter_ns()
            times += (began / 1e9, ended / 1e9)
            unsent_ns += ended - began
            if member == last or unsent_ns > _CHECKPOINT_NS:
                if not self._report(unit, member, times, value, given):
                    return
                unsent_ns = 0

    def _call(self, step: int, number: int, arguments: tuple[Any, ...], before: Any) -> Any:
        func = self.functions.get(number, _MISSING)
        if func is _MISSING:  # whatever it says of its own truth
            func = self._function(number)
        values = [
            before if arg is None else arg[0] if type(arg) is tuple else self._value(arg)
            for arg in arguments
        ]
        if self.seed is None:
            return func(*values)
        with seeded(self.seed.at(step)):
            return func(*values)

    def _function(self, number: int) -> Callable[..., Any]:
        func: Callable[..., Any] = self._unpack(self.packed[number])
        self.functions[number] = func
        return func

    def _value(self, slot: int) -> Any:
        value = self.loaded.get(slot, _MISSING)
        if value is _MISSING:
            value = self.loaded[slot] = self._unpack(self.values[slot])
        return value

    def _unpack(self, thing: Any) -> Any:
        """Return the value; unpickling may import modules, which must not compute."""
        self.is_loading = True
        self.status.load()
        try:
            return unpack(thing, self.arena.view)
        except ImportError as error:
            error.add_note(f"lazygraph: a worker process could not import {error.name!r}")
            raise
        finally:
            self.is_loading = False
            self.status.loaded()

    def _report(self, unit: Unit, member: int, times: list[float], value: Any, given: Any) -> bool:
        """Send a result; false if it cannot be sent."""
        try:
            packed = pack(value, self.arena)
        except BaseException as error:
            if member < len(unit) - 1:  # only a checkpoint, which nobody needs
                return True
            path = None if isinstance(error, MemoryError) else blame(value, "its result", error)
            self._fail(unit, member, times, error, given, path)
            return False
        with self._lock:
            self._done.append((unit[0][0], member + 1, times[:], packed))
        if member < len(unit) - 1:
            self.flush()
        return True

    def _fail(
        self,
        unit: Unit,
        member: int,
        times: list[float],
        error: BaseException,
        given: Any,
        path: str | None = None,
    ) -> None:
        try:
            packed = pack(given, self.arena)
        except BaseException as other:
            packed = Absent(f"<{type(given).__name__} that stayed in the worker: {other}>")
        self.flush()
        surroundings.flush_output()
        self.channel.send(Failed(unit[0][0], member, times, to_wire(error), path, packed))

    def flush(self) -> None:
        """Send the results that wait."""
        with self._flushing:  # to the end, or what was done later might overtake
            with self._lock:
                done, self._done = self._done, []
                self._flushed_ns = perf_counter_ns()
            if done:
                surroundings.flush_output()
                self.channel.send(Done(done))


_HANDLERS: dict[type, Callable[[Worker, Any], None]] = {
    Work: Worker.take_work,
    Return: Worker.give_back,
    Forget: Worker.forget,
    Ended: Worker.end_run,
    Quit: Worker.quit,
    Setting: Worker.queue_setting,
}


def _prepare(worker: Worker) -> bytes | None:
    """Take over the parent's surroundings, and run what every worker shall run first."""
    setting, preload, initializer = worker.channel.receive()
    worker.settings.put(setting.wanted)
    surroundings.forward_output(worker.channel, _current_step)
    try:
        _preload(preload)
        if initializer is not None:
            loads(initializer)()
        worker.settings.keep_own()
    except BaseException as error:
        return to_wire(error)
    return None


def _current_step() -> int:
    return -1 if _worker is None else _worker.status.step


def _preload(modules: Iterable[str]) -> None:
    for module in modules:
        __import__(module)


class _ImportWatch:
    """Is asked, by its place on `sys.meta_path`, for each module that is not imported yet."""

    def __init__(self, status: StatusPage) -> None:
        self._status = status

    def find_spec(self, *_: object) -> None:
        self._status.importing()


def _die_with_parent(lifeline: int) -> None:
    """Let the kernel kill this process and what it starts when the parent's end is closed.

    The reading thread sees the end of the parent too, but cannot act while a task holds the
    GIL, perhaps for ever.
    """
    import fcntl  # late: Windows has none, and there nothing but this module needs it

    if hasattr(fcntl, "F_SETSIG"):  # Linux
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
        flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | os.O_ASYNC)


def main(socket_fd: int, lifeline_fd: int, arena_fd: int, owner: int, sharers: int) -> None:
    """Be a worker until the parent says otherwise, or is gone."""
    global _worker  # noqa: PLW0603  # a process is a worker or it is not
    for inherited in (socket_fd, lifeline_fd, arena_fd):
        os.set_inheritable(inherited, False)  # by what tasks start, which may outlive everybody
    _die_with_parent(lifeline_fd)
    for stops in (signal.SIGTTIN, signal.SIGTTOU):  # who reads the terminal gets an error
        signal.signal(stops, signal.SIG_IGN)
    share_cores(sharers)
    channel = WorkerChannel(socket.socket(fileno=socket_fd))
    _worker = worker = Worker(channel, Arena(arena_fd, owner, sharers + 1))
    try:
        channel.send(Begun())
        channel.send(Hello(_prepare(worker)))
    except (EOFError, OSError):  # the parent has gone: there is nobody to tell
        os._exit(1)
    os.register_at_fork(after_in_child=partial(surroundings.leave_to_parent, channel))
    sys.meta_path.insert(0, _ImportWatch(worker.status))
    threading.Thread(target=worker.read, name="lazygraph-reader", daemon=True).start()
    worker.work()
    surroundings.flush_output()
