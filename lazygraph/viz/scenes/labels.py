"""A task to the words that a picture has for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Literal, NamedTuple

from lazygraph.errors import DrawingError
from lazygraph.graphs.graph import Graph
from lazygraph.graphs.inputs import Input
from lazygraph.tasks.callsites import Sites
from lazygraph.tasks.function import Function
from lazygraph.tasks.fused import Fused
from lazygraph.tasks.keys import Key
from lazygraph.tasks.operators import value_of
from lazygraph.tasks.reprs import short_call
from lazygraph.tasks.task import Ref, Task
from lazygraph.viz.look import Labels
from lazygraph.viz.paint.themes import Role
from lazygraph.viz.scenes.arguments import Result, Told, argument_text, is_told, path_tail, told
from lazygraph.viz.scenes.expressions import expression, is_symmetric, symbol_of
from lazygraph.viz.text import TIMES, one_line, truncated

__all__ = ["Labeller", "Names", "Words", "function_names", "key_text", "names_of"]

_MORE = 6  # characters go on the second line, which is smaller
_MOST_LITERALS, _MOST_ARGUMENTS = 8, 60
_MORE_FOLLOW = "…"
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


class Labeller:
    """Finds words for the tasks of a graph.

    Parameters
    ----------
    graph : Graph
        All of it: what is drawn may be a part.
    labels : Labels, optional
        What the user wants as first lines instead of functions' names.
    """

    def __init__(
        self, graph: Graph, labels: Labels | None = None, *, in_symbols: bool = False
    ) -> None:
        self._graph = graph
        self._labels = labels
        self._in_symbols = in_symbols
        self._sites = Sites()
        self._known: dict[Key, Words] = {}
        self._told: dict[int, Told] = {}

    def words(self, key: Key) -> Words:
        """Return all that is said of the task of `key`; found once. O(arguments)."""
        if key not in self._known:
            self._known[key] = self._words(key)
        return self._known[key]

    def _words(self, key: Key) -> Words:
        task = self._graph[key]
        args, kwargs = self._arguments(task)
        names = function_names(task)
        if names:
            label, detail = self._call_words(task, names, args, kwargs)
        else:
            label, detail = _data_words(key, args)
        members = tuple(truncated(one_line(run)) for run in _runs(names))
        return Words(
            truncated(one_line(self._wished(key, task, label))),
            truncated(detail, -_MORE),
            self._tooltip(key, task, short_call(task.name, args, kwargs)),
            one_line(names[-1]) if names else "",
            members if isinstance(task.func, Fused) and len(members) > 1 else (),
        )

    def _call_words(
        self, task: Task, names: Sequence[str], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[str, str]:
        """Return the function and its literals, or an operator and its operands in order."""
        symbol, name = symbol_of(task), _joined(names)
        if symbol and (self._in_symbols or not is_symmetric(symbol)) and not kwargs:
            whole = expression(symbol, args, _operand)
            return (whole, "") if self._in_symbols else (name, one_line(whole))
        texts = _texts(args, kwargs)
        if task._function.is_early:
            texts = list(filter(is_told, texts))
        literals = one_line(", ".join(_cut(texts)))
        return (f"{name}({literals})" if literals and self._in_symbols else name), literals

    def name(self, key: Key) -> str:
        """Return what the task is called among others: a name of the user's, else in short."""
        task = self._graph[key]
        wished = self._wished(key, task, "")
        return truncated(one_line(wished)) or _given_name(key) or self._short_label(key)

    def sides(self, key: Key) -> dict[Key, str]:
        """Return which operand is which, by key, where their names do not tell."""
        task = self._graph[key]
        symbol = symbol_of(task)  # of others, which may have many arguments, nothing more is read
        if not symbol or is_symmetric(symbol):
            return {}
        refs = [leaf for leaf in task._leaves if type(leaf) is Ref]
        if len(refs) != 2 or refs[0].key == refs[1].key:
            return {}
        left, right = (self._short_label(ref.key) for ref in refs)
        return {refs[0].key: "left", refs[1].key: "right"} if left == right else {}

    def literals(self, key: Key) -> list[str]:
        """Return the short forms of the arguments that are not results alone."""
        texts = filter(is_told, _texts(*self._arguments(self._graph[key])))
        return [truncated(one_line(text)) for text in _cut(list(texts))]

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
        if type(leaf) is Ref:
            return Result(self._short_label(leaf.key))
        return told(leaf, self._told)

    def _short_label(self, key: Key) -> str:
        """Return a function's name, or data in short form; O(1) but for tasks that pass results on."""
        task = self._graph[key]
        while task.func is value_of and len(task._leaves) == 1 and type(task._leaves[0]) is Ref:
            key = task._leaves[0].key
            task = self._graph[key]
        names = function_names(task)
        if not names:
            text = argument_text(self._shown(task.args[0])) if task.args else ""
            return _given_name(key) or truncated(one_line(text))
        symbol = symbol_of(task) if self._in_symbols else ""
        return f"({symbol})" if symbol else truncated(one_line(names[-1]))


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
    """Return a key without what only tells it from other processes'.

    Examples
    --------
    >>> key_text("square-17-9f3c2e1a7b04"), key_text("total")
    ('square-17', 'total')
    """
    return _PROCESS.sub(lambda match: match[1] or match[2], str(key))


def _given_name(key: Key) -> str:
    """Return the key, if a user seems to have chosen it."""
    return "" if _MADE_KEY.search(str(key)) else truncated(one_line(str(key)))


def _runs(names: Sequence[str]) -> list[str]:
    runs = [(name, len(list(group))) for name, group in groupby(names)]
    return [name if n == 1 else f"{name} {TIMES}{n}" for name, n in runs]


def _joined(names: Sequence[str]) -> str:
    return " + ".join(_runs(names))


def _data_words(key: Key, args: tuple[Any, ...]) -> tuple[str, str]:
    """Return the name that the data was given, and its value; or the value alone."""
    text = one_line(argument_text(args[0])) if args else ""
    if args and type(args[0]) is Result:
        text = _ALIAS + args[0].label
    name = _given_name(key)
    return (name, text) if name else (text, "")


def _operand(value: Any) -> str:
    return value.label if type(value) is Result else argument_text(value)


def _cut(texts: list[str]) -> list[str]:
    """Return the first of them, and a sign if there are more."""
    return [*texts[:_MOST_LITERALS], *([_MORE_FOLLOW] if len(texts) > _MOST_LITERALS else [])]


def _texts(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    """Return the arguments in short, as far as there are any that are no results.

    Results stand before others as dots, so that these are in their places.
    """
    texts = [argument_text(value) for value in args[:_MOST_ARGUMENTS]]
    if any(type(value) is not Result for value in args[_MOST_ARGUMENTS:]):
        texts.append(_MORE_FOLLOW)
    while texts and not is_told(texts[-1]):
        texts.pop()
    named = [(f"{name}=", argument_text(value)) for name, value in kwargs.items()]
    return texts + [name + text for name, text in named if is_told(text)]
