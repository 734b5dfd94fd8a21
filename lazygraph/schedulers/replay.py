"""Remembers the call that failed, so that a debugger can have it made again: `replay`."""

from __future__ import annotations

from collections.abc import Coroutine
from contextvars import copy_context
from typing import Any

from lazygraph.errors import OptionError
from lazygraph.randomness import Seed, seeded
from lazygraph.schedulers.outcomes import Failed
from lazygraph.tasks.keys import Key
from lazygraph.tasks.task import Call

__all__ = ["FailedCall", "remember", "replay"]

_ATTRIBUTE = "_lazygraph_call"


class FailedCall:
    """A task's call with its real arguments."""

    def __init__(self, key: Key, call: Call, leaves: tuple[Any, ...], seed: Seed | None) -> None:
        self.key, self.call, self.leaves, self.seed = key, call, leaves, seed

    def again(self) -> Any:
        """Make the call once more, here."""
        args, kwargs = self.call._arguments(self.leaves)
        seed = self.seed and Seed(self.seed.entropy, self.seed.path)  # from its first number on
        function = self.call._function
        with seeded(seed):
            result = function.func(*args, **kwargs)
            if not function.options.is_async:
                return result
            return _awaited(result)

    def __reduce__(self) -> tuple[Any, ...]:
        return _forgotten, ()  # arguments do not travel with a pickled exception


def _awaited(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine, also where this thread's event loop runs, as in a notebook."""
    import asyncio  # late: 30 ms to import
    from concurrent.futures import ThreadPoolExecutor

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with ThreadPoolExecutor(1) as other:
        return other.submit(copy_context().run, asyncio.run, coroutine).result()


def _forgotten() -> None:
    return None


def remember(error: BaseException, failed: FailedCall) -> None:
    """Let the exception lead to the call. One that has been remembered leads to the new one."""
    object.__setattr__(error, _ATTRIBUTE, failed)


def replay(error: BaseException | Failed) -> Any:
    """Run the task that failed again, alone, in this process, with its real arguments.

    Parameters
    ----------
    error : BaseException or Failed
        What a `compute` raised, or put in the result's place. In a debugger's session after
        the error: ``lazygraph.replay(sys.last_value)``. Where the task itself had called
        `compute`, it is this task that runs, and its `compute` with it.

    Returns
    -------
    Any
        The function's result, if it does not fail this time.

    Raises
    ------
    Exception
        What the function raises, as usual.
    OptionError
        If `error` does not come from a task of a compute in this process.

    Examples
    --------
    >>> from lazygraph import delayed
    >>> try:
    ...     delayed(int)("one").compute()
    ... except ValueError as error:
    ...     failure = error
    >>> replay(failure)
    Traceback (most recent call last):
    ...
    ValueError: invalid literal for int() with base 10: 'one'
    """
    if type(error) is Failed:
        error = error.error
    failed = getattr(error, _ATTRIBUTE, None)
    if not isinstance(failed, FailedCall):
        raise OptionError(f"replay wants an error that a task of a compute raised, not {error!r}")
    return failed.again()
