"""From a run's seed and a task's place in the graph to the task's random numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import NoneType
from typing import TYPE_CHECKING, Any, Protocol

from lazygraph.errors import OptionError

#: Begin the paths of what has no place in a graph; larger than any place.
_LATER_RUNS, _STREAMS = 2**31, 2**31 + 1

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
    places : dict of int to int, optional
        Of a run's seed, the places of its steps, where these are not those in the plan.
    """

    __slots__ = ("_generator", "_runs", "entropy", "path", "places")

    def __init__(
        self, entropy: int, path: tuple[int, ...] = (), places: dict[int, int] | None = None
    ) -> None:
        self.entropy, self.path, self.places = entropy, path, places
        self._generator: np.random.Generator | None = None
        self._runs = 0  # inside the task, so far

    def __repr__(self) -> str:
        return f"Seed({self.entropy}, {self.path})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Seed, (self.entropy, self.path, self.places)

    def at(self, place: int) -> Seed:
        """Return the seed of the task at `place`."""
        if self.places is not None:
            place = self.places[place]
        return Seed(self.entropy, (*self.path, place))

    def numbered(self, places: dict[int, int]) -> Seed:
        """Return the same seed for a run whose steps have these places rather than their own."""
        return Seed(self.entropy, self.path, places)

    def among(self, steps: Iterable[int]) -> Seed:
        """Return the same seed of a run, for some of its steps alone."""
        places = self.places
        return self if places is None else self.numbered({step: places[step] for step in steps})

    def joined(self, other: Any) -> Seed:
        """Return the same seed of a run, for the steps too that `other`, which may change, is for."""
        is_same = other is not None and (other.entropy, other.path) == (self.entropy, self.path)
        if not is_same or other.places is None or self.places is None:
            return self
        other.places.update(self.places)
        return other  # type: ignore[no-any-return]

    def anew(self) -> Seed:
        """Return the seed of the same place, before its first number."""
        return Seed(self.entropy, self.path)

    def inner(self) -> Seed:
        """Return the seed of the next run inside the task of this one: no two share it."""
        self._runs += 1
        return self.at(self._runs - 1)

    def generator(self) -> np.random.Generator:
        """Return the one generator of this place: a second call goes on where the first one is."""
        if self._generator is None:
            import numpy as np  # late: only those who draw need it

            sequence = np.random.SeedSequence(self.entropy, spawn_key=self.path)
            self._generator = np.random.Generator(np.random.PCG64(sequence))
        return self._generator

    def stream(self, key: Any) -> Seed:
        """Return the seed of a name, whatever the place: of the user's number and `key` alone."""
        return Seed(self.entropy, (_STREAMS, *_words(key)))


def _words(key: Any) -> tuple[int, ...]:
    """Return a stream's name as whole numbers: the same in every process."""
    from hashlib import blake2b  # late: only those who draw need it

    digest = blake2b(repr(_plain(key)).encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return tuple([int.from_bytes(digest[n : n + 4], "little") for n in range(0, 16, 4)])


def _plain(key: Any) -> Any:
    """Return a stream's name of Python's own types, whose repr is its content."""
    if isinstance(key, (tuple, list)):
        return tuple([_plain(part) for part in key])
    item = getattr(key, "item", None)  # of NumPy's scalars
    plain = item() if callable(item) and getattr(key, "shape", None) == () else key
    if type(plain) in (str, bytes, int, float, bool, NoneType):
        return plain
    raise OptionError(f"the name of a stream is text, a number, or a tuple of such, not {key!r}")


class _Forbidden(Seed):
    """Where no random numbers are to be had: asking for them is an error."""

    __slots__ = ("_make_error",)

    def __init__(self, make_error: Callable[[], Exception]) -> None:
        super().__init__(0)
        self._make_error = make_error

    def __reduce__(self) -> tuple[Any, ...]:
        return _Forbidden, (self._make_error,)

    def at(self, place: int) -> Seed:  # noqa: ARG002  # of a run inside: the same
        """Return itself."""
        return self

    def numbered(self, places: dict[int, int]) -> Seed:  # noqa: ARG002  # likewise
        """Return itself."""
        return self

    def stream(self, key: Any) -> Seed:  # noqa: ARG002  # likewise
        """Return itself."""
        return self

    def generator(self) -> np.random.Generator:
        """Raise the error."""
        raise self._make_error()


_current: ContextVar[Seed | None] = ContextVar("lazygraph_seed", default=None)


def current_seed() -> Seed | None:
    """Return the seed of the task that runs here; None outside tasks and in runs without a seed."""
    return _current.get()


def draw_from(seed: Seed | None) -> None:
    """Let `rng` draw from `seed` in this context from now on."""
    _current.set(seed)


@contextmanager
def seeded(seed: Seed | None) -> Iterator[None]:
    """Let `rng` draw from `seed` in a block: the time of a task."""
    token = _current.set(seed)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def forbidden(make_error: Callable[[], Exception]) -> Iterator[None]:
    """Let `rng` raise what `make_error` makes in a block, in runs inside too."""
    with seeded(_Forbidden(make_error)):
        yield


class _Repeatable(Protocol):
    """A default seed, for one run after the other."""

    number: int

    def next_run(self) -> int: ...


def choose_seed(given: int | None, default: _Repeatable | None = None) -> Seed | None:
    """Return the seed of a run: the user's, or the task's around it, or the default's next.

    The task around goes before the default, which the run around it has used up. The runs of
    a default draw different numbers, the first one those of the same number given to a run.
    """
    if given is not None:
        return Seed(given)
    around = current_seed()
    if around is not None:
        return around.inner()
    if default is None:
        return None
    run = default.next_run()
    return Seed(default.number, (_LATER_RUNS, run) if run else ())


def rng(key: Any = None) -> np.random.Generator:
    """Return random numbers for the task that calls it.

    THE NUMBERS FOLLOW FROM THE RUN'S SEED AND THE TASK'S PLACE IN THE GRAPH, which begins at 0
    in each compute: ``[compute(x, seed=0) for x in xs]`` draws the same numbers for every x, and
    one more task in front changes all numbers. Give a key, or ``@delayed(seed_by="args")``, to
    what is to draw the same wherever and with whatever else it is computed, and other numbers
    than its like.

    Parameters
    ----------
    key : str, bytes, number, or tuple of such, optional
        The name of a stream: what is drawn follows from the run's seed and the name alone. Two
        tasks that use one name draw the same numbers. Without it, the task's own stream.

    Returns
    -------
    numpy.random.Generator
        Without `key`, one per task: a second call in it goes on where the first one is. With
        `key`, one that begins anew at each call.

    Raises
    ------
    OptionError
        If `key` is of another type.

    Notes
    -----
    The same on every scheduler, with any number of workers, in every repetition of the same
    graph with the same outputs; a second attempt draws what the first one drew. A compute inside
    the task goes on from the task's place. In a run without a seed, and outside tasks, the
    numbers are fresh, whatever the key. Under ``config.set(seed=0)`` each compute draws other
    numbers than the ones before it, but for named streams.

    Examples
    --------
    >>> from lazygraph import compute, delayed
    >>> draw = delayed(lambda: int(rng().integers(1_000_000)))
    >>> compute(draw(), draw(), seed=0) == compute(draw(), draw(), seed=0)
    True
    >>> fit = delayed(lambda alpha: int(rng(("fit", alpha)).integers(1_000_000)))
    >>> sweep = compute([fit(alpha) for alpha in (0.1, 1.0, 10.0)], seed=0)[0]
    >>> fit(10.0).compute(seed=0) == sweep[2]
    True
    """
    seed = current_seed()
    if seed is not None:
        return seed.generator() if key is None else seed.stream(key).generator()
    if key is not None:
        _plain(key)  # refused here as well
    import numpy as np  # late, as above

    return np.random.default_rng()
