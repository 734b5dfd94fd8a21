"""One call not yet made: its function, and its arguments as leaves and a template."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import CodeType
from typing import Any, NamedTuple

from lazygraph.errors import CaptureError
from lazygraph.tasks.callsites import site_text
from lazygraph.tasks.function import Function
from lazygraph.tasks.keys import Key
from lazygraph.tasks.options import GRADIENT_OPTIONS, NO_OPTIONS, Options
from lazygraph.tasks.pytree import LAZY, Template, flatten, register_lazy
from lazygraph.tasks.reprs import short_call
from lazygraph.tasks.tokens import ASKED, KEY, VALUE, ContentKey, ContentKeys, Tokens

__all__ = ["Call", "Ref", "Task", "content_key"]


class Ref(NamedTuple):
    """An argument that stands for the result of the task named `key`."""

    key: Key


register_lazy(Ref)


class Call:
    """What a task in a graph and a lazy value in the user's hands have in common.

    Underscored throughout, since a lazy value's public attributes belong to the user.
    """

    # code and lasti: the caller's code object and its instruction, 0.1 us to record; file
    # and line are worked out when an error or a drawing asks.
    __slots__ = ("_code", "_function", "_lasti", "_leaves", "_template")

    _function: Function
    _leaves: tuple[Any, ...]
    _template: Template | None
    _code: CodeType | str | None
    _lasti: int

    def _site(self) -> str | None:
        return site_text(self._code, self._lasti)

    def _arguments(self, leaves: tuple[Any, ...]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if self._template is None:
            return leaves, {}
        args, kwargs = self._template.build(leaves)
        return tuple(args), kwargs


def content_key(
    contents: ContentKeys, call: Call, reference: type, key_of: Callable[[Any], Key]
) -> ContentKey:
    """Return the key that all equal calls have.

    Parameters
    ----------
    reference
        The type of leaves that stand for results.
    key_of
        Gives the key that such a leaf stands for.
    """
    function = call._function
    parts = [
        (KEY, key_of(leaf)) if type(leaf) is reference else (VALUE, leaf) for leaf in call._leaves
    ]
    if function.options is not NO_OPTIONS:  # what is asked of one is not of the other
        asked = function.options.without(GRADIENT_OPTIONS)
        if asked != NO_OPTIONS:
            parts.append((ASKED, asked))
    return contents.key(function.name, function.func, call._template, parts)


class Task(Call):
    """A function and its arguments, not yet called; immutable.

    Parameters
    ----------
    func : callable
        What will be called.
    args : tuple
        Positional arguments, nested as one likes; a `Ref` in them stands for a result.
    kwargs : mapping, optional
        Keyword arguments, likewise.
    pure : bool
        Equal arguments give equal results, so that equal tasks may be merged.
    options : Options, optional
        What is asked for this call.

    Raises
    ------
    CaptureError
        If `func` cannot be called, or an argument is a `Delayed` (refer to it by key).

    Notes
    -----
    Tasks are equal if their calls are, as those of pure tasks: the same function or one of the
    same code, equal arguments of the same types, equal options; wherever they were captured.

    Examples
    --------
    >>> task = Task(max, ([Ref("x"), 3],), {"default": Ref("y")})
    >>> task
    Task(max([Ref(key='x'), 3], default=Ref(key='y')))
    >>> task.dependencies
    ('x', 'y')
    """

    __slots__ = ()

    def __init__(
        self,
        func: Callable[..., Any],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        pure: bool = False,
        options: Options = NO_OPTIONS,
    ) -> None:
        if not callable(func):
            raise CaptureError(f"a task calls its function, but {func!r} is not callable")
        leaves, template = flatten(args, dict(kwargs or {}))
        for leaf in leaves:
            if type(leaf) in LAZY and type(leaf) is not Ref:
                raise CaptureError(f"a task's argument is {leaf!r}: give Ref({leaf.key!r})")
        self._set(Function(func, pure=pure, options=options), leaves, template)

    def _set(
        self,
        function: Function,
        leaves: tuple[Any, ...],
        template: Template | None,
        code: CodeType | str | None = None,
        lasti: int = 0,
    ) -> None:
        put = object.__setattr__
        put(self, "_function", function)
        put(self, "_leaves", leaves)
        put(self, "_template", template)
        put(self, "_code", code)
        put(self, "_lasti", lasti)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a Task is immutable: {name!r} cannot be set")

    def __repr__(self) -> str:
        return f"Task({short_call(self.name, self.args, self.kwargs)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return make_task, (self._function, self._leaves, self._template, self._site())

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        """Return what makes tasks equal: all but the place where they were captured."""
        function = self._function
        parts = (function.func, function.name, function.pure, function.nout, function.options)
        return (*parts, self._leaves, self._template)

    def __eq__(self, other: object) -> bool:
        if type(other) is not Task:
            return NotImplemented
        if self is other:
            return True
        tokens = Tokens()
        return hash(self) == hash(other) and tokens.token(self) == tokens.token(other)

    def __hash__(self) -> int:
        # Of what equal tasks share and nothing can change: literals may.
        return hash((self.name, self.pure, len(self._leaves), *self._refs()))

    @property
    def func(self) -> Callable[..., Any]:
        """What will be called."""
        return self._function.func

    @property
    def name(self) -> str:
        """The function's name."""
        return self._function.name

    @property
    def pure(self) -> bool:
        """Whether equal tasks may be merged."""
        return self._function.pure

    @property
    def options(self) -> Options:
        """What is asked for this call."""
        return self._function.options

    @property
    def args(self) -> tuple[Any, ...]:
        """Positional arguments, with a `Ref` where a result will stand."""
        return self._arguments(self._leaves)[0]

    @property
    def kwargs(self) -> dict[str, Any]:
        """Keyword arguments, likewise."""
        return self._arguments(self._leaves)[1]

    @property
    def dependencies(self) -> tuple[Key, ...]:
        """The keys whose results it needs, each once, in order of appearance."""
        return tuple(dict.fromkeys(self._refs()))

    @property
    def site(self) -> str | None:
        """``file:line`` where the call was captured."""
        return self._site()

    def _refs(self) -> Iterator[Key]:
        return (leaf.key for leaf in self._leaves if type(leaf) is Ref)

    def with_leaves(self, leaves: tuple[Any, ...]) -> Task:
        """Return the same call with other leaves in the same places."""
        return make_task(self._function, leaves, self._template, self._code, self._lasti)


def make_task(
    function: Function,
    leaves: tuple[Any, ...],
    template: Template | None,
    code: CodeType | str | None = None,
    lasti: int = 0,
) -> Task:
    """Return a task from parts that are already taken apart."""
    task = object.__new__(Task)
    task._set(function, leaves, template, code, lasti)
    return task


class Built:
    """A function that takes flat leaves: builds its nested arguments from them first."""

    __slots__ = ("func", "template")

    def __init__(self, func: Callable[..., Any], template: Template) -> None:
        self.func, self.template = func, template

    def __call__(self, /, *leaves: Any) -> Any:
        args, kwargs = self.template.build(leaves)
        return self.func(*args, **kwargs)

    def __repr__(self) -> str:
        return f"Built({self.func!r})"


def flat_call(call: Call) -> Callable[..., Any]:
    """Return what to call with the values of the call's leaves."""
    func = call._function.func
    return func if call._template is None else Built(func, call._template)
