"""A script like any user's: eight tasks on two processes; prints the seconds of its compute.

``python -m benchmarks.eight lazygraph``, or ``dask``.
"""

from __future__ import annotations

import sys
from importlib import import_module
from time import perf_counter

__all__ = ["main"]


def inc(x: int) -> int:
    """One more."""
    return x + 1


def main(library_name: str) -> None:
    """Import the library, capture the tasks, then time their compute."""
    library = import_module(library_name)
    tasks = [library.delayed(inc)(i) for i in range(8)]
    start = perf_counter()
    results = library.compute(*tasks, scheduler="processes", num_workers=2)
    seconds = perf_counter() - start
    if results != (1, 2, 3, 4, 5, 6, 7, 8):
        raise ValueError(f"wrong results: {results}")
    print(seconds)


if __name__ == "__main__":
    main(sys.argv[1])
