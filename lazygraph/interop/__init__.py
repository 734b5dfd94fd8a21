"""Dask's graphs and collections <-> tasks.

`legacy` reads Dask's dict of tuples; `read` turns graphs in all their forms into tasks, and
`write` turns tasks into Dask's own; `collection` makes a lazy value a collection to Dask, by
way of `layer`; `foreign` lets a Dask collection be an argument here; `calls` are functions in
graphs for Dask that only this library can make. `read`, `write`, `layer` and `foreign` import
Dask, and they are imported when there is something of Dask's to work on.

Supported are the releases of Dask from 2025.4.1 on; `make dask-range` runs the tests marked
``dask`` on the oldest and the newest.
"""
