"""A file's syntax tree -> which of its names are Dask's, and by which statements."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["MOVED", "Bindings", "bindings_of", "named_in_strings"]

#: What `lazygraph` has by the same name.
MOVED = {"delayed", "compute", "persist", "optimize", "visualize"}
#: The same of the module `dask.delayed`.
_MOVED_OF_DELAYED = {"delayed", "Delayed"}
MOVED_FROM = {"dask": MOVED, "dask.delayed": _MOVED_OF_DELAYED, "dask.base": MOVED - {"delayed"}}


@dataclass
class Bindings:
    """What imports have bound.

    Attributes
    ----------
    modules : dict of str to str
        A name that is a module of Dask's: "da" -> "dask.array".
    moved : dict of str to str
        A name that is one of those that move: "d" -> "delayed".
    from_imports : list of ImportFrom
        Statements with names that move.
    imports : list of Import
        Statements that bind the module `dask`, by itself or by way of a module in it, or its
        function `delayed`.
    stars : list of ImportFrom
        ``from dask import *``.
    lazy_functions : set of str
        Names of functions that were made lazy.
    lazy_values : set of str
        Names of nothing but results of such functions.
    others : set of int
        Identities of the nodes whose name is a function's own: a parameter, or assigned there.
    """

    modules: dict[str, str] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    from_imports: list[ast.ImportFrom] = field(default_factory=list)
    imports: list[ast.Import] = field(default_factory=list)
    stars: list[ast.ImportFrom] = field(default_factory=list)
    lazy_functions: set[str] = field(default_factory=set)
    lazy_values: set[str] = field(default_factory=set)
    others: set[int] = field(default_factory=set)

    def dotted(self, node: ast.expr) -> str:
        """Return what an expression of names and dots means: ``d.config.set`` -> "dask.config.set"."""
        names: list[str] = []
        while isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or id(node) in self.others:
            return ""
        root = self.modules.get(node.id) or (
            f"dask.{self.moved[node.id]}" if node.id in self.moved else ""
        )
        return ".".join([root, *reversed(names)]) if root else ""

    def is_lazy(self, func: ast.expr) -> bool:
        """Whether a call of an expression is a task: ``delayed(f)``, or what was decorated."""
        if isinstance(func, ast.Name):
            return func.id in self.lazy_functions
        return isinstance(func, ast.Call) and self.dotted(func.func) == "dask.delayed"


def bindings_of(trees: list[ast.Module]) -> Bindings:
    """Return what the imports of a file bind, wherever they stand."""
    found = Bindings()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                _read_import(found, node)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                _read_from(found, node)
    nodes = [node for tree in trees for node in ast.walk(tree)]
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            found.others |= _others(node, found)
    for node in nodes:
        _read_lazy(found, node)
    found.lazy_values = _lazy_values(nodes, found)
    return found


def _others(
    function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, found: Bindings
) -> set[int]:
    """Return the nodes in a function whose name an import has bound, but the function binds anew."""
    body = function.body if isinstance(function.body, list) else [function.body]
    inner = [node for statement in body for node in ast.walk(statement)]
    own = {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
    imported: set[str] = set()
    for node in inner:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.add(node.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            imported |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            imported |= set(node.names)
    own = (own & (found.modules.keys() | found.moved.keys())) - imported
    return {id(node) for node in inner if isinstance(node, ast.Name) and node.id in own}


def _lazy_values(nodes: list[ast.AST], found: Bindings) -> set[str]:
    """Names to which nothing is ever assigned but calls of lazy functions."""
    lazy: Counter[str] = Counter()
    for node in nodes:
        value = node.value if isinstance(node, ast.Assign) else None
        if isinstance(value, ast.Call) and found.is_lazy(value.func):
            lazy.update(target.id for target in node.targets if isinstance(target, ast.Name))  # type: ignore[attr-defined]
    stored = Counter(
        n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    )
    parameters = {node.arg for node in nodes if isinstance(node, ast.arg)}
    return {name for name, n in lazy.items() if stored[name] == n} - parameters


def named_in_strings(tree: ast.Module, found: Bindings) -> Iterator[tuple[ast.Constant, str]]:
    """Yield strings that name the module `dask`, or what is in it: of `__all__`, `mock.patch`, types."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            names = node.value.split(".")
            if found.modules.get(names[0]) == "dask" and all(map(str.isidentifier, names)):
                yield node, node.value


def _read_import(found: Bindings, node: ast.Import) -> None:
    for alias in node.names:
        root = alias.name.split(".")[0]
        if root not in {"dask", "distributed"}:
            continue
        if is_function(alias):
            found.moved[alias.asname or ""] = "delayed"
        else:
            found.modules[alias.asname or root] = alias.name if alias.asname else root
        if node not in found.imports and (binds_dask(alias) or is_function(alias)):
            found.imports.append(node)


def is_function(alias: ast.alias) -> bool:
    """Whether it is ``import dask.delayed as d``, which gives the function of that name."""
    return alias.name == "dask.delayed" and alias.asname is not None


def binds_dask(alias: ast.alias) -> bool:
    """Whether an import gives a name to the module `dask`: also ``import dask.array`` does."""
    return alias.name == "dask" or (alias.name.startswith("dask.") and alias.asname is None)


def _read_from(found: Bindings, node: ast.ImportFrom) -> None:
    module = node.module or ""
    if module.split(".")[0] not in {"dask", "distributed"}:
        return
    moving = MOVED_FROM.get(module, set())
    for alias in node.names:
        name = alias.asname or alias.name
        if alias.name == "*":
            found.stars.append(node)
        elif alias.name in moving:
            found.moved[name] = alias.name
            if node not in found.from_imports:
                found.from_imports.append(node)
        else:
            found.modules[name] = f"{module}.{alias.name}"


def _read_lazy(found: Bindings, node: ast.AST) -> None:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        for decorator in node.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if found.dotted(called) == "dask.delayed":
                found.lazy_functions.add(node.name)
    elif isinstance(node, ast.Assign) and found.is_lazy(node.value):
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        found.lazy_functions.update(names)
