"""What lazygraph's processes do when things go wrong, done for real: ``python -m benchmarks.faults``.

The way of a fault::

    catalogue.py --fault--> warden.py --process--> child.py --runs--> verdict.py, table.py

Each fault is tried in a process of its own, so that one that hangs or dies takes no other
along; the warden adopts whatever that process leaves behind, and counts it. A fault is an
entry in `catalogue.py` and a function in a room that it names. Linux only: it reads ``/proc``.
"""
