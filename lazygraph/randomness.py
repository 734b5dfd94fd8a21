"""From a run's seed and a task's place in the graph to the task's random numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from lazygraph.errors import OptionError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Seed", "choose_seed", "current_seed", "draw_from", "forbidden", "rng", "seeded"]


class Seed:
    """Where random numbers come from: a user's number, and the places of tasks within tasks.

    Parameters
    ----------
    entropy : int
        What the user gave, 0 or more.
    path : tuple of int
        The task's place in its run; after it, the place of a task in a run inside it; and so on.
    """

    __slots__ = ("_generator", "_runs", "entropy", "path")

    def __init__(self, entropy: int, path: tuple[int, ...] = ()) -> None:
        self.entropy, self.path = entropy, path
        self._generator: np.random.Generator | None = None
        self._runs = 0  # inside the task, so far

    def __repr__(self) -> str:
        return f"Seed({self.entropy}, {self.path})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Seed, (self.entropy, self.path)

    def at(self, place: int) -> Seed:
        """The seed of the task at `place`."""
        return Seed(self.entropy, (*self.path, place))

    def anew(self) -> Seed:
        """Return the seed of the same place, before its first number."""
        return Seed(self.entropy, self.path)

    def inner(self) -> Seed:
        """The seed of the next run inside the task of this one: no two share it."""
        self._runs += 1
        return self.at(self._runs - 1)

    def generator(self) -> np.random.Generator:
        """The one generator of this place: a second call goes on where the first one is."""
        if self._generator is None:
            import numpy as np  # late: only those who draw need it

            sequence = np.random.SeedSequence(self.entropy, spawn_key=self.path)
            self._generator = np.random.Generator(np.random.PCG64(sequence))
        return self._generator


class _Forbidden(Seed):
    """Where no random numbers are to be had: asking for them is an error."""

    __slots__ = ("_make_error",)

    def __init__(self, make_error: Callable[[], Exception]) -> None:
        super().__init__(0)
        self._make_error = make_error

    def __reduce__(self) -> tuple[Any, ...]:
        return _Forbidden, (self._make_error,)

    def at(self, place: int) -> Seed:  # noqa: ARG002  # of a run inside: the same
        """Here."""
        return self

    def generator(self) -> np.random.Generator:
        """The error."""
        raise self._make_error()


_current: ContextVar[Seed | None] = ContextVar("lazygraph_seed", default=None)


def current_seed() -> Seed | None:
    """The seed of the task that runs here; None outside tasks and in runs without a seed."""
    return _current.get()


def draw_from(seed: Seed | None) -> None:
    """Let `rng` draw from `seed` in this context from now on."""
    _current.set(seed)


@contextmanager
def seeded(seed: Seed | None) -> Iterator[None]:
    """The time of a task: `rng` draws from `seed`."""
    token = _current.set(seed)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def forbidden(make_error: Callable[[], Exception]) -> Iterator[None]:
    """A time in which `rng` raises the error that `make_error` makes, in runs inside too."""
    with seeded(_Forbidden(make_error)):
        yield


def choose_seed(given: Any, default: Any = None) -> Seed | None:
    """The seed of a run: of the user's number, of the task around, or of the default number.

    The task around goes before the default, which the run around it has used up.
    """
    around = current_seed()
    if given is None and around is not None:
        return around.inner()
    given = default if given is None else given
    if given is None:
        return None
    if type(given) is int and given >= 0:
        return Seed(given)
    raise OptionError(f"seed is a whole number, 0 or more, not {given!r}")


def rng() -> np.random.Generator:
    """Random numbers for the task that calls it.

    In ``compute(..., seed=0)`` they follow from the seed and the task's place in the graph:
    the same on every scheduler, with any number of workers, in every repetition of the same
    graph with the same outputs. A compute inside the task goes on from the task's place. In a
    run without a seed, and outside tasks, the numbers are fresh.

    Returns
    -------
    numpy.random.Generator
        One per task: a second call in it goes on where the first one is.

    Examples
    --------
    >>> from lazygraph import compute, delayed
    >>> draw = delayed(lambda: int(rng().integers(1_000_000)))
    >>> compute(draw(), draw(), seed=0) == compute(draw(), draw(), seed=0)
    True
    """
    seed = current_seed()
    if seed is not None:
        return seed.generator()
    import numpy as np  # late, as above

    return np.random.default_rng()
