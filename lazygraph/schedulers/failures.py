"""Results among which errors were collected -> one table of what failed: `failures`."""

from __future__ import annotations

from typing import Any

from lazygraph.schedulers.outcomes import Failed, Skipped, failed_call
from lazygraph.tasks.keys import Key
from lazygraph.tasks.records import Record
from lazygraph.tasks.reprs import counted, short_repr
from lazygraph.tasks.tree_paths import distinct_leaves

__all__ = ["Failure", "Failures", "failures"]

_MOST_ROWS = 20


class Failure(Record):
    """A task that failed, and how many of the results are missing because of it.

    Attributes
    ----------
    key : Key
        The task's.
    error : BaseException
        What it raised.
    call : str
        The function with its arguments, in short form.
    args, kwargs : tuple and dict
        The arguments themselves; empty once they are forgotten.
    site : str, optional
        ``file:line`` where the call was captured.
    attempts : int
        How often it was tried.
    missing : int
        How many of the results it leaves without a value, its own among them.
    """

    key: Key
    error: BaseException
    call: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    site: str | None
    attempts: int
    missing: int

    def __str__(self) -> str:
        tries = f" ({self.attempts} attempts)" if self.attempts > 1 else ""
        lost = f" [{self.missing} results missing]" if self.missing > 1 else ""
        site = f"  {self.site}" if self.site else ""
        error = f"{type(self.error).__name__}: {short_repr(_Text(self.error))}"
        return f"{self.call}: {error}{tries}{lost}{site}"


class _Text:
    """An exception's message, so that it is cut as other text is."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __repr__(self) -> str:
        return str(self._error)


class Failures(list[Failure]):
    """The failures among results, in order; a table where it is shown."""

    def __repr__(self) -> str:
        if not self:
            return "no failures"
        more = len(self) - _MOST_ROWS
        head = f"{counted(len(self), 'task')} failed:"
        rows = [head, *(f"  {failure}" for failure in self[:_MOST_ROWS])]
        return "\n".join([*rows, f"  ... {more} more"] if more > 0 else rows)


def failures(results: Any) -> Failures:
    """List the tasks that failed, each once, from results of ``on_error="collect"``.

    Parameters
    ----------
    results : object
        What `compute`, `get`, `persist` gave, or a list of what `as_completed` or `iterate`
        gave: nested containers in which `Failed` and `Skipped` stand. Tasks whose dependents
        alone were asked for are found by way of `Skipped`.

    Returns
    -------
    Failures
        A list of `Failure`, each with ``error``, ``call``, ``args``, ``site``, ``attempts``;
        shown as a table. Empty if nothing failed.

    Notes
    -----
    O(items of the containers).

    Examples
    --------
    >>> from lazygraph import compute, delayed
    >>> numbers = [delayed(int)(text) for text in ("1", "two", "3")]
    >>> table = failures(compute([n + 1 for n in numbers], on_error="collect"))
    >>> [(failure.call, failure.args, failure.missing) for failure in table]
    [("int('two')", ('two',), 1)]
    """
    from toolz import groupby  # late: it imports inspect

    origins = [
        origin for leaf, _ in distinct_leaves(results) if (origin := _origin(leaf)) is not None
    ]
    by_error = groupby(lambda origin: id(origin.error), origins)
    return Failures(_failure(same[0], len(same)) for same in by_error.values())


def _origin(leaf: Any) -> Failed | None:
    """Return what failed, from what stands in the place of a result; None for a result."""
    if type(leaf) is Skipped and leaf.error is not None:
        return Failed(leaf.error, leaf.because)
    return leaf if type(leaf) is Failed else None


def _failure(origin: Failed, missing: int) -> Failure:
    key, error, failed = origin.key, origin.error, failed_call(origin.error)
    if failed is None:
        return Failure(key, error, str(key), (), {}, None, 1, missing)
    args, kwargs = failed.arguments
    return Failure(key, error, failed.shown, args, kwargs, failed.site, failed.attempts, missing)
