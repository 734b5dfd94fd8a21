"""Lazy values of inputs -> a function of the inputs' values, planned once: `function`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from lazygraph import config
from lazygraph.api.visualize import visualize
from lazygraph.errors import CaptureError, InputError, StructureError
from lazygraph.graphs.compile import plan_of
from lazygraph.graphs.inputs import (
    Input,
    Unbound,
    declared_inputs,
    inputs_of,
    name_of,
    refuse_lazy,
    refuse_unknown,
)
from lazygraph.graphs.nodes import Node
from lazygraph.randomness import current_seed
from lazygraph.run import Lazies, Run, read_run_options
from lazygraph.schedulers.explain import short_traceback, shortened
from lazygraph.schedulers.synchronous import Synchronous
from lazygraph.tasks.operators import value_of
from lazygraph.tasks.options import RunOptions
from lazygraph.tasks.pytree import LAZY
from lazygraph.tasks.reprs import counted, short_repr
from lazygraph.tasks.treedef import tree_flatten
from lazygraph.viz import Drawing

if TYPE_CHECKING:
    from inspect import Signature

    from lazygraph.viz.look import PictureOptions

__all__ = ["GraphFunction", "function"]


@short_traceback
def function(params: Any, outputs: Any, **options: Unpack[RunOptions]) -> GraphFunction:
    """Make a function that runs a graph, planned once, for the values of inputs.

    Parameters
    ----------
    params : list or tuple of parameters, or one parameter
        A parameter is an input (see `lazygraph.inputs`), or containers of such, nested: lists,
        tuples, dicts, dataclasses, namedtuples, classes of `register_container`. Its value then
        is nested likewise, as a dict of weights is.
    outputs : Delayed, or lists, tuples, dicts, ... of such
        What a call returns, with values in the places of lazy values.
    **options
        Of every call, as for `compute`: ``scheduler``, ``num_workers``, ``observers``,
        ``on_error``, ``limits``, ``seed``, ``check_finite``.

    Returns
    -------
    GraphFunction
        To be called with values by position, or by the inputs' names.

    Raises
    ------
    InputError
        If a parameter is no input, or stands twice, or the outputs need an input without a
        default that is no parameter.
    CaptureError
        If there is no lazy value among the outputs.
    OptionError
        For a keyword that is none of these, or a bad value of one.

    Notes
    -----
    A call costs 1 us, and 0.1 to 0.3 us a task, with ``scheduler="synchronous"``; by default it
    runs on what `config` says, which are threads (0.1 ms a call).

    Examples
    --------
    >>> import lazygraph
    >>> x, y, z = lazygraph.inputs("x y z")
    >>> fn = function([x, y, z], (x + y) * z)
    >>> fn(1, 2, 3), fn(1, z=3, y=2)
    (9, 9)
    """
    return GraphFunction(params, outputs, **options)


class GraphFunction:
    """A graph as a function of its inputs' values; made by `lazygraph.function`.

    It can be called from several threads at once, pickled, and drawn. Attributes are its own.

    Examples
    --------
    >>> import lazygraph
    >>> x = lazygraph.inputs("x")
    >>> double = function([x], x * 2)
    >>> double(3), double
    (6, <lazygraph.function(x) of 2 tasks>)
    """

    def __init__(self, params: Any, outputs: Any, **options: Unpack[RunOptions]) -> None:
        if "inputs" in options:
            raise InputError("the values of inputs are what a function is called with")
        self._given = params, outputs, options
        given = params if isinstance(params, (list, tuple)) else [params]
        self._params = list(map(_Param, given))
        self._lazies = Lazies((outputs,))
        nodes: list[Node] = self._lazies.nodes
        if not nodes:
            raise CaptureError(f"there is no lazy value among the outputs {short_repr(outputs)}")
        self._is_one = outputs is nodes[0]
        plan = plan_of(nodes)
        places = inputs_of(plan)
        # Their values are there when it runs: nothing is to be checked.
        self._plan = plan.with_funcs([value_of if type(f) is Input else f for f in plan.funcs])
        names = [name for param in self._params for name in param.names]
        _check_names(names, places, self._plan.constants)
        #: By name, where its value goes among a run's values; None if no output needs it.
        self._slots = {name: self._slot(places, name) for name in names}
        #: The inputs of a known shape or dtype, each with its slot.
        self._declared = [(func, -1 - place) for func, place in declared_inputs(plan)]
        self._blank = self._plan.blank_values()
        #: The slots of the parameters, if each is an input that is needed: the common call.
        self._flat = [slot for slot in self._slots.values() if slot is not None]
        self._is_flat = all(p.is_one for p in self._params) and len(self._flat) == len(self._params)
        self._options = options
        read_run_options("function", options)  # says now what is wrong with them
        self._plan.last_use  # noqa: B018  # found out now: threads may call at once
        self._settings: Any = None
        self._is_quick = False

    @staticmethod
    def _slot(places: Mapping[str, int], name: str) -> int | None:
        return -1 - places[name] if name in places else None

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Run the graph for these values of the parameters; return its outputs.

        Parameters
        ----------
        *args, **kwargs
            The parameters' values, by position or by the inputs' names.

        Raises
        ------
        InputError
            If a value is missing, given twice, lazy, or of another structure than its parameter, or
            of another shape or dtype than declared.
            Whether a value holds something lazy is not looked into, unlike in `compute`: it would
            cost more than the call.
        Exception
            What the first task to fail raised, as `compute`.
        """
        with shortened:
            values = self._blank.copy()
            if kwargs or not self._is_flat or len(args) != len(self._flat):
                self._put(values, args, kwargs)
            else:
                if not LAZY.isdisjoint(map(type, args)):
                    _refuse_lazy(zip(self._slots, args, strict=True))
                for slot, value in zip(self._flat, args, strict=True):
                    values[slot] = value
            for func, slot in self._declared:
                func.check(values[slot])
            # Inside a task that draws by a seed, what runs here draws by that seed's places.
            if self._is_quick and self._settings is config.settings() and current_seed() is None:
                results = Synchronous.run_values(self._plan, values)
            else:
                results = self._run(values)
            return results[0] if self._is_one else self._lazies.fill(results)[0]

    def _run(self, values: list[Any]) -> list[Any]:
        settings, run = config.settings(), Run("function", self._options)
        # Looked up anew when the defaults have changed; the quick way needs no other look.
        self._settings, self._is_quick = settings, self._can_be_quick(run)
        n = len(self._plan)
        return run.planned(self._plan.with_constants(values[n:][::-1]))

    def _can_be_quick(self, run: Run) -> bool:
        """Whether nothing is asked of a run but results, on the caller's thread."""
        is_here = run.is_plain and isinstance(run.scheduler, Synchronous)
        return is_here and not self._plan.is_controlled

    def _put(self, values: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if len(args) > len(self._params):
            raise InputError(
                f"too many values: {len(args)}, for {counted(len(self._params), 'parameter')}: {self}"
            )
        refuse_unknown(kwargs, self._slots)
        given: dict[str, Any] = {}
        for param, value in zip(self._params, args, strict=False):
            given.update(param.named(value))
        for name, value in kwargs.items():
            if name in given:
                raise InputError(f"input {name!r} is given twice, by position and by name")
            given[name] = value
        _refuse_lazy(given.items())
        for name, slot in self._slots.items():
            if slot is not None and name in given:
                values[slot] = given[name]
        missing = [n for n, slot in self._slots.items() if self._is_missing(n, slot, given)]
        if missing:
            raise InputError.missing(missing, list(self._slots))

    def _is_missing(self, name: str, slot: int | None, given: Mapping[str, Any]) -> bool:
        return name not in given and slot is not None and type(self._blank[slot]) is Unbound

    @short_traceback
    def visualize(self, filename: Any = None, **options: Unpack[PictureOptions]) -> Drawing:
        """Draw the graph; see `lazygraph.visualize`."""
        return visualize(self._given[1], filename=filename, **options)

    @property
    def __signature__(self) -> Signature:
        from inspect import Parameter, Signature  # late: it takes 6 ms to import

        kind = Parameter.POSITIONAL_OR_KEYWORD
        params = enumerate(self._params, 1)
        names = [p.names[0] if p.is_one else f"param{n}" for n, p in params]
        return Signature([Parameter(name, kind) for name in names])

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self._params))
        return f"<lazygraph.function({shown}) of {counted(len(self._plan), 'task')}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _remake, self._given


def _remake(params: Any, outputs: Any, options: dict[str, Any]) -> GraphFunction:
    return GraphFunction(params, outputs, **options)


class _Param:
    """A parameter: names of inputs, nested as its value is."""

    def __init__(self, given: Any) -> None:
        leaves, self.treedef = tree_flatten(given)
        self.names = list(map(_name, leaves))
        self.is_one = name_of(given) is not None

    def named(self, value: Any) -> Iterator[tuple[str, Any]]:
        """Return the inputs with their values."""
        try:
            return zip(self.names, self.treedef.flatten_up_to(value), strict=True)
        except StructureError as error:
            raise InputError(str(error)) from None

    def __repr__(self) -> str:
        return repr(self.treedef.unflatten([_Bare(name) for name in self.names]))


class _Bare(str):
    """A name that is shown without quotes."""

    __slots__ = ()
    __repr__ = str.__str__


def _name(leaf: Any) -> str:
    name = name_of(leaf)
    if name is None:
        raise InputError(
            f"a parameter is an input, or lists, tuples, dicts, ... of inputs, not "
            f"{short_repr(leaf)}: lazygraph.inputs('x y') makes inputs"
        )
    return name


def _refuse_lazy(given: Iterable[tuple[str, Any]]) -> None:
    """Raise InputError for a value that is lazy itself; what others hold is not looked into."""
    for name, value in given:
        if type(value) in LAZY:
            refuse_lazy(name, value)


def _check_names(names: Sequence[str], places: Mapping[str, int], constants: list[Any]) -> None:
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise InputError(f"input {twice[0]!r} stands twice among the parameters")
    needed = [name for name, place in places.items() if type(constants[place]) is Unbound]
    known = set(names)
    missing = [name for name in needed if name not in known]
    if missing:
        raise InputError.missing(missing, needed)
