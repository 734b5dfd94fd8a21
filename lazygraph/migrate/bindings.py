"""A file's syntax tree -> which of its names are Dask's, and by which statements."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

__all__ = ["MOVED", "Bindings", "bindings_of"]

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
        Statements that bind the module `dask` itself.
    stars : list of ImportFrom
        ``from dask import *``.
    lazy_functions : set of str
        Names of functions that were made lazy.
    """

    modules: dict[str, str] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    from_imports: list[ast.ImportFrom] = field(default_factory=list)
    imports: list[ast.Import] = field(default_factory=list)
    stars: list[ast.ImportFrom] = field(default_factory=list)
    lazy_functions: set[str] = field(default_factory=set)

    def dotted(self, node: ast.expr) -> str:
        """What an expression of names and dots means: ``d.config.set`` -> "dask.config.set"."""
        names: list[str] = []
        while isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
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
    """What the imports of a file bind, wherever they stand."""
    found = Bindings()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                _read_import(found, node)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                _read_from(found, node)
    for tree in trees:
        for node in ast.walk(tree):
            _read_lazy(found, node)
    return found


def _read_import(found: Bindings, node: ast.Import) -> None:
    for alias in node.names:
        root = alias.name.split(".")[0]
        if root not in {"dask", "distributed"}:
            continue
        found.modules[alias.asname or root] = alias.name if alias.asname else root
        if alias.name == "dask":
            found.imports.append(node)


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
