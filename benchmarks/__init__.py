"""What lazygraph costs, beside Dask and beside plain Python: ``python -m benchmarks``.

The way of a figure::

    rows.py --jobs--> runner.py --process--> child.py --measure--> figures --> judge.py, table.py

A workload is a function in `workloads.py`, an engine a class in `engines.py`, a way to measure
a function in `measures/`, a row of gates an entry in `rows.py`. Each is entered once, there.
"""
