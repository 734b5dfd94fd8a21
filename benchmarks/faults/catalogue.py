"""The faults. To add one, write what makes it in one of the rooms named here, and enter it."""

from __future__ import annotations

from benchmarks.faults.gluttons import out_of_memory
from benchmarks.faults.interrupts import group_interrupted, parent_interrupted, parent_killed
from benchmarks.faults.killers import by_own_task
from benchmarks.faults.kills import all_killed, one_killed
from benchmarks.faults.pipes import full_pipes
from benchmarks.faults.runs import Fault
from benchmarks.faults.series import many_computes
from benchmarks.faults.shares import shared_memory_full

__all__ = ["FAULTS"]

FAULTS: tuple[Fault, ...] = (
    Fault("worker-killed", "SIGKILL to a worker at a random moment", one_killed, 200, 20, 240),
    Fault("all-killed", "SIGKILL to all workers at once", all_killed, 20, 5),
    Fault("killer-task", "a task that always kills its worker", by_own_task, 12, 6),
    Fault("out-of-memory", "a task that asks for too much memory", out_of_memory, 12, 4),
    Fault("ctrl-c", "SIGINT to the parent only", parent_interrupted, 9, 3),
    Fault("ctrl-c-group", "SIGINT to the parent's group", group_interrupted, 9, 3),
    Fault("parent-killed", "SIGKILL to the parent", parent_killed, 9, 3),
    Fault("full-pipe", "100 MB from all workers at once", full_pipes, 6, 4),
    Fault("many-computes", "computes in a row: nothing grows", many_computes, 1000, 200, 150),
    Fault("disk-full", "no room for more shared memory", shared_memory_full, 10, 3),
)
