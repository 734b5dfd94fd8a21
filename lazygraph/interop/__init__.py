"""Dask's graphs and collections <-> tasks: the room for the world that users come from.

`read` turns Dask's graphs, in all their forms, into tasks; `write` turns tasks into Dask's own;
`citizen` lets a lazy value be a collection to Dask, by way of `layer`; `guest` lets a Dask
collection be an argument here, by way of `joint`; `calls` are functions in graphs for Dask that
only this library can make. Only `read`, `write`, `layer` and `joint` import Dask, and they are
imported when there is something of Dask's to work on.

Supported are the releases of Dask from 2025.4.1 on; `make dask-range` runs the tests marked
``dask`` on the oldest and the newest.
"""
