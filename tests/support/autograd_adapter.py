"""Names of autograd's -> this library's gradient functions: a pytest plugin to run its tests by.

`benchmarks/autograd_suite.py` says how. Nothing of autograd is in here, nor has it to be installed.
"""

from __future__ import annotations

import itertools
import sys
import types
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lazygraph as lg
from lazygraph import autodiff
from lazygraph.autodiff import autograd_rows
from lazygraph.tasks.treedef import tree_flatten

#: What autograd promises beside derivatives, which has no like here.
_INTERNALS = "its own boxes, spaces, primitives or graphs, which are not a user's derivatives"


class _Missing:
    """A name of autograd's that nothing stands for here: its use skips the test."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *_args: Any, **_kwargs: Any) -> Any:
        pytest.skip(f"{self._name}: {_INTERNALS}", allow_module_level=True)

    def __getattr__(self, name: str) -> Any:
        return _absent(f"{self._name}.{name}")

    __getitem__ = __iter__ = __call__


def _primals(args: tuple[Any, ...], argnum: Any) -> tuple[list[int], list[Any]]:
    nums = list(argnum) if isinstance(argnum, (tuple, list)) else [argnum]
    return nums, [args[n] for n in nums]


def _check_grads(
    fun: Callable[..., Any], argnum: Any = 0, modes: Any = ("fwd", "rev"), order: int = 2
) -> Callable[..., None]:
    """Compare derivatives with differences of the function itself."""

    def checked(*args: Any, **kwargs: Any) -> None:
        nums, primals = _primals(args, argnum)
        leaves, treedef = tree_flatten(primals)

        def called(*given: Any) -> Any:
            filled = list(args)
            for n, value in zip(nums, treedef.unflatten(list(given)), strict=True):
                filled[n] = value
            parts = tree_flatten(fun(*filled, **kwargs))[0]
            return parts[0] if len(parts) == 1 else np.concatenate([np.ravel(p) for p in parts])

        lazies = [lg.delayed(float(leaf) if type(leaf) is int else leaf) for leaf in leaves]
        lg.check_grads(lg.delayed(called)(*lazies), lazies, order=order, scheduler="synchronous")

    return checked


def _combo_check(fun: Any, *args: Any, **settings: Any) -> Callable[..., None]:
    def combined(*choices: Any, **named: Any) -> None:
        options = [[(name, value) for value in values] for name, values in named.items()]
        for chosen in itertools.product(*choices):
            for kwargs in itertools.product(*options):
                _check_grads(fun, *args, **settings)(*chosen, **dict(kwargs))

    return combined


def _by_argnum(transform: Any) -> Any:
    def made(fun: Any = None, argnum: Any = 0, **others: Any) -> Any:
        return transform(fun, argnums=argnum, **others)

    return made


def _made_vjp(fun: Any, argnum: Any = 0) -> Any:
    def at(*args: Any, **kwargs: Any) -> Any:
        value, pulled = lg.vjp(lambda x: fun(*_with(args, argnum, x), **kwargs), args[argnum])
        return (lambda ct: pulled(ct)[0]), value

    return at


def _made_jvp(fun: Any, argnum: Any = 0) -> Any:
    def at(*args: Any, **kwargs: Any) -> Any:
        return lambda v: lg.jvp(
            lambda x: fun(*_with(args, argnum, x), **kwargs), (args[argnum],), (v,)
        )

    return at


def _with(args: tuple[Any, ...], argnum: int, value: Any) -> list[Any]:
    return [value if n == argnum else arg for n, arg in enumerate(args)]


def _elementwise(fun: Any, argnum: Any = 0) -> Any:
    def at(*args: Any, **kwargs: Any) -> Any:
        pulled, value = _made_vjp(fun, argnum)(*args, **kwargs)
        return pulled(np.ones(np.shape(value), np.result_type(value))[()])

    return at


def _hvp(fun: Any, argnum: Any = 0) -> Any:
    def at(*args: Any, **kwargs: Any) -> Any:
        *given, v = args
        slope = lg.grad(fun, argnums=argnum)

        def along(x: Any) -> Any:
            found = slope(*_with(tuple(given), argnum, x), **kwargs)
            return np.tensordot(found, v, np.ndim(v))

        return lg.grad(along)(given[argnum])

    return at


def _close(a: Any, b: Any) -> Any:
    return abs(a - b) < 1e-6 or abs(a - b) / abs(a + b) < 1e-6


def _equivalent(a: Any, b: Any) -> None:
    for one, other in zip(tree_flatten(a)[0], tree_flatten(b)[0], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


NAMES: dict[str, dict[str, Any]] = {
    "autograd": {
        "grad": _by_argnum(lg.grad),
        "value_and_grad": _by_argnum(lg.value_and_grad),
        "jacobian": _by_argnum(lg.jacobian),
        "hessian": _by_argnum(lg.hessian),
        "holomorphic_grad": lambda f, argnum=0: lg.grad(f, argnums=argnum, holomorphic=True),
        "elementwise_grad": _elementwise,
        "deriv": lambda f, argnum=0: (
            lambda *a, **k: _made_jvp(f, argnum)(*a, **k)(np.ones(np.shape(a[argnum]))[()])[1]
        ),
        "make_vjp": _made_vjp,
        "make_jvp": _made_jvp,
        "hessian_vector_product": _hvp,
        "hessian_tensor_product": _hvp,
        "checkpoint": autodiff.remat if hasattr(autodiff, "remat") else _Missing("checkpoint"),
        **{kind.__name__: kind for kind in (tuple, list, dict)},
        "isinstance": isinstance,
    },
    "autograd.test_util": {
        "check_grads": _check_grads,
        "combo_check": _combo_check,
        "scalar_close": _close,
        "check_equivalent": _equivalent,
    },
    "autograd.builtins": {
        **{kind.__name__: kind for kind in (tuple, list, dict)},
        "isinstance": isinstance,
    },
    **{
        f"autograd.{name}": {} for name in ("core", "tracer", "extend", "misc", "wrap_util", "util")
    },
}

#: Modules of autograd's that stand for NumPy's and SciPy's.
_PLAIN = [
    "numpy", "numpy.linalg", "numpy.fft", "numpy.random", "scipy", "scipy.linalg", "scipy.signal",
    "scipy.special", "scipy.stats", "scipy.integrate", "scipy.stats.multivariate_normal",
]  # fmt: skip


def _module(name: str, names: dict[str, Any]) -> types.ModuleType:
    made = types.ModuleType(name)
    made.__path__ = []
    vars(made).update(names)
    vars(made).setdefault("__getattr__", lambda missing: _absent(f"{name}.{missing}"))
    return made


def _absent(name: str) -> Any:
    if name.rpartition(".")[2].startswith("__"):
        raise AttributeError(name)
    return _Missing(name)


def _plain(name: str) -> dict[str, Any]:
    owner, _, last = name.rpartition(".")
    found = getattr(import_module(owner), last) if last == "multivariate_normal" else None
    module = import_module(name) if found is None else found
    names = {each: getattr(module, each) for each in dir(module) if not each.startswith("__")}
    if name == "scipy.special":
        names["logsumexp"] = autodiff.logsumexp
    return names


def _install() -> None:
    autograd_rows._autograd()  # the real one, if it is there, is asked once and kept
    for part in ("special", "linalg", "signal", "integrate", "stats"):
        autograd_rows._with_scipy(part)
    for name in [name for name in sys.modules if name.split(".")[0] == "autograd"]:
        del sys.modules[name]
    names = NAMES | {f"autograd.{name}": _plain(name) for name in _PLAIN}
    for name, held in names.items():
        sys.modules[name] = _module(name, held)
    for name in sorted(names):
        owner, _, last = name.rpartition(".")
        if owner:
            setattr(sys.modules[owner], last, sys.modules[name])


# ------------------------------------------------------------------ the plugin
_FOUND: dict[str, Counter[str]] = {}
_REASONS: Counter[str] = Counter()


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--no-autograd"):
        autograd_rows._autograd = lambda: None
    _install()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-autograd", action="store_true", help="as if it were not installed")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or report.outcome == "skipped" or report.failed:
        file = Path(report.location[0]).name
        _FOUND.setdefault(file, Counter())[report.outcome] += 1
        if report.outcome == "skipped" and isinstance(report.longrepr, tuple):
            _REASONS[f"{file}: {report.longrepr[2]}"] += 1


def pytest_terminal_summary(terminalreporter: Any) -> None:
    write = terminalreporter.write_line
    write(f"{'file':24}{'passed':>8}{'failed':>8}{'out of scope':>14}")
    for file, found in sorted(_FOUND.items()):
        write(f"{file:24}{found['passed']:8}{found['failed']:8}{found['skipped']:14}")
    total: Counter[str] = sum(_FOUND.values(), Counter())
    in_scope = total["passed"] + total["failed"]
    write(
        f"{total['passed']} of {in_scope} in scope: {100 * total['passed'] / max(in_scope, 1):.1f} %"
    )
    for reason, n in sorted(_REASONS.items()):
        write(f"out of scope, {n}: {reason}")
