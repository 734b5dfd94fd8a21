"""A task to the words that a picture has for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby, islice
from typing import Any, Literal, NamedTuple

from lazygraph.errors import DrawingError
from lazygraph.graphs.graph import Graph
from lazygraph.graphs.inputs import Input
from lazygraph.interop.legacy import value_of
from lazygraph.tasks.callsites import Sites
from lazygraph.tasks.function import Function
from lazygraph.tasks.fused import Fused
from lazygraph.tasks.keys import Key
from lazygraph.tasks.reprs import short_call
from lazygraph.tasks.task import Ref, Task
from lazygraph.viz.look import Labels
from lazygraph.viz.paint.themes import Role
from lazygraph.viz.scenes.arguments import argument_text, path_tail
from lazygraph.viz.text import TIMES, one_line, truncated

__all__ = ["Labeller", "Names", "Words", "function_names", "key_text", "names_of"]

_MOST_LITERALS = 8
_ALIAS = "= "  # before the label of a task that only passes another's result on
_MADE_KEY = re.compile(
    r"-(\d+-[0-9a-f]{12}|[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$"
)
#: What a task of the way back is called by autodiff: the derivative of a function by a parameter.
_DERIVATIVE = re.compile(r"(^|/)d_")
_LOOKS = "like"  # the task of the way back that only takes a value's shape and dtype
_PROCESS = re.compile(r"(?<=-)(?:(\d+)-[0-9a-f]{12}|([0-9a-f]{4})[0-9a-f-]{28,})$")


class Words(NamedTuple):
    """What is said of one task."""

    label: str
    detail: str  # the second line; empty for none
    tooltip: str
    function: str  # whose colour it has; empty for data
    members: tuple[str, ...]  # of a fused task: its functions, first to last


class _Result:
    """Stands in a shown call for the result of another task: prints as that task's label."""

    def __init__(self, label: str) -> None:
        self._label = label

    def __repr__(self) -> str:
        return self._label


class Labeller:
    """Finds words for the tasks of a graph.

    Parameters
    ----------
    graph : Graph
        All of it: what is drawn may be a part.
    labels : Labels, optional
        What the user wants as first lines instead of functions' names.
    """

    def __init__(self, graph: Graph, labels: Labels | None = None) -> None:
        self._graph = graph
        self._labels = labels
        self._sites = Sites()

    def words(self, key: Key) -> Words:
        """All that is said of the task of `key`. O(arguments)."""
        task = self._graph[key]
        args, kwargs = self._arguments(task)
        names = function_names(task)
        literals = one_line(", ".join(_literals(task, args, kwargs)))
        label, detail = (_joined(names), literals) if names else _data_words(key, args)
        members = tuple(truncated(one_line(run)) for run in _runs(names))
        return Words(
            truncated(one_line(self._wished(key, task, label))),
            truncated(detail),
            self._tooltip(key, task, short_call(task.name, args, kwargs)),
            one_line(names[-1]) if names else "",
            members if isinstance(task.func, Fused) and len(members) > 1 else (),
        )

    def literals(self, key: Key) -> list[str]:
        """The short forms of the arguments in which no result is."""
        task = self._graph[key]
        return [truncated(one_line(text)) for text in _literals(task, *self._arguments(task))]

    def _wished(self, key: Key, task: Task, label: str) -> str:
        labels = self._labels
        if labels == "key":
            return str(key)
        if isinstance(labels, Mapping):
            return str(labels.get(key, label))
        return _called(labels, key, task) if callable(labels) else label

    def _tooltip(self, key: Key, task: Task, call: str) -> str:
        site = self._sites.text(task._code, task._lasti)
        lines = (str(key), call, path_tail(site) if site else "")
        return "\n".join(one_line(line) for line in lines if line)

    def _arguments(self, task: Task) -> tuple[tuple[Any, ...], dict[str, Any]]:
        leaves = tuple([self._shown(leaf) for leaf in task._leaves])
        try:
            return task._arguments(leaves)
        except Exception:  # a user's container may refuse what stands for a result
            return leaves, {}

    def _shown(self, leaf: Any) -> Any:
        return _Result(self._short_label(leaf.key)) if type(leaf) is Ref else leaf

    def _short_label(self, key: Key) -> str:
        """A function's name, or data in short form; O(1) but for tasks that pass results on."""
        task = self._graph[key]
        while task.func is value_of and len(task._leaves) == 1 and type(task._leaves[0]) is Ref:
            key = task._leaves[0].key
            task = self._graph[key]
        names = function_names(task)
        if not names:
            return _given_name(key) or truncated(one_line(argument_text(task.args[0])))
        return truncated(one_line(names[-1]))


def _called(labels: Callable[[Key, Task], str], key: Key, task: Task) -> str:
    try:
        return str(labels(key, task))
    except Exception as error:
        raise DrawingError(f"labels= raised for task {key!r}: {error!r}") from error


def function_names(task: Task) -> list[str]:
    """Of the functions that the task calls, first to last; none if it only holds data."""
    names = []
    stack = [task]
    while stack:
        task = stack.pop()
        func = task.func
        if isinstance(func, Fused):
            stack.extend(member.task for member in reversed(func.members))
        elif func is not value_of and type(func) is not Input:
            names.append(_shown_name(task))
    return names


def _shown_name(task: Task) -> str:
    is_back = task._function.is_early
    return _DERIVATIVE.sub("\\1\u2202", task.name) if is_back else task.name


class Names(NamedTuple):
    """Of a task: the name under which like ones are put together, and whose colour it has.

    `role` is that of a task of the way back; empty for others.
    """

    kind: str
    function: str
    role: Role | Literal[""] = ""


def names_of(tasks: Iterable[Task]) -> list[Names]:
    """Of each task; both are empty for data. O(tasks), each function asked once."""
    known: dict[Function, Names] = {}
    made = []
    for task in tasks:
        names = known.get(task._function)
        if names is None:
            calls = [one_line(name) for name in function_names(task)]
            function = calls[-1] if calls else ""
            names = known[task._function] = Names(_joined(calls), function, _role(task))
        made.append(names)
    return made


def _role(task: Task) -> Role | Literal[""]:
    while isinstance(task.func, Fused):
        task = task.func.members[-1].task
    if not task._function.is_early:
        return ""
    return "aside" if task.name == _LOOKS else "back"


def key_text(key: Key) -> str:
    """A key without what only tells it from other processes'.

    Examples
    --------
    >>> key_text("square-17-9f3c2e1a7b04"), key_text("total")
    ('square-17', 'total')
    """
    return _PROCESS.sub(lambda match: match[1] or match[2], str(key))


def _given_name(key: Key) -> str:
    """The key, if a user seems to have chosen it."""
    return "" if _MADE_KEY.search(str(key)) else truncated(one_line(str(key)))


def _runs(names: Sequence[str]) -> list[str]:
    runs = [(name, len(list(group))) for name, group in groupby(names)]
    return [name if n == 1 else f"{name} {TIMES}{n}" for name, n in runs]


def _joined(names: Sequence[str]) -> str:
    return " + ".join(_runs(names))


def _data_words(key: Key, args: tuple[Any, ...]) -> tuple[str, str]:
    """The name that the data was given, and its value; or the value alone."""
    text = one_line(argument_text(args[0])) if args else ""
    if args and type(args[0]) is _Result:
        text = _ALIAS + text
    name = _given_name(key)
    return (name, text) if name else (text, "")


def _literals(task: Task, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    """The arguments with no result inside: those that are leaves as they stand."""
    plain = {id(leaf) for leaf in task._leaves if type(leaf) is not Ref}
    named = [("", value) for value in args] + [(f"{name}=", kwargs[name]) for name in kwargs]
    shown = (name + argument_text(value) for name, value in named if id(value) in plain)
    return list(islice(shown, _MOST_LITERALS))
