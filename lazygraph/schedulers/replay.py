"""An error that a task raised -> the task's call, made again for a debugger: `replay`."""

from __future__ import annotations

from collections.abc import Coroutine
from contextvars import copy_context
from typing import Any

from lazygraph.errors import OptionError
from lazygraph.randomness import Seed, seeded
from lazygraph.schedulers.failures import Failure
from lazygraph.schedulers.outcomes import Absent, Failed, Skipped, failed_call
from lazygraph.tasks.function import Function

__all__ = ["replay"]


def _again(function: Function, args: Any, kwargs: Any, seed: Seed | None) -> Any:
    """Make a call once more, here; its random numbers begin anew."""
    with seeded(seed and seed.anew()):
        result = function.func(*args, **kwargs)
        return _awaited(result) if function.options.is_async else result


def _awaited(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Return a coroutine's result, also where this thread's event loop runs, as in a notebook."""
    import asyncio  # late: 30 ms to import
    from concurrent.futures import ThreadPoolExecutor

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with ThreadPoolExecutor(1) as other:
        return other.submit(copy_context().run, asyncio.run, coroutine).result()


def replay(error: BaseException | Failed | Skipped | Failure) -> Any:
    """Run the task that failed again, alone, in this process, with its real arguments.

    Parameters
    ----------
    error : BaseException, Failed, Skipped or Failure
        What a `compute` raised, or put in the result's place, or a row of `failures`. In a
        debugger's session after the error: ``lazygraph.replay(sys.last_value)``. Where the task
        itself had called `compute`, it is this task that runs, and its `compute` with it.

    Returns
    -------
    Any
        The function's result, if it does not fail this time.

    Raises
    ------
    Exception
        What the function raises, as usual.
    OptionError
        If `error` does not come from a task of a compute in this process, or its arguments
        have been forgotten (`lazygraph.forget`).

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
    raised = error if isinstance(error, BaseException) else getattr(error, "error", None)
    failed = None if raised is None else failed_call(raised)
    if failed is None:
        raise OptionError(f"replay wants an error that a task of a compute raised, not {error!r}")
    if failed.call is None:
        raise OptionError(
            f"replay wants an error with the task's arguments, and those of {failed.shown} were "
            "forgotten, or stayed in the process that pickled it"
        )
    if any(type(leaf) is Absent for leaf in failed.leaves):
        raise OptionError(
            f"the arguments of {failed.shown} never left the worker process: run it by "
            'scheduler="threads" to replay it'
        )
    return _again(failed.call._function, *failed.arguments, failed.seed)
