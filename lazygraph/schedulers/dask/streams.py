"""Outputs of a run on a cluster as they finish, so many at a time."""

from __future__ import annotations

from collections.abc import Iterator

from distributed import as_completed

from lazygraph.errors import RunStopped
from lazygraph.schedulers.dask.futures import Futures

__all__ = ["ClusterStream"]


class ClusterStream:
    """A run whose steps are submitted as the user takes results.

    Steps go in the plan's order up to the last one that the next `lookahead` outputs need: each
    is submitted once, and results that later ones need are kept on the cluster until then.
    """

    def __init__(self, futures: Futures, lookahead: int) -> None:
        self._futures, self._lookahead = futures, lookahead
        self._outputs = futures.plan.outputs
        self._taken = 0
        self._is_cancelled = False
        self._places: dict[int, list[int]] = {}
        for place, step in enumerate(self._outputs):
            self._places.setdefault(step, []).append(place)
        self._waiting = as_completed([], loop=futures.client.loop)
        self._steps: dict[object, int] = {}

    def __iter__(self) -> Iterator[tuple[int, object]]:
        self._fill()
        with self._futures:
            while self._steps:
                step = self._next()
                for place in self._places[step]:
                    # In no name of this function: it is the user's alone.
                    yield place, self._futures.value(step)
                self._futures.drop(step)

    def _next(self) -> int:
        future = self._futures.explained(next, self._waiting, None)
        if future is None or self._is_cancelled:
            raise RunStopped("the run was cancelled")
        return self._steps.pop(future.key)

    def _fill(self) -> None:
        """Submit what the next outputs need."""
        n = min(self._taken + self._lookahead, len(self._outputs))
        until = 1 + max(self._outputs[:n], default=-1)
        for step in self._futures.send(until):
            future = self._futures.of(step)
            self._steps[future.key] = step
            self._waiting.add(future)

    def consume(self) -> None:
        """Say that the user has taken one: there is room for another."""
        self._taken += 1
        self._fill()

    def cancel(self) -> None:
        """Let the run end soon; from whichever thread."""
        self._is_cancelled = True
        self._futures.cancel()

    def close(self, _: BaseException | None = None) -> None:
        """End the run."""
        self.cancel()
