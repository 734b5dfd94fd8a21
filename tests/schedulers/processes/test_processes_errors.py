"""What goes wrong in a worker process, as the user sees it: theirs, whole, and with the place."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import threading
import traceback
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from children import note, notes, own_pid
from tasks import fail, identity, inc

import lazygraph
from lazygraph import Failed, Skipped, compute, delayed
from lazygraph.errors import OptionError, TaskExited, UnpicklableError
from lazygraph.schedulers import Processes


class Strict(Exception):  # noqa: N818
    """Cannot be made from its `args`."""

    def __init__(self, path: str, *, line: int) -> None:
        super().__init__(f"{path}:{line}")
        self.path, self.line = path, line


class Holds(Exception):  # noqa: N818
    """Carries what cannot be pickled, and says so in its own words."""

    def __init__(self) -> None:
        super().__init__("holds a lock")
        self.lock = threading.Lock()


def innermost(x: int) -> None:
    raise Strict("file", line=x)


def middle(x: int) -> None:
    try:
        innermost(x)
    except Strict as error:
        error.add_note("seen by middle")
        raise KeyError("from middle") from error


def raise_made(kind: type[BaseException], *args: Any) -> None:
    raise kind(*args)


def caught_from(value: Any, scheduler: Any) -> BaseException:
    with pytest.raises(BaseException) as caught:
        value.compute(scheduler=scheduler)
    return caught.value


# ----------------------------------------------------------------------------- exceptions
def test_an_exception_keeps_type_attributes_notes_and_cause(processes: Processes) -> None:
    error = caught_from(delayed(middle)(7), processes)

    assert type(error) is KeyError
    assert error.args == ("from middle",)
    cause = error.__cause__
    assert type(cause) is Strict
    assert (cause.path, cause.line, cause.args) == ("file", 7, ("file:7",))
    assert cause.__notes__ == ["seen by middle"]
    assert error.__notes__[0].startswith("lazygraph: while running task 'middle-")


def test_the_traceback_ends_with_the_frames_of_the_users_function(processes: Processes) -> None:
    error = caught_from(delayed(middle)(7), processes)

    frames = traceback.extract_tb(error.__traceback__)
    assert [frame.name for frame in frames][-1] == "middle"
    assert frames[-1].line == 'raise KeyError("from middle") from error'
    assert [f.name for f in traceback.extract_tb(error.__cause__.__traceback__)] == [
        "middle",
        "innermost",
    ]
    house = str(Path(lazygraph.__file__).parent)
    assert not [f for f in frames if f.filename.startswith(house)]


def test_an_exception_group_comes_whole(processes: Processes) -> None:
    def raise_both() -> None:
        raise ExceptionGroup("both", [Strict("a", line=1), ValueError(2)])

    error = caught_from(delayed(raise_both)(), processes)
    assert isinstance(error, ExceptionGroup)
    assert [type(member) for member in error.exceptions] == [Strict, ValueError]
    assert error.exceptions[0].line == 1


def test_an_operating_systems_error_keeps_its_number_and_file(processes: Processes) -> None:
    error = caught_from(delayed(open)("/no/such/file"), processes)
    assert type(error) is FileNotFoundError
    assert (error.errno, error.filename) == (2, "/no/such/file")


def test_what_of_an_error_cannot_be_pickled_arrives_as_text(processes: Processes) -> None:
    error = caught_from(delayed(raise_made)(Holds), processes)
    assert type(error) is Holds
    assert str(error) == "holds a lock"
    assert "unlocked _thread.lock" in str(error.lock)
    assert "while running task 'raise_made-" in error.__notes__[0]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError])
def test_a_worker_survives_whatever_a_task_raises(kind: type[BaseException]) -> None:
    with Processes(1) as processes:
        before = delayed(own_pid)().compute(scheduler=processes)
        error = caught_from(delayed(raise_made)(kind, "mine"), processes)
        raised = error.__cause__ if kind is not MemoryError else error
        assert isinstance(error, TaskExited) is (kind is not MemoryError)
        assert (type(raised), raised.args) == (kind, ("mine",))
        assert delayed(own_pid)().compute(scheduler=processes) == before


def test_a_signal_that_a_task_sends_itself_is_its_own_error(processes: Processes) -> None:
    error = caught_from(
        delayed(lambda: os.kill(os.getpid(), signal.SIGINT))(dask_key_name="kills"), processes
    )
    assert (type(error), type(error.__cause__)) == (TaskExited, KeyboardInterrupt)
    assert "while running task 'kills'" in error.__notes__[0]


def test_a_task_that_leaves_by_sys_exit_has_failed_and_tells_its_code(processes: Processes) -> None:
    error = caught_from(delayed(raise_made)(SystemExit, 3), processes)
    assert (type(error), error.__cause__.code) == (TaskExited, 3)


def test_errors_are_collected_and_the_rest_goes_on(processes: Processes) -> None:
    bad = delayed(innermost)(1, dask_key_name="bad")
    good, failed, skipped = compute(
        delayed(inc)(1), bad, delayed(inc)(bad), scheduler=processes, on_error="collect"
    )
    assert good == 2
    assert isinstance(failed, Failed)
    assert (type(failed.error), failed.key) == (Strict, "bad")
    assert skipped == Skipped("bad", failed.error)


def test_an_error_can_be_replayed_with_its_arguments_in_this_process(
    processes: Processes, tmp_path: Path
) -> None:
    def check(path: Path, numbers: list[int]) -> None:
        note(path, str(os.getpid()))
        raise ValueError(len(numbers))

    made = delayed(list)(range(100_000))
    error = caught_from(delayed(check)(tmp_path / "calls", made), processes)

    with pytest.raises(ValueError, match="100000"):
        lazygraph.replay(error)

    first, second = notes(tmp_path / "calls")
    assert first != second == str(os.getpid())


def test_an_array_among_the_replayed_arguments_is_writable(processes: Processes) -> None:
    np = pytest.importorskip("numpy")

    def use(array: Any) -> int:
        if not array.flags.writeable:
            raise ValueError("read-only")
        return int(array.sum())

    made = delayed(np.ones)(100_000)  # for two: or it would never leave its worker
    error = caught_from(delayed(list)([delayed(use)(made), delayed(len)(made)]), processes)
    assert lazygraph.replay(error) == 100_000  # in this process the task may write


def test_results_from_before_an_error_are_kept(processes: Processes) -> None:
    np = pytest.importorskip("numpy")
    array, number = delayed(np.arange)(500_000), delayed(inc)(1)
    bad = delayed(lambda *_: fail(0))(array, number)

    with pytest.raises(ValueError, match="cannot use 0") as caught:
        compute(array, number, bad, scheduler=processes)

    partial = caught.value.partial
    assert set(partial) == {array.key, number.key}
    assert partial[number.key] == 2
    assert int(partial[array.key].sum()) == sum(range(500_000))


def test_results_from_before_an_error_outlive_the_processes() -> None:
    np = pytest.importorskip("numpy")
    array = delayed(np.arange)(500_000)
    with pytest.raises(ValueError, match="cannot use 0") as caught, Processes(1) as own:
        compute(array, delayed(lambda _: fail(0))(array), scheduler=own)
    assert len(caught.value.partial[array.key]) == 500_000


def test_an_error_can_be_pickled_by_the_user(processes: Processes) -> None:
    error = pickle.loads(pickle.dumps(caught_from(delayed(fail)(1), processes)))
    assert (type(error), error.args) == (ValueError, ("cannot use 1",))


def test_an_exception_goes_when_the_user_drops_it(processes: Processes) -> None:
    """Without the garbage collector, which may come late; arguments and results go with it."""
    seen: list[weakref.ref[BaseException]] = []
    gc.collect()
    gc.disable()
    try:
        delayed(innermost)(1).compute(scheduler=processes)
    except Strict as error:
        seen.append(weakref.ref(error))
    else:
        pytest.fail("it did not raise")
    is_gone = seen[0]() is None
    gc.enable()
    assert is_gone


# ------------------------------------------------------------------- what cannot be pickled
@dataclass
class Client:
    name: str = "mine"
    inner: dict[str, Any] = field(default_factory=lambda: {"locks": [1, threading.Lock()]})


def test_an_argument_that_cannot_travel_is_named_to_its_innermost_part(
    processes: Processes,
) -> None:
    value = delayed(identity)(Client(), dask_key_name="bad")
    with pytest.raises(UnpicklableError) as caught:
        delayed(inc)(value).compute(scheduler=processes)

    error = caught.value
    assert (error.key, error.name) == ("bad", "identity")
    assert error.path.startswith("args[0].inner['locks'][1]: lock (cannot pickle")
    assert "@delayed(local=True) runs it in this one" in str(error)
    assert "while running task 'bad': identity(" in error.__notes__[0]
    assert type(error.__cause__) is TypeError


def test_a_keyword_argument_that_cannot_travel_is_named(processes: Processes) -> None:
    def f(x: Any, *, client: Any) -> Any:
        return x

    with pytest.raises(UnpicklableError, match=r"\['client'\]\.inner|client\.inner"):
        delayed(f)(1, client=Client()).compute(scheduler=processes)


def test_a_local_task_takes_what_cannot_travel(processes: Processes) -> None:
    client = Client()

    @delayed(local=True)
    def name_of(client: Client, number: int) -> tuple[str, int, int]:
        return client.name, number, os.getpid()

    value = name_of(client, delayed(inc)(1))
    assert value.compute(scheduler=processes) == ("mine", 2, os.getpid())


def test_a_local_result_that_cannot_travel_is_named_by_who_needs_it(processes: Processes) -> None:
    made = delayed(Client, local=True)()
    assert type(made.compute(scheduler=processes)) is Client  # it need not travel
    with pytest.raises(UnpicklableError, match=r"\(identity\).*args\[0\]\.inner\['locks'\]\[1\]"):
        delayed(identity)(made).compute(scheduler=processes)


def test_a_result_that_cannot_travel_is_named(processes: Processes) -> None:
    value = delayed(Client)(dask_key_name="makes")
    with pytest.raises(UnpicklableError, match="its result") as caught:
        value.compute(scheduler=processes)
    assert caught.value.key == "makes"
    assert caught.value.path.startswith("its result.inner['locks'][1]: lock (cannot pickle")


def test_a_result_that_nobody_but_the_next_task_needs_may_not_travel(processes: Processes) -> None:
    """The two run in one worker, one after the other."""
    value = delayed(lambda client: client.name)(delayed(Client)())
    assert value.compute(scheduler=processes) == "mine"


def test_a_function_that_cannot_travel_is_named(processes: Processes) -> None:
    lock = threading.Lock()

    def locks(x: int) -> int:
        with lock:
            return x

    with pytest.raises(UnpicklableError, match="its function") as caught:
        delayed(locks)(1).compute(scheduler=processes)
    assert "lock" in caught.value.path
    assert delayed(locks, local=True)(1).compute(scheduler=processes) == 1


def test_others_go_on_when_what_cannot_travel_is_collected(processes: Processes) -> None:
    values = [delayed(identity)(i) for i in range(50)]
    bad = [delayed(identity)(threading.Lock()), delayed(threading.Lock)()]
    *results, first, second = compute(*values, *bad, scheduler=processes, on_error="collect")
    assert results == list(range(50))
    assert {type(first.error), type(second.error)} == {UnpicklableError}


def test_a_chain_whose_later_step_cannot_travel_runs_up_to_it(
    processes: Processes, tmp_path: Path
) -> None:
    """noted -> needs a lock: one unit, of which the first part could run."""
    first = delayed(note)(tmp_path / "ran")
    second = delayed(lambda _, lock: None)(first, threading.Lock(), dask_key_name="second")
    with pytest.raises(UnpicklableError, match="task 'second'"):
        second.compute(scheduler=processes)
    assert notes(tmp_path / "ran") == ["x"]


class Forbids:
    """Travels, and cannot be made again."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _forbid, ()


def _forbid() -> None:
    raise PermissionError("not to be made here")


def test_an_argument_that_cannot_be_made_again_is_the_tasks_error(processes: Processes) -> None:
    error = caught_from(delayed(identity)(Forbids()), processes)
    assert type(error) is PermissionError
    assert "while running task 'identity-" in error.__notes__[0]


def test_a_result_that_cannot_be_made_again_is_told(processes: Processes) -> None:
    with pytest.raises(PermissionError, match="not to be made here") as caught:
        delayed(Forbids)(dask_key_name="forbids").compute(scheduler=processes)
    assert "the result of task 'forbids'" in caught.value.__notes__[0]
    assert delayed(inc)(1).compute(scheduler=processes) == 2


class ApiError(Exception):
    """Carries what cannot be pickled."""


def call_api(folder: Path) -> None:
    folder.joinpath(str(len(list(folder.iterdir())))).touch()
    error = ApiError("503")
    error.session = threading.Lock()  # type: ignore[attr-defined]
    raise error


def test_an_error_that_carries_a_lock_is_tried_again_and_caught_by_its_class(
    processes: Processes, tmp_path: Path
) -> None:
    task = delayed(call_api, retries=2, retry_on=ApiError)(tmp_path)
    with pytest.raises(ApiError, match="503") as caught:
        task.compute(scheduler=processes)
    assert "unlocked" in caught.value.session  # type: ignore[attr-defined]
    assert len(list(tmp_path.iterdir())) == 3


def generator(n: int) -> Iterator[int]:
    return (i for i in range(n))


def test_an_argument_that_travels_is_kept_though_the_result_does_not(processes: Processes) -> None:
    """Both tasks travel together: the first one's result comes with the second one's error."""
    first = delayed(abs)(-41)
    with pytest.raises(UnpicklableError) as caught:
        delayed(generator)(first).compute(scheduler=processes)
    assert list(caught.value.partial.values()) == [41]  # type: ignore[attr-defined]
    assert "generator(41)" in "".join(caught.value.__notes__)
    assert list(lazygraph.replay(caught.value)) == list(range(41))


def fail_on(_: Any) -> None:
    raise ValueError("no")


def test_a_value_that_never_travelled_is_no_result_and_no_argument(processes: Processes) -> None:
    with pytest.raises(ValueError, match="no") as caught:
        delayed(fail_on)(delayed(generator)(3)).compute(scheduler=processes)
    assert dict(caught.value.partial) == {}  # type: ignore[attr-defined]
    assert "fail_on(<generator that stayed in" in "".join(caught.value.__notes__)
    with pytest.raises(OptionError, match="never left the worker process"):
        lazygraph.replay(caught.value)
