"""A file's syntax tree and its bindings -> what becomes of each use of Dask."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from lazygraph.migrate.bindings import MOVED, MOVED_FROM, Bindings, is_function, named_in_strings
from lazygraph.migrate.findings import Kind
from lazygraph.tasks.options import RUN_OPTIONS

__all__ = ["Use", "uses_of"]

_COMPUTE = set(RUN_OPTIONS)
_DELAYED = {"name", "pure", "nout", "traverse"}
_DRAWN = {
    "filename", "format", "optimize_graph", "traverse", "rankdir", "engine", "color", "labels",
}  # fmt: skip
#: Keywords that a call may have, by what is called.
_KEYWORDS = {
    "dask.compute": _COMPUTE,
    "dask.persist": _COMPUTE,
    "dask.optimize": {"traverse"},
    "dask.delayed": _DELAYED,
    "dask.visualize": _DRAWN,
}
_METHODS = {"compute": _COMPUTE, "persist": _COMPUTE}
_READ_ONCE = {"map", "zip", "filter", "enumerate"}
_COLLECTIONS = ("array", "bag", "dataframe")
_CLIENTS = {"dask.distributed.Client", "distributed.Client"}
#: Keys of Dask's configuration that say what runs tasks.
_RUNNERS = {"scheduler", "pool", "num_workers", "get"}
#: What of Dask's goes on working beside lazy values, and what is to be known of it.
_STAYS: dict[str, tuple[Kind, str]] = {
    "dask.annotate": ("manual", "lazy values do not read it: give options to delayed(...)"),
    "dask.config.set": ("note", "sets Dask's defaults alone: lazygraph.config.set(...) ours"),
    "dask.config.get": ("note", "reads Dask's defaults alone"),
    "dask.graph_manipulation": ("stays", "takes lazy values as it takes Dask's own"),
    "dask.distributed": ("stays", "a Client is a scheduler here: compute(scheduler=client)"),
    "distributed": ("stays", "a Client is a scheduler here: compute(scheduler=client)"),
    "dask.diagnostics": ("note", 'tells of runs on Dask\'s schedulers: scheduler="dask-threads"'),
    "dask.is_dask_collection": ("stays", "a lazy value is one"),
    "dask.delayed.Delayed": ("works", "lazygraph.Delayed"),
}


class Use(NamedTuple):
    """A use of Dask at a place of the file."""

    node: ast.expr | ast.stmt
    kind: Kind
    use: str
    text: str


def uses_of(tree: ast.Module, names: Bindings) -> Iterator[Use]:
    """All uses in a piece of code, in order of appearance."""
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    found: list[Use] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found += _of_import(node)
        elif isinstance(node, ast.Import):
            found += _of_plain_import(node)
        elif isinstance(node, ast.Call):
            found += _of_call(node, names)
        if isinstance(node, (ast.Attribute, ast.Name)) and id(node) not in inner:
            found += _of_name(node, names)
    for constant, text in named_in_strings(tree, names):
        if not MOVED.isdisjoint(text.split(".")[1:2]):
            found.append(Use(constant, "manual", repr(text), "in a string: change it by hand"))
    return iter(sorted(found, key=lambda use: (use.node.lineno, use.node.col_offset)))


def _of_import(node: ast.ImportFrom) -> Iterator[Use]:
    module = node.module or ""
    if node.level or module.split(".")[0] != "dask":
        return
    for alias in node.names:
        use = f"from {module} import {alias.name}"
        if alias.name == "*":
            yield Use(node, "manual", use, "name what is used: it cannot be split")
        elif alias.name in MOVED_FROM.get(module, ()):
            yield Use(node, "works", use, f"from lazygraph import {alias.name}")
        elif module == "dask.delayed":
            yield Use(node, "manual", use, "there is no such thing here")


def _of_plain_import(node: ast.Import) -> Iterator[Use]:
    for alias in filter(is_function, node.names):
        to = f"from lazygraph import delayed as {alias.asname}"
        yield Use(node, "works", f"import dask.delayed as {alias.asname}", to)


def _of_name(node: ast.Attribute | ast.Name, names: Bindings) -> Iterator[Use]:
    dotted = names.dotted(node)
    if not dotted or (isinstance(node, ast.Name) and node.id in names.moved):
        return
    if dotted.removeprefix("dask.") in MOVED and isinstance(node, ast.Attribute):
        yield Use(node, "works", dotted, f"lazygraph.{dotted.removeprefix('dask.')}")
        return
    for known, (kind, text) in _STAYS.items():
        if dotted == known or dotted.startswith(f"{known}."):
            yield Use(node, kind, dotted, text)
            return
    if dotted.startswith(tuple(f"dask.{each}." for each in _COLLECTIONS)):
        yield Use(node, "stays", dotted, "Dask's collections and lazy values take each other")


def _of_call(node: ast.Call, names: Bindings) -> Iterator[Use]:
    dotted = names.dotted(node.func)
    if dotted in _KEYWORDS:
        yield from _keywords(node, dotted, _KEYWORDS[dotted])
    if dotted == "dask.visualize" and not _names_file(node, 0):
        yield Use(node, "note", dotted, "writes no file without filename=; it returns the drawing")
    if dotted == "dask.config.set" and _sets_what_runs(node):
        text = "sets what runs Dask's collections alone: lazygraph.config.set(...) for lazy values"
        yield Use(node, "manual", dotted, text)
    if dotted in _CLIENTS:
        text = (
            "does not become what computes run on by itself: compute(scheduler=client), "
            'or lazygraph.config.set(scheduler="distributed")'
        )
        yield Use(node, "manual", dotted, text)
    if isinstance(node.func, ast.Attribute) and not dotted and _is_lazy_value(node.func, names):
        method = node.func.attr
        if method in _METHODS:
            yield from _keywords(node, f".{method}", _METHODS[method])
        if method == "visualize" and not _names_file(node, len(node.args)):
            yield Use(node, "note", ".visualize", "writes no file without a name")
    if names.is_lazy(node.func):
        yield from _arguments(node)


def _keywords(node: ast.Call, use: str, known: set[str]) -> Iterator[Use]:
    for keyword in node.keywords:
        if keyword.arg is not None and keyword.arg not in known:
            text = f"has no keyword {keyword.arg!r} here: an error, where Dask may ignore it"
            yield Use(node, "manual", use, text)


def _names_file(node: ast.Call, n_places: int) -> bool:
    """Whether a call names a file, by the keyword or, of a method, by position."""
    return n_places > 0 or any(keyword.arg == "filename" for keyword in node.keywords)


def _is_lazy_value(func: ast.Attribute, names: Bindings) -> bool:
    """Whether a method is called of what is lazy at a glance: ``f(x).compute()``."""
    value = func.value
    if isinstance(value, ast.Name):
        return value.id in names.lazy_values
    return isinstance(value, ast.Call) and names.is_lazy(value.func)


def _sets_what_runs(node: ast.Call) -> bool:
    """Whether a call of ``config.set`` names a scheduler, as far as can be read."""
    keys = {keyword.arg for keyword in node.keywords}
    for given in node.args:
        if isinstance(given, ast.Dict):
            keys |= {
                key.value
                for key in given.keys
                if isinstance(key, ast.Constant) and isinstance(key.value, str)
            }
    return bool(keys & _RUNNERS)


def _arguments(node: ast.Call) -> Iterator[Use]:
    for arg in [*node.args, *[keyword.value for keyword in node.keywords]]:
        is_built = isinstance(arg, ast.Call) and isinstance(arg.func, ast.Name)
        name = arg.func.id if is_built else ""  # type: ignore[attr-defined]
        if isinstance(arg, ast.GeneratorExp) or name in _READ_ONCE:
            what = name or "a generator"
            text = "can be read only once: give a list, or lazygraph.literal(...)"
            yield Use(node, "manual", f"{what} as an argument", text)
