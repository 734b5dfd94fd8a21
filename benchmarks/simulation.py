"""A plan, task times and what a scheduler costs -> how long a run takes, without running it.

The schedulers' own `RunState` decides who is ready and in which order; workers and the one
scheduler that hands out tasks are clocks. So overheads and sizes can be tried that no machine at
hand has: a hundred workers, ten million tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from lazygraph.graphs.plan import Plan
from lazygraph.schedulers.runstate import RunState

__all__ = ["Cost", "Simulated", "bounds", "shortest_useful", "simulate"]


class Cost(NamedTuple):
    """What a scheduler costs a task, in seconds.

    Attributes
    ----------
    scheduler : float
        Of the one place that hands tasks out, one after the other: what no further worker helps.
    worker : float
        Of the worker that runs it: the message, the unpacking.
    """

    scheduler: float = 0.0
    worker: float = 0.0


_FREE = Cost()


class Simulated(NamedTuple):
    """What came of it.

    Attributes
    ----------
    seconds : float
        From the start to the last task's end.
    efficiency : float
        Time spent in tasks by time that workers were there.
    most_alive : int
        Most results alive at a time.
    """

    seconds: float
    efficiency: float
    most_alive: int


def simulate(plan: Plan, seconds: Sequence[float], n_workers: int, cost: Cost = _FREE) -> Simulated:
    """Run a plan on clocks.

    Parameters
    ----------
    plan : Plan
        What is run.
    seconds : sequence of float
        Of each step.
    n_workers : int
        How many run at once.
    cost : Cost
        Of each task.

    Notes
    -----
    O(tasks log tasks), some 5 us a task. List scheduling: Graham (1969), "Bounds on
    multiprocessing timing anomalies".
    """
    state = RunState(plan)
    running: list[tuple[float, int]] = []  # when it ends, the step
    now = scheduler_free = 0.0
    alive = most_alive = 0
    while state.left:
        while state.ready and len(running) < n_workers:
            step = state.ready[0]
            state.take()
            scheduler_free = max(scheduler_free, now) + cost.scheduler
            heappush(running, (scheduler_free + cost.worker + seconds[step], step))
        now, step = heappop(running)
        released = state.finish(step, None)
        alive += 1
        most_alive = max(most_alive, alive)
        alive -= len(released)
    work = sum(seconds)
    return Simulated(now, work / (now * n_workers) if now else 1.0, most_alive)


def bounds(plan: Plan, seconds: Sequence[float], n_workers: int) -> tuple[float, float]:
    """Without overhead: what no schedule can beat, and what list scheduling never exceeds.

    The longer of the critical path and the work shared evenly; and Graham's bound, work / n
    plus (1 - 1 / n) of the critical path.
    """
    ends: list[float] = []
    for step, needed in enumerate(plan.dependencies):
        ends.append(seconds[step] + max([ends[each] for each in needed], default=0.0))
    path, work = max(ends, default=0.0), sum(seconds)
    return max(path, work / n_workers), work / n_workers + (1 - 1 / n_workers) * path


def shortest_useful(run: Callable[[float], Simulated], share: float = 0.5) -> float:
    """The shortest task, in seconds, with which a run keeps `share` of its workers busy.

    By bisection over 1 us to 100 s; infinite if no task is long enough.
    """
    low, high = 1e-6, 100.0
    if run(high).efficiency < share:
        return float("inf")
    while high / low > 1.01:
        middle = (low * high) ** 0.5
        low, high = (low, middle) if run(middle).efficiency >= share else (middle, high)
    return high
