"""Results that stay on a cluster, as functions: what a lazy value holds after `persist` there."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from lazygraph.errors import RunError
from lazygraph.schedulers.dask.raised import task_raised_in
from lazygraph.schedulers.explain import add_note
from lazygraph.tasks.keys import Key

__all__ = ["OnCluster"]


class OnCluster:
    """Gives the result that a future of Dask's stands for; the future goes when this goes.

    On the cluster where the result is it is never called: tasks there find the result by its
    key. Elsewhere, calling it brings the result here.
    """

    def __init__(self, key: Key, future: Any) -> None:
        self.key, self.future = key, future

    def __call__(self) -> Any:
        """Return the result, brought to this process."""
        self.check()
        try:
            return self.future.result()
        except Exception as error:
            raised = _meant(error)
        raise raised

    def check(self) -> None:
        """Raise RunError if the result is out of reach."""
        if self.future.client is None:  # it was pickled, and has come to where a client may be
            from distributed import get_client  # late: only who has such a thing needs it

            with suppress(ValueError, AttributeError):
                self.future.bind_client(get_client())
        client = self.future.client
        if client is None or client.status not in ("running", "connecting"):
            raise RunError(
                f"the result of {self.key!r} was left on a cluster by persist(), and the client "
                "that leads there is closed: compute it while the client is open"
            )
        if self.future.cancelled():
            raise RunError(
                f"the result of {self.key!r}, left on a cluster by persist(), is no longer there: "
                "it was cancelled, or the cluster lost it"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        return OnCluster, (self.key, self.future)

    def __repr__(self) -> str:
        return f"OnCluster({self.key!r})"


def _meant(error: Exception) -> BaseException:
    """Return what the task raised, or else what Dask says."""
    carrier = task_raised_in(error)
    if carrier is None:
        return error
    raised = carrier.unwrap()
    add_note(raised, f"while running task {carrier.key!r}: {carrier.shown}")
    return raised
