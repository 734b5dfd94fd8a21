"""The house: floors, light import, public names, room sizes."""

from __future__ import annotations

import ast
import inspect
import re
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path

import lazygraph

HOUSE = Path(lazygraph.__file__).parent
ROOMS = sorted(HOUSE.rglob("*.py"))


def test_public_names_are_pinned() -> None:
    assert lazygraph.__all__ == [
        "Delayed",
        "DelayedFunction",
        "Failed",
        "Graph",
        "GraphFunction",
        "Options",
        "Ref",
        "Skipped",
        "Task",
        "acompute",
        "as_completed",
        "compute",
        "config",
        "delayed",
        "errors",
        "failures",
        "forget",
        "function",
        "get",
        "inputs",
        "is_delayed",
        "iterate",
        "literal",
        "observers",
        "optimize",
        "passes",
        "persist",
        "register_container",
        "replay",
        "rng",
        "schedulers",
        "visualize",
    ]
    assert all(hasattr(lazygraph, name) for name in lazygraph.__all__)


def test_gradients_come_with_numpy_when_first_asked_for() -> None:
    code = (
        "import sys, lazygraph; names = dir(lazygraph); before = 'numpy' in sys.modules; "
        "from lazygraph import grad, value_and_grad, vjp, jvp, jacobian, hessian, hvp; "
        "from lazygraph import check_grads, stop_gradient; "
        "print(before, 'grad' in names, 'numpy' in sys.modules, lazygraph.autodiff.grad is grad)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "False True True True\n"


def test_without_numpy_the_error_says_what_to_install() -> None:
    code = "import sys; sys.modules['numpy'] = None; import lazygraph; lazygraph.grad"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert "lazygraph.grad needs numpy: pip install 'lazygraph[grad]'" in shown.stderr


def test_import_is_light() -> None:
    code = (
        "import sys, lazygraph; from lazygraph import delayed, compute; "
        "compute(delayed(abs)(-1), scheduler='threads'); "
        "heavy = {'numpy', 'dask', 'graphviz', 'multiprocessing', 'cloudpickle', 'asyncio',"
        " 'subprocess', 'concurrent.futures', 'distributed'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"


def test_imports_point_down() -> None:
    command = [Path(sys.executable).parent / "lint-imports", "--config", "pyproject.toml"]
    shown = subprocess.run(command, capture_output=True, text=True, cwd=HOUSE.parent, check=False)
    assert "0 broken" in shown.stdout, shown.stdout + shown.stderr


def _layers() -> list[set[str]]:
    """The layers of the import contract, the highest first."""
    project = tomllib.loads((HOUSE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    contract = project["tool"]["importlinter"]["contracts"][0]
    return [
        {unit.strip().removeprefix("lazygraph.") for unit in re.split("[:|]", layer)}
        for layer in contract["layers"]
    ]


def _modules_imported(room: Path, modules: set[str]) -> set[str]:
    """The package's modules that a module imports, at the top or inside a function."""
    tree = ast.parse(room.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = [ast.Pass()]  # never executed
    named = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                named.add(inner if inner in modules else node.module)
    return named & modules


def _circles(needs: dict[str, set[str]]) -> list[set[str]]:
    """What reaches itself, by groups of what reaches each other; by plain search."""
    reached: dict[str, set[str]] = {}
    for start in needs:
        seen: set[str] = set()
        stack = [start]
        while stack:
            for name in needs[stack.pop()] - seen:
                seen.add(name)
                stack.append(name)
        reached[start] = seen
    groups = {frozenset({a, *(b for b in reached[a] if a in reached[b])}) for a in needs}
    return sorted((set(g) for g in groups if len(g) > 1), key=sorted)


def test_no_modules_import_each_other() -> None:
    def name_of(room: Path) -> str:
        parts = room.relative_to(HOUSE.parent).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    rooms = {name_of(room): room for room in ROOMS}
    needs = {name: _modules_imported(room, set(rooms)) for name, room in rooms.items()}
    assert _circles(needs) == []


def test_every_module_and_folder_is_on_a_layer() -> None:
    units = {
        entry.stem
        for entry in HOUSE.iterdir()
        if entry.suffix == ".py" or (entry / "__init__.py").exists()
    }
    assert units - {"__init__"} == set().union(*_layers())


def test_the_guide_and_the_package_tell_the_same_layers() -> None:
    guide = (HOUSE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = guide.split("| layer |")[1].split("\n\n")[0].splitlines()[2:]
    told = [set(re.findall("`([a-z_]+)`", row.split("|")[1])) for row in table]
    assert told == _layers()
    assert lazygraph.__doc__
    listed = re.findall("`([a-z_]+)`", lazygraph.__doc__.split("the lowest first:")[1])
    for layer in reversed(_layers()):
        assert set(listed[: len(layer)]) == layer
        del listed[: len(layer)]


def test_no_module_bears_the_name_of_a_public_function() -> None:
    stems = {room.stem for room in ROOMS if room.parent == HOUSE}
    functions = {n for n in lazygraph.__all__ if inspect.isfunction(getattr(lazygraph, n))}
    assert not stems & functions


def test_rooms_and_functions_are_small() -> None:
    lengths = []
    for room in ROOMS:
        source = room.read_text(encoding="utf-8")
        assert source.count("\n") < 400, f"{room.name} is long"
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                if body:
                    lengths.append(body[-1].end_lineno - body[0].lineno + 1)  # type: ignore[operator]
    assert statistics.median(lengths) < 8


def test_every_public_thing_has_a_docstring() -> None:
    for name in lazygraph.__all__:
        thing = getattr(lazygraph, name)
        assert inspect.getdoc(thing), name
        if inspect.isclass(thing):
            for attribute, value in vars(thing).items():
                if not attribute.startswith("_") and callable(value):
                    assert inspect.getdoc(value), f"{name}.{attribute}"


def test_only_their_own_rooms_import_numpy_and_dask_at_the_top() -> None:
    allowed = {
        "autodiff": {"numpy"},
        "train": {"numpy", "toolz"},
        "interop": {"dask", "toolz"},
        "demo": {"toolz"},
        "dask": {"dask", "distributed"},
    }
    for room in ROOMS:
        tree = ast.parse(room.read_text(encoding="utf-8"))
        own = allowed.get(room.parent.name, set()) | allowed.get(
            room.relative_to(HOUSE).parts[0], set()
        )
        for node in tree.body:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                named = (
                    [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module]
                )
                roots = {str(name).split(".")[0] for name in named}
                heavy = {"numpy", "dask", "distributed", "graphviz", "toolz"}
                assert not (roots - own) & heavy, room
