"""Plan in, results out, by Dask: its local schedulers, and clusters.

``steps`` turns a plan's steps into what Dask calls, here or in other processes. What a task raises
there travels as ``raised`` has it, and ``failing`` makes the user's exception of it. ``get`` runs
plans on Dask's local schedulers, and on whatever else has their form. For clusters ``shipment``
packs a plan, ``futures`` sends it and waits for it, ``cluster`` is the scheduler, ``streams`` hands
out results one by one, and ``held`` stands for results that stay there.
"""

from lazygraph.schedulers.dask.get import LOCAL_NAMES, DaskGet, DaskProcesses, chosen_in_dask, local

__all__ = ["LOCAL_NAMES", "DaskGet", "DaskProcesses", "chosen_in_dask", "local"]
