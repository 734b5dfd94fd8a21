"""Training: optimizers against torch's, the loop, checkpoints, and what real data comes to."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from children import ROOT
from tasks import wait_until

import lazygraph
from lazygraph import function, inputs, value_and_grad
from lazygraph.errors import CheckpointError, OptionError, TrainingError
from lazygraph.train import (
    Epoch,
    Fit,
    Minibatches,
    WeightDecay,
    adam,
    adamw,
    chain,
    checkpoints,
    fit,
    momentum,
    sgd,
)
from lazygraph.train.progress import progress_of
from lazygraph.train.transforms import Scale

OPTIMIZERS = {
    "sgd": (sgd(lr=0.05), "SGD", {"lr": 0.05}),
    "momentum": (momentum(lr=0.03), "SGD", {"lr": 0.03, "momentum": 0.9}),
    "nesterov": (
        momentum(lr=0.03, decay=0.8, nesterov=True),
        "SGD",
        {"lr": 0.03, "momentum": 0.8, "nesterov": True},
    ),
    "adam": (adam(lr=0.02), "Adam", {"lr": 0.02}),
    "adamw": (adamw(lr=0.02, weight_decay=0.3), "AdamW", {"lr": 0.02, "weight_decay": 0.3}),
    "sgd, decay as a penalty": (
        chain(WeightDecay(0.2), momentum(lr=0.02)),
        "SGD",
        {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.2},
    ),
    "adam, other settings": (
        adam(lr=0.1, betas=(0.7, 0.9), eps=1e-3),
        "Adam",
        {"lr": 0.1, "betas": (0.7, 0.9), "eps": 1e-3},
    ),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fifty_steps_are_torchs(name: str) -> None:
    torch = pytest.importorskip("torch", reason="pip install torch==2.13.0")
    update, theirs, settings = OPTIMIZERS[name]
    rng = np.random.default_rng(0)
    params = {"w": rng.standard_normal((3, 2)), "b": [rng.standard_normal(2)]}
    tensors = [torch.tensor(params["w"]), torch.tensor(params["b"][0])]
    optimizer = getattr(torch.optim, theirs)(tensors, **settings)
    state = None
    for _ in range(50):
        grads = [rng.standard_normal((3, 2)), rng.standard_normal(2)]
        for tensor, grad in zip(tensors, grads, strict=True):
            tensor.grad = torch.tensor(grad)
        optimizer.step()
        params, state = update(params, {"w": grads[0], "b": [grads[1]]}, state)

    assert np.allclose(params["w"], tensors[0].numpy(), rtol=1e-12, atol=1e-13)
    assert np.allclose(params["b"][0], tensors[1].numpy(), rtol=1e-12, atol=1e-13)


def test_two_steps_are_those_worked_out_by_hand() -> None:
    """Parameter 1, gradients 0.5 and -2, lr 0.1."""

    def two_steps(update: Any) -> list[float]:
        first, state = update(1.0, 0.5, None)
        return [first, update(first, -2.0, state)[0]]

    # v = 0.5, then 0.9 * 0.5 - 2 = -1.55
    assert two_steps(sgd(lr=0.1)) == pytest.approx([0.95, 1.15])
    assert two_steps(momentum(lr=0.1)) == pytest.approx([0.95, 1.105])
    # First m / sqrt(s) = 1; then m = (0.9 * 0.05 - 0.2) / 0.19, s = (0.999 * 0.25 + 4) / 1.999
    second = (-0.155 / 0.19) / (4.24975 / 1.999) ** 0.5
    assert two_steps(adam(lr=0.1)) == pytest.approx([0.9, 0.9 - 0.1 * second])


@pytest.mark.parametrize("update", [sgd(), momentum(), adam(), adamw()])
def test_nothing_is_changed_in_place_and_float32_is_kept(update: Any) -> None:
    params = (np.ones(3, np.float32),)
    state = None
    for _ in range(3):
        before = pickle.dumps((params, state))
        new, new_state = update(params, (np.full(3, 0.5, np.float32),), state)
        assert pickle.dumps((params, state)) == before
        params, state = new, new_state

    assert params[0].dtype == np.float32
    assert (params[0] < 1).all()


def test_batches_deal_out_every_row_once_in_an_order_of_the_seed() -> None:
    x = np.arange(10)
    batches = Minibatches(x, x * 2, size=4, seed=1)

    first, again, second = ([b[0] for b in batches(n)] for n in (0, 0, 1))

    assert len(batches) == len(first) == 3
    assert sorted(np.concatenate(first)) == x.tolist()
    assert np.concatenate(first).tolist() == np.concatenate(again).tolist()
    assert np.concatenate(first).tolist() != np.concatenate(second).tolist()
    assert all((b == 2 * a).all() for a, b in batches(0))


@pytest.mark.parametrize(
    ("arrays", "size", "seed"),
    [
        ((np.ones(3), np.ones(2)), 1, None),
        ((np.ones(3),), 0, None),
        ((np.ones(3),), 1.5, None),
        ((np.ones(3),), 1, -1),
        ((np.float64(3),), 1, None),
        ((), 1, None),
    ],
)
def test_batches_that_cannot_be_are_refused(arrays: Any, size: Any, seed: Any) -> None:
    with pytest.raises(OptionError, match=r"batch|seed"):
        Minibatches(*arrays, size=size, seed=seed)


# ------------------------------------------------------------- the loop
def _line(seed: int = 0) -> tuple[Any, Any, Any]:
    """A step that fits a line, and data on it: y = 3 x + 1."""
    x, y, w, b = inputs("x y w b")
    params = {"w": w, "b": b}
    error = x * w + b - y
    step = function([params, x, y], value_and_grad(np.mean(error * error), params))
    xs = np.random.default_rng(seed).uniform(-1, 1, 64)
    return step, {"w": 0.0, "b": 0.0}, (xs, 3 * xs + 1)


def test_a_line_is_found() -> None:
    step, params, data = _line()

    found = fit(step, params, Minibatches(*data, size=16, seed=0), update=sgd(lr=0.3), epochs=40)

    assert found.params["w"] == pytest.approx(3, abs=1e-4)
    assert found.params["b"] == pytest.approx(1, abs=1e-4)
    assert params == {"w": 0.0, "b": 0.0}
    assert len(found.losses) == 160
    assert [epoch.number for epoch in found.epochs] == list(range(40))
    assert found.epochs[3].loss == pytest.approx(np.mean(found.losses[12:16]))
    assert found.reason == "epochs"


def test_batches_may_be_a_list_and_a_batch_one_array() -> None:
    def step(w: float, x: float) -> tuple[float, float]:
        return (w - x) ** 2, 2 * (w - x)

    assert fit(step, 0.0, [1.0, 1.0], update=sgd(lr=0.5), epochs=2).params == 1.0


def test_it_ends_when_patience_does_with_the_best_parameters() -> None:
    scores = iter([3.0, 2.0, 2.5, 1.95, 2.2, 1.94])
    seen: list[float] = []

    def validate(w: float) -> float:
        seen.append(w)
        return next(scores)

    found = fit(
        lambda w, _: (0.0, 1.0), 0.0, [0], update=sgd(lr=1.0), epochs=10,
        validate=validate, patience=2, min_delta=0.1,
    )  # fmt: skip

    assert found.reason == "patience"
    assert [epoch.validation for epoch in found.epochs] == [3.0, 2.0, 2.5, 1.95]
    assert found.params == seen[1]


def test_a_loss_that_is_not_finite_ends_it_and_loses_nothing() -> None:
    def step(w: float, x: float) -> tuple[float, float]:
        return x, 1.0

    with pytest.raises(TrainingError, match="the loss is nan in epoch 0, step 2") as caught:
        fit(step, 5.0, [1.0, 1.0, float("nan")], update=sgd(lr=1.0))

    assert caught.value.partial.params == 3.0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "settings",
    [
        {"epochs": 0},
        {"patience": 2},
        {"save_every": 0},
        {"min_delta": -1},
        {"patience": 0, "validate": abs},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: Any) -> None:
    with pytest.raises(OptionError):
        fit(lambda w: (0.0, 0.0), 0.0, [()], **settings)


def test_an_epoch_without_batches_is_told_so() -> None:
    with pytest.raises(TrainingError, match="has no batches"):
        fit(lambda w: (0.0, 0.0), 0.0, [])


def test_where_there_is_no_terminal_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    step, params, data = _line()

    fit(step, params, Minibatches(*data, size=16))

    assert capsys.readouterr() == ("", "")


def test_a_bar_or_a_line_is_shown_where_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    step, params, data = _line()
    fit(step, params, Minibatches(*data, size=16), progress=True)
    bar = capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    fit(step, params, Minibatches(*data, size=16), progress=True)

    assert "4/4" in bar
    assert capsys.readouterr().err.startswith("epoch 0: loss ")
    assert type(progress_of(None, 1, 0)).__name__ == "_Silent"


# ---------------------------------------------------------------- checkpoints
def test_a_run_that_goes_on_gives_what_it_would_have_given(tmp_path: Path) -> None:
    step, params, data = _line()
    batches = Minibatches(*data, size=16, seed=3)
    path = tmp_path / "run.checkpoint"
    whole = fit(step, params, batches, update=adam(), epochs=6)

    class Stop(Exception):  # noqa: N818  # no error: a break
        pass

    calls = 0

    def interrupted(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 11:  # in the middle of the third epoch
            raise Stop
        return step(*args)

    with pytest.raises(Stop) as caught:
        fit(interrupted, params, batches, update=adam(), epochs=6, checkpoint=path)
    rest = fit(step, params, batches, update=adam(), epochs=6, checkpoint=path)
    more = fit(step, params, batches, update=adam(), epochs=8, checkpoint=path)

    assert "fit stopped in epoch 2, step 2" in caught.value.__notes__[-1]
    assert rest.params == whole.params
    assert rest.losses == whole.losses
    assert more.params == fit(step, params, batches, update=adam(), epochs=8).params


_PROGRAM = """
import sys
import weakref
from functools import partial
from lazygraph.train import Minibatches, adam, fit
from test_train import _line
step, params, data = _line()
batches = Minibatches(*data, size=4, seed=3)
done = fit(step, params, batches, update=adam(), epochs=40, checkpoint=sys.argv[1], save_every=1)
print(repr(done.params), len(done.losses))
"""


@pytest.mark.slow
def test_a_killed_process_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "killed.checkpoint"
    command = [sys.executable, "-c", _PROGRAM, str(path)]
    here = Path(__file__).parent
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(here), str(ROOT), str(here.parent / "support")]),
    }
    with subprocess.Popen(command, cwd=here, env=env, stdout=subprocess.DEVNULL) as process:
        assert wait_until(lambda: path.exists() and checkpoints.load(path).n_done > 20, 60)
        process.send_signal(signal.SIGKILL)
    assert len(checkpoints.load(path).losses) < 640
    step, params, data = _line()
    batches = Minibatches(*data, size=4, seed=3)

    went_on = subprocess.run(command, cwd=here, env=env, capture_output=True, text=True, check=True)

    whole = fit(step, params, batches, update=adam(), epochs=40)
    assert went_on.stdout == f"{whole.params!r} 640\n"


def test_ctrl_c_leaves_a_checkpoint_and_what_has_been_done(tmp_path: Path) -> None:
    def step(w: float, x: float) -> tuple[float, float]:
        if w < -2.5:
            raise KeyboardInterrupt
        return 0.0, 1.0

    with pytest.raises(KeyboardInterrupt) as caught:
        fit(step, 0.0, [1.0] * 9, update=sgd(lr=1.0), checkpoint=tmp_path / "c")

    assert caught.value.partial.params == -3.0  # type: ignore[attr-defined]
    assert (tmp_path / "c").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.write_bytes(b"something else"), "is no checkpoint"),
        (lambda path: path.write_bytes(path.read_bytes()[:-3]), "is damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:-3] + b"abc"), "is damaged"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_told_and_left_alone(
    tmp_path: Path, spoil: Any, message: str
) -> None:
    path = tmp_path / "c"
    fit(lambda w, x: (0.0, 1.0), 0.0, [1.0], checkpoint=path)
    spoil(path)
    before = path.read_bytes()

    with pytest.raises(CheckpointError, match=message):
        fit(lambda w, x: (0.0, 1.0), 0.0, [1.0], checkpoint=path, epochs=2)

    assert path.read_bytes() == before


def _never(*_: Any) -> Any:
    pytest.fail("a step was made")


def test_a_checkpoint_that_cannot_be_written_is_told_before_the_first_step(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot be written"):
        fit(_never, 0.0, [1.0], checkpoint=tmp_path / "no" / "c")


def test_a_state_that_cannot_be_saved_is_told_and_the_last_checkpoint_kept(tmp_path: Path) -> None:
    def update(p: float, g: float, s: Any) -> tuple[float, Any]:
        return p - g, lambda: None

    with pytest.raises(CheckpointError, match="checkpoint of this run cannot be made"):
        fit(lambda w, x: (0.0, 1.0), 0.0, [1.0], update=update, checkpoint=tmp_path / "c")

    assert checkpoints.load(tmp_path / "c").params == 0.0
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


def test_an_error_is_not_hidden_by_a_checkpoint_that_fails(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()

    def step(w: float, x: float) -> tuple[float, float]:
        (folder / "c").unlink()
        folder.rmdir()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        fit(step, 0.0, [1.0], checkpoint=folder / "c")

    assert "cannot be written" in caught.value.__notes__[-1]


def test_a_checkpoint_of_other_parameters_is_refused(tmp_path: Path) -> None:
    fit(lambda w, x: (0.0, np.ones(3)), np.ones(3), [1.0], checkpoint=tmp_path / "c")

    with pytest.raises(CheckpointError, match=r"params: was float64 \(3,\), is float64 \(2,\)"):
        fit(_never, np.ones(2), [1.0], checkpoint=tmp_path / "c", epochs=2)


@pytest.mark.parametrize("where", ["validate", "after"])
def test_ctrl_c_between_epochs_loses_neither_the_epoch_nor_the_best(
    tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores 3, 1, 2, 2: the second epoch is the best, and is broken off at its end."""
    scores = {-1.0: 3.0, -2.0: 1.0, -3.0: 2.0, -4.0: 2.0}
    is_broken = False

    def break_off() -> None:
        nonlocal is_broken
        if not is_broken:
            is_broken = True
            raise KeyboardInterrupt

    def validate(w: float) -> float:
        if w == -2.0 and where == "validate":
            break_off()
        return scores[w]

    def tell(self: Any, text: str) -> None:
        if text.startswith("epoch 1") and where == "after":
            break_off()

    monkeypatch.setattr("lazygraph.train.progress._Silent.epoch", tell)

    def go() -> Fit:
        return fit(
            lambda w, _: (0.0, 1.0), 0.0, [0], update=sgd(lr=1.0), epochs=9,
            validate=validate, patience=2, checkpoint=tmp_path / "c",
        )  # fmt: skip

    with pytest.raises(KeyboardInterrupt):
        go()
    found = go()

    assert [epoch.validation for epoch in found.epochs] == [3.0, 1.0, 2.0, 2.0]
    assert (found.params, found.reason, len(found.losses)) == (-2.0, "patience", 4)


def test_what_a_step_gives_is_looked_at() -> None:
    x = inputs("x")
    for given, message in [
        (1.0, "loss and gradients, as value_and_grad does, .* not 1.0"),
        ((np.ones(2), 1.0), "a loss is one number, not"),
        (value_and_grad(x * x, x), "a loss is one number, not .*Delayed"),
        ((0.0, np.ones(2)), r"shape \(\) has a gradient of shape \(2,\)"),
        ((0.0, 1j), "complex"),
        ((0.0, {"w": 1.0}), "nest alike"),
    ]:
        with pytest.raises(TrainingError, match=message):
            fit(lambda w, _, given=given: given, 0.0, [0])


def test_a_validation_that_is_not_a_number_ends_it() -> None:
    with pytest.raises(TrainingError, match="the validation is NaN after epoch 0"):
        fit(lambda w, _: (0.0, 1.0), 0.0, [0], validate=lambda w: float("nan"))


def test_batches_that_are_spent_are_told() -> None:
    with pytest.raises(TrainingError, match=r"epoch 1 has no batches; .* must become a list"):
        fit(lambda w, _: (0.0, 1.0), 0.0, iter([0]), epochs=2)


@pytest.mark.parametrize("update", [sgd(), momentum(), adam(), adamw()])
def test_gradients_that_do_not_nest_as_parameters_do_are_refused(update: Any) -> None:
    with pytest.raises(TrainingError, match="nest alike"):
        update({"w": 1.0}, {"w": 1.0, "b": 1.0}, None)
    with pytest.raises(TrainingError, match="nest alike"):
        update([1.0, 2.0], [1.0], None)


@pytest.mark.parametrize("update", [sgd(), momentum(), adam(), adamw()])
def test_parameters_keep_float32_whatever_gradients_are(update: Any) -> None:
    params, _ = chain(update, Scale(np.float64(0.5)))(np.ones(2, np.float32), np.ones(2))

    assert params.dtype == np.float32


def test_nothing_is_kept_of_a_step() -> None:
    """Of the gradients of 200 steps, those of the last two at most are alive at any time."""
    made: list[weakref.ref[Any]] = []
    most = 0

    def step(w: Any, x: int) -> tuple[float, Any]:
        nonlocal most
        most = max(most, sum(each() is not None for each in made))
        gradient = w * 0.5
        made.append(weakref.ref(gradient))
        return 0.0, gradient

    fit(step, np.ones(1_000), range(200), update=adam())

    assert len(made) == 200
    assert most <= 2


def test_a_fit_tells_how_far_it_is() -> None:
    shown = Fit(0.0, losses=[0.5, 0.25], epochs=[Epoch(0, 0.375, 0.1, 1.0, 2)])

    assert repr(shown) == "Fit(2 steps, epoch 0: loss 0.375, validation 0.1)"
    assert lazygraph.train.fit is fit


# ------------------------------------------------------------------ real data
@pytest.mark.slow
def test_logistic_regression_reaches_the_optimum_that_scikit_learn_finds() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model", reason="pip install scikit-learn")
    from digits import logistic_step, objective, split

    x, y, x_test, y_test = split()
    theirs = linear_model.LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000).fit(x, y)
    best = objective({"w": theirs.coef_.T, "b": theirs.intercept_}, x, y)

    found = fit(
        logistic_step(),
        {"w": np.zeros((64, 10)), "b": np.zeros(10)},
        [(x, y)],
        update=momentum(lr=1e-3, decay=0.98, nesterov=True),
        epochs=2_000,
    )

    assert best == pytest.approx(217.474, abs=1e-3)
    assert objective(found.params, x, y) == pytest.approx(best, rel=1e-9)
    right = (x_test @ found.params["w"] + found.params["b"]).argmax(1) == y_test
    assert right.mean() == pytest.approx(0.9344, abs=1e-4)


@pytest.mark.slow
def test_a_network_of_64_units_is_as_right_as_scikit_learns() -> None:
    neural_network = pytest.importorskip(
        "sklearn.neural_network", reason="pip install scikit-learn"
    )
    from digits import mlp_params, mlp_predict, mlp_step, split

    x, y, x_test, y_test = split()
    step = mlp_step()
    ours, theirs = [], []
    for seed in range(3):
        network = neural_network.MLPClassifier((64,), random_state=seed, max_iter=400)
        theirs.append(network.fit(x, y).score(x_test, y_test))
        found = fit(
            step,
            mlp_params(64, seed),
            Minibatches(x, y, size=200, seed=seed),
            update=adam(),
            epochs=300,
        )
        ours.append(float((mlp_predict(found.params, x_test) == y_test).mean()))

    assert np.mean(ours) > np.mean(theirs) - 0.005
