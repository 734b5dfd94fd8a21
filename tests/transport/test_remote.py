"""Exceptions between processes: same type, same story; never nothing, never for ever."""

from __future__ import annotations

import copyreg
import json
import pickle
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
import tasks
from hypothesis import given
from hypothesis import strategies as st

from lazygraph.errors import MissingKeyError, RemoteError
from lazygraph.transport.remote import from_wire, to_wire


def there_and_back(error: BaseException) -> BaseException:
    return from_wire(to_wire(error))


def caught(raise_it: Any) -> BaseException:
    try:
        raise_it()
    except BaseException as error:
        return error
    raise AssertionError("it does not raise")


def printed(error: BaseException) -> str:
    """As Python prints it, without the marks below parts of lines, which frames alone can tell."""
    lines = traceback.format_exception(error)
    return "".join(line for line in "".join(lines).splitlines(True) if set(line) - set(" |~^\n"))


class TwoArguments(Exception):  # noqa: N818
    """What pickle alone cannot rebuild: `args` is not what `__init__` takes."""

    def __init__(self, path: str, line: int) -> None:
        super().__init__(f"{path}, line {line}")
        self.path, self.line = path, line


class KeywordOnly(Exception):  # noqa: N818
    def __init__(self, *, code: int) -> None:
        super().__init__()
        self.code = code

    def __str__(self) -> str:
        return f"code {self.code}"


class OwnNew(Exception):  # noqa: N818
    def __new__(cls, first: int, *_: Any) -> Self:
        made = super().__new__(cls)
        made.first = first
        return made


class Slotted(Exception):  # noqa: N818
    __slots__ = ("__hidden", "empty", "seconds")

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        object.__setattr__(self, "seconds", seconds)
        object.__setattr__(self, "_Slotted__hidden", 7)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("frozen")

    @property
    def hidden(self) -> int:
        return self.__hidden


class OwnOSError(OSError):
    def __init__(self, *, host: str) -> None:
        super().__init__(111, "refused", host)
        self.host = host


class OwnReduce(Exception):  # noqa: N818
    """Leaves out what cannot be pickled."""

    def __init__(self, value: int) -> None:
        self.twice = 2 * value
        self.lock = threading.Lock()

    def __reduce__(self) -> Any:
        return OwnReduce, (self.twice // 2,)


class OwnState(Exception):  # noqa: N818
    def __init__(self, *, value: int) -> None:
        self.value = value

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.value = state["value"] + 100


class NeedsItsInit(Exception):  # noqa: N818
    """Attributes that are not its own to set."""

    def __init__(self) -> None:
        super().__init__("inner")

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("frozen")


KINDS = {
    "plain": ValueError("bad", 3),
    "none": KeyError(),
    "missing": MissingKeyError("a", "b", "c"),
    "two arguments": TwoArguments("x.py", 3),
    "keyword only": KeywordOnly(code=5),
    "own new": OwnNew(4, "more"),
    "slots": Slotted(0.5),
    "os": FileNotFoundError(2, "No such file", "name"),
    "os with two names": OSError(18, "cross", "a", None, "b"),
    "os without a number": OSError("text"),
    "own os": OwnOSError(host="example.org"),
    "blocking": BlockingIOError(11, "later", 5),
    "unicode": caught(b"\xff".decode),
    "json": caught(lambda: json.loads("[1,")),
    "syntax": caught(lambda: compile("a b", "file.py", "exec")),
    "import": ImportError("no", name="module", path="/there"),
    "stop": StopIteration(3),
    "exit": SystemExit(4),
    "interrupt": KeyboardInterrupt(),
    "frozen": NeedsItsInit(),
}


@pytest.mark.parametrize("error", KINDS.values(), ids=KINDS)
def test_an_exception_keeps_its_type_its_arguments_and_its_attributes(error: BaseException) -> None:
    back = there_and_back(error)
    assert type(back) is type(error)
    assert back.args == error.args
    assert str(back) == str(error)
    assert vars(back) == vars(error)
    for name in ("errno", "strerror", "filename", "filename2", "code", "value", "name", "path"):
        assert getattr(back, name, None) == getattr(error, name, None)


def test_what_lies_in_slots_and_in_c_comes_along() -> None:
    slotted = there_and_back(Slotted(0.5))
    assert (slotted.seconds, slotted.hidden, hasattr(slotted, "empty")) == (0.5, 7, False)
    syntax = there_and_back(KINDS["syntax"])
    assert (syntax.filename, syntax.lineno, syntax.text) == ("file.py", 1, "a b\n")
    assert there_and_back(KINDS["blocking"]).characters_written == 5
    unicode = there_and_back(KINDS["unicode"])
    assert (unicode.object, unicode.start, unicode.reason) == (b"\xff", 0, "invalid start byte")


def test_an_attribute_error_leaves_its_object_behind() -> None:
    lock = threading.Lock()
    back = there_and_back(caught(lambda: lock.missing))
    assert type(back) is AttributeError
    assert (back.name, back.obj) == ("missing", None)


def test_its_own_way_of_pickling_comes_first() -> None:
    back = there_and_back(OwnReduce(4))
    assert type(back) is OwnReduce
    assert back.twice == 8


def test_its_own_setstate_is_called() -> None:
    assert there_and_back(OwnState(value=1)).value == 101


def test_what_copyreg_says_of_a_class_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(copyreg.dispatch_table, TwoArguments, lambda error: (str, (error,)))
    assert there_and_back(TwoArguments("x", 1)).line == 1


def test_classes_without_a_name_of_their_own_come_along() -> None:
    class Local(Exception):  # noqa: N818
        pass

    assert type(there_and_back(Local(3))) is Local


def test_the_whole_story_prints_the_same() -> None:
    """Causes, contexts, suppressed contexts, notes, groups, frames of several files."""

    def fail_in_a_handler() -> None:
        try:
            tasks.fail("this")
        except ValueError:
            {}["missing"]

    def raise_from() -> None:
        try:
            fail_in_a_handler()
        except KeyError as error:
            error.__context__.add_note("first\nsecond")
            raise TwoArguments("a.py", 1) from error.__context__

    def raise_from_none() -> None:
        try:
            raise_from()
        except TwoArguments:
            raise TypeError from None

    def raise_group() -> None:
        raised = map(caught, [raise_from, raise_from_none, fail_in_a_handler])
        inner = ExceptionGroup("inner", [ValueError(1)])
        raise ExceptionGroup("several", list(raised)) from inner

    error = caught(raise_group)
    assert printed(there_and_back(error)) == printed(error)
    assert "tasks.py" in printed(error)
    assert "second" in printed(error)


def test_one_exception_in_two_roles_stays_one() -> None:
    def raise_it() -> None:
        try:
            tasks.fail(1)
        except ValueError as error:
            raise KeyError from error

    back = there_and_back(caught(raise_it))
    assert back.__cause__ is back.__context__
    assert back.__suppress_context__


def test_frames_show_file_line_name_and_module() -> None:
    back = there_and_back(caught(lambda: tasks.fail(1)))
    frames: list[Any] = []
    trace: TracebackType | None = back.__traceback__
    while trace is not None:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    assert [frame.f_code.co_name for frame in frames] == ["caught", "<lambda>", "fail"]
    assert Path(frames[-1].f_code.co_filename).name == "tasks.py"
    assert frames[-1].f_globals["__name__"] == "tasks"
    assert (
        traceback.extract_tb(back.__traceback__)[-1].line == 'raise ValueError(f"cannot use {x}")'
    )


def test_notes_that_its_own_pickling_forgets_come_along() -> None:
    error = json.JSONDecodeError("bad", "doc", 1)
    error.add_note("in file x")
    assert there_and_back(error).__notes__ == ["in file x"]


class OwnGroup(ExceptionGroup):  # type: ignore[type-arg]
    def __new__(cls, code: int, errors: Any) -> Self:
        made = super().__new__(cls, f"code {code}", errors)
        made.code = code
        return made

    def derive(self, errors: Any) -> OwnGroup:
        return OwnGroup(self.code, errors)


def test_groups_keep_their_class_and_the_members_that_can_be_rebuilt() -> None:
    unknown = RaisesOnLoading()
    back = there_and_back(OwnGroup(3, [OwnOSError(host="h"), unknown, OwnGroup(4, [KeyError(1)])]))
    assert type(back) is OwnGroup
    assert (back.code, back.message) == (3, "code 3")
    assert [type(back.exceptions[n]) for n in (0, 2)] == [OwnOSError, OwnGroup]
    assert isinstance(back.exceptions[1], RemoteError)
    assert back.exceptions[2].exceptions[0].args == (1,)
    matched, rest = back.split(OwnOSError)
    assert type(matched) is type(rest) is OwnGroup
    interrupts = there_and_back(BaseExceptionGroup("all", [KeyboardInterrupt(), SystemExit(1)]))
    assert type(interrupts) is BaseExceptionGroup


class RaisesOnLoading(Exception):  # noqa: N818
    def __setstate__(self, state: Any) -> None:
        raise ValueError("not today")


class BecomesAnother(Exception):  # noqa: N818
    def __reduce__(self) -> Any:
        return ValueError, ("other",)

    def __setstate__(self, state: Any) -> None:
        raise SystemExit


class NoText(Exception):  # noqa: N818
    def __init__(self) -> None:
        self.lock = threading.Lock()

    def __str__(self) -> str:
        raise SystemExit("str")

    def __repr__(self) -> str:
        raise KeyboardInterrupt


class NoStr(Exception):  # noqa: N818
    def __init__(self) -> None:
        self.lock = threading.Lock()

    def __str__(self) -> str:
        raise ValueError("str")

    def __repr__(self) -> str:
        return "NoStr, in short"


def with_lock() -> BaseException:
    error = ValueError("the text")
    error.lock = threading.Lock()  # type: ignore[attr-defined]
    return error


LOST = {
    "setstate": (RaisesOnLoading("x"), "test_remote.RaisesOnLoading", "x"),
    "another type": (BecomesAnother("x"), "test_remote.BecomesAnother", "x"),
}

KEPT = {
    "an attribute": (with_lock(), lambda error: error.lock.startswith("<unlocked _thread.lock")),
    "an argument": (
        OSError(threading.Lock().acquire),
        lambda error: error.args[0].startswith("<built-in method acquire"),
    ),
    "only a repr": (NoStr(), lambda error: error.lock.startswith("<unlocked")),
    "no text": (NoText(), lambda error: error.lock.startswith("<unlocked")),
}


@pytest.mark.parametrize(("error", "is_text"), KEPT.values(), ids=KEPT)
def test_what_cannot_be_pickled_of_an_exception_is_text_and_its_class_stays(
    error: BaseException, is_text: Any
) -> None:
    back = there_and_back(error)
    kind, is_told = type(back), is_text(back)  # not the exceptions: they cannot be shown
    assert kind is type(error)
    assert is_told


def test_an_exception_that_cannot_be_rebuilt_is_one_of_the_nearest_base_class() -> None:
    class LocalError(RaisesOnLoading):
        pass

    back = there_and_back(LocalError("x"))
    assert isinstance(back, RemoteError)
    assert isinstance(back, RaisesOnLoading)
    assert not isinstance(back, LocalError)
    again = pickle.loads(pickle.dumps(back))
    assert isinstance(again, RaisesOnLoading)
    assert (again.type_name, again.text) == (back.type_name, back.text)


@pytest.mark.parametrize(("error", "name", "text"), LOST.values(), ids=LOST)
def test_what_cannot_be_rebuilt_is_told_of(error: BaseException, name: str, text: str) -> None:
    error.add_note("a note")

    def raise_it() -> None:
        raise error from KeyError("why")

    back = there_and_back(caught(raise_it))
    assert isinstance(back, RemoteError)
    assert back.type_name == name
    assert text in back.text
    assert back.traceback_text.startswith("Traceback (most recent call last):\n")
    assert "raise error from KeyError" in back.traceback_text
    assert f"{name}: " in str(back)
    assert back.__notes__ == ["a note"]
    assert repr(back.__cause__) == "KeyError('why')"
    assert traceback.extract_tb(back.__traceback__)[-1].name == "raise_it"


def test_a_cause_that_cannot_be_rebuilt_leaves_the_rest_as_it_is() -> None:
    def raise_it() -> None:
        raise TwoArguments("p", 1) from RaisesOnLoading("x")

    back = there_and_back(caught(raise_it))
    assert type(back) is TwoArguments
    assert isinstance(back.__cause__, RemoteError)


def test_an_exception_that_answers_nothing_is_told_of() -> None:
    class HostileMeta(type):
        def __getattribute__(cls, name: str) -> Any:
            raise ArithmeticError(name)

    class Hostile(Exception, metaclass=HostileMeta):  # noqa: N818
        """Raises at whatever it is asked."""

        def __getattribute__(self, name: str) -> Any:
            raise ArithmeticError(name)

        def __setattr__(self, name: str, value: Any) -> None:
            raise ArithmeticError(name)

        def __str__(self) -> str:
            class Text(str):
                __slots__ = ("lock",)

            made = Text("text")
            made.lock = threading.Lock()
            return made

    where = "test_an_exception_that_answers_nothing_is_told_of"
    exec_globals = {"__name__": 5, "error": Hostile(), "Hostile": Hostile}
    back = there_and_back(caught(lambda: exec("raise error", exec_globals)))
    assert isinstance(back, RemoteError)
    assert (back.type_name, back.text) == (f"test_remote.{where}.<locals>.Hostile", "text")
    assert (
        traceback.extract_tb(BaseException.__traceback__.__get__(back))[-1].filename == "<string>"
    )


def test_a_long_text_is_cut() -> None:
    back = there_and_back(RaisesOnLoading("x" * 1_000_000))
    assert isinstance(back, RemoteError)
    assert len(back.text) == 10_000


def test_a_group_that_loses_a_member_is_told_of() -> None:
    """An exception of a group was raised while the group was handled."""
    error = KeyError("member")
    error.__context__ = ExceptionGroup("of two", [error, ValueError("other")])
    back = there_and_back(error)
    assert type(back) is KeyError
    assert isinstance(back.__context__, RemoteError)
    assert back.__context__.text == "of two (2 sub-exceptions)"


def test_notes_that_are_no_list_of_texts_do_no_harm() -> None:
    for notes in (5, [1, "text"], {"a": 1}):
        error = ValueError()
        error.__notes__ = notes  # type: ignore[assignment]
        assert there_and_back(error).__notes__ == notes


def chain(links: int, attribute: str) -> BaseException:
    first = error = ValueError(0)
    for n in range(1, links):
        further = ValueError(n)
        setattr(error, attribute, further)
        error = further
    return first


def length(error: BaseException | None, attribute: str) -> int:
    n = 0
    while error is not None:
        error = getattr(error, attribute)
        n += 1
    return n


@pytest.mark.parametrize("attribute", ["__cause__", "__context__"])
def test_a_long_chain_is_cut(attribute: str) -> None:
    assert length(there_and_back(chain(50, attribute)), attribute) == 50
    assert length(there_and_back(chain(1_000, attribute)), attribute) == 101


def test_a_chain_that_comes_back_to_itself_is_cut() -> None:
    first, second = ValueError(1), ValueError(2)
    first.__context__, second.__cause__ = second, first
    back = there_and_back(first)
    assert back.__context__.args == (2,)  # type: ignore[union-attr]
    assert back.__context__.__cause__ is None  # type: ignore[union-attr]


def test_groups_too_deep_to_follow_are_told_of() -> None:
    group: Exception = ValueError("innermost")
    for _ in range(300):
        group = ExceptionGroup("g", [group])
    back = there_and_back(group)
    for _ in range(100):
        assert type(back) is ExceptionGroup
        back = back.exceptions[0]
    assert isinstance(back, RemoteError)
    assert back.type_name == "ExceptionGroup"


def test_the_ends_of_an_endless_recursion_are_shown() -> None:
    def recurse(n: int) -> int:
        return recurse(n + 1)

    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(5_000)
        back = there_and_back(caught(lambda: recurse(0)))
    finally:
        sys.setrecursionlimit(limit)
    assert type(back) is RecursionError
    names = [frame.name for frame in traceback.extract_tb(back.__traceback__)]
    assert len(names) == 1_000
    assert names[:3] == ["caught", "<lambda>", "recurse"]


def test_a_class_that_only_the_worker_can_import_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "only_there.py").write_text(
        "class Unknown(Exception): pass\ndef fail():\n    raise Unknown('hello')\n",
        encoding="utf-8",
    )
    code = """
import sys
sys.path.insert(0, sys.argv[1])
import only_there
from lazygraph.transport.remote import to_wire
try:
    only_there.fail()
except Exception as error:
    sys.stdout.buffer.write(to_wire(error))
"""
    command = [sys.executable, "-c", code, tmp_path]
    shown = subprocess.run(command, capture_output=True, check=True)
    back = from_wire(shown.stdout)
    assert isinstance(back, RemoteError)
    assert (back.type_name, back.text) == ("only_there.Unknown", "hello")
    assert back.traceback_text.endswith("    raise Unknown('hello')\nonly_there.Unknown: hello\n")


PICKLABLE = st.none() | st.integers() | st.text() | st.lists(st.binary())


@given(st.lists(PICKLABLE).map(tuple), st.dictionaries(st.text(), PICKLABLE), st.text())
def test_any_arguments_attributes_and_notes_come_back(
    args: tuple[Any, ...], attributes: dict[str, Any], note: str
) -> None:
    error = KeyError(*args)
    vars(error).update(attributes)
    error.add_note(note)
    back = there_and_back(error)
    assert (type(back), back.args, vars(back)) == (KeyError, args, vars(error))
