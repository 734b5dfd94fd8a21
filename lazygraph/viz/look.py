"""A user's wishes for a picture, checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypedDict, get_args

from lazygraph.errors import DrawingError, OptionError, nearest
from lazygraph.tasks.keys import Key
from lazygraph.tasks.task import Task

if TYPE_CHECKING:
    from lazygraph.observers import Recorder
    from lazygraph.protocols import Lazy

__all__ = [
    "MOST_TASKS",
    "PARTIAL",
    "Colour",
    "Detail",
    "Engine",
    "Format",
    "Labels",
    "Look",
    "Notes",
    "PictureOptions",
    "Rankdir",
    "ThemeName",
]

Colour = Literal[
    "function",
    "order",
    "ages",
    "freed",
    "memoryincreases",
    "memorydecreases",
    "memorypressure",
    "seconds",
    "bytes",
    "worker",
]
Detail = Literal["auto", "tasks", "full", "collapsed"]
Engine = Literal["auto", "builtin", "dot"]
Format = Literal["svg", "png", "pdf", "html", "dot", "mmd"]
Rankdir = Literal["BT", "TB", "LR", "RL"]
ThemeName = Literal["auto", "light", "dark"]
Labels = Literal["function", "key"] | Mapping[Key, str] | Callable[[Key, Task], str]

#: More are drawn as groups, unless each is asked for.
MOST_TASKS = 150
#: The sign of a derivative.
PARTIAL = "\u2202"
_OF_A_RUN = ("seconds", "bytes", "worker")


@dataclass(frozen=True)
class Notes:
    """What flows: written beside edges and into boxes.

    Attributes
    ----------
    values : mapping of Key to str
        Results.
    totals : mapping of Key to str
        The goal's derivatives by them.
    edges : mapping of (Key, Key) to str
        What these have by way of an edge, by its ends; empty to say only which derivative it is.
    """

    values: Mapping[Key, str] = field(default_factory=dict)
    totals: Mapping[Key, str] = field(default_factory=dict)
    edges: Mapping[tuple[Key, Key], str] = field(default_factory=dict)


@dataclass(frozen=True)
class Look:
    """How to draw a graph, checked.

    Raises
    ------
    DrawingError
        For a value that none of them knows.
    """

    rankdir: Rankdir = "BT"
    engine: Engine = "auto"
    detail: Detail = "auto"
    color: Colour | None = None
    labels: Labels | None = None
    focus: Key | None = None
    depth: int = 2
    theme: ThemeName = "auto"
    title: str | None = None
    run: Recorder | None = None
    notes: Notes | None = None  # of a goal that is differentiated

    def __post_init__(self) -> None:
        check_choice("rankdir", self.rankdir, get_args(Rankdir))
        check_choice("engine", self.engine, get_args(Engine))
        check_choice("detail", self.detail, get_args(Detail))
        check_choice("color", self.color, (*get_args(Colour), None))
        check_choice("theme", self.theme, get_args(ThemeName))
        self._check_labels()
        if type(self.depth) is not int or self.depth < 0:
            raise DrawingError(f"depth={self.depth!r}: it is a whole number, 0 or more")
        if self.title is not None and not isinstance(self.title, str):
            raise DrawingError(f"title={self.title!r}: it is a text, or None")
        self._check_run()

    def _check_labels(self) -> None:
        labels = self.labels
        if isinstance(labels, str) or not (
            labels is None or callable(labels) or isinstance(labels, Mapping)
        ):
            others = "a mapping of keys to labels, a function of key and task"
            check_choice("labels", labels, ("function", "key", None), others)

    def _check_run(self) -> None:
        if self.run is not None and not hasattr(self.run, "events"):
            raise DrawingError(f"run={self.run!r}: it is a lazygraph.observers.Recorder, or None")
        if self.run is None and self.color in _OF_A_RUN:
            raise DrawingError(
                f"color={self.color!r} shows a run: compute with observers=[recorder], a "
                "lazygraph.observers.Recorder, and give run=recorder"
            )


class LookOptions(TypedDict, total=False):
    """The keywords of `lazygraph.visualize` that say how to draw: fields of `Look`."""

    rankdir: Rankdir
    engine: Engine
    detail: Detail
    color: Colour | None
    labels: Labels | None
    focus: Lazy[Any] | Key | None
    depth: int
    theme: ThemeName
    title: str | None
    run: Recorder | None


class PictureOptions(LookOptions, total=False):
    """The keywords of `lazygraph.visualize`, which says what they mean."""

    format: Format | None
    optimize_graph: bool
    gradients: bool
    wrt: Any
    inputs: Mapping[Any, Any] | None
    traverse: bool


_LOOK_OPTIONS = frozenset(LookOptions.__annotations__)


def look_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return those keywords of `lazygraph.visualize` that are fields of `Look`.

    Raises
    ------
    OptionError
        For a keyword that is none of `PictureOptions`.
    """
    for name in given:
        if name not in PictureOptions.__annotations__:
            known = ["filename", *PictureOptions.__annotations__]
            raise OptionError.unknown("visualize", name, known)
    return {name: value for name, value in given.items() if name in _LOOK_OPTIONS}


def check_choice(name: str, value: Any, known: tuple[Any, ...], others: str = "") -> None:
    """Refuse a value that is not among the known ones, and list those.

    Examples
    --------
    >>> check_choice("theme", "drak", ("light", "dark"))
    Traceback (most recent call last):
        ...
    lazygraph.errors.DrawingError: theme='drak'; did you mean 'dark'? Known are 'light', 'dark'
    """
    if value is None or isinstance(value, str):
        if value in known:
            return
        near = nearest(value, [text for text in known if text]) if value else None
        hint = f"; did you mean {near!r}? Known" if near else ": known"
    else:
        hint = ": known"
    listed = ", ".join([*map(repr, known), *([others] if others else [])])
    raise DrawingError(f"{name}={value!r}{hint} are {listed}")
