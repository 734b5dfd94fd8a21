"""Schedules, clipping, metrics, and checkpoints that say what differs."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lazygraph import config, delayed, function, inputs, rng, value_and_grad
from lazygraph.errors import CheckpointError, OptionError, TrainingError
from lazygraph.train import (
    ClipNorm,
    ClipValue,
    Cosine,
    Decay,
    Fit,
    Minibatches,
    Warmup,
    WeightDecay,
    adam,
    adamw,
    chain,
    fit,
    load,
    momentum,
    sgd,
)

SCHEDULES = {
    "cosine": (
        Cosine(0.3, 20, end=0.01),
        lambda o, t: t.CosineAnnealingLR(o, T_max=20, eta_min=0.01),
    ),
    "exponential": (Decay(0.3, 0.9), lambda o, t: t.ExponentialLR(o, 0.9)),
    "steps": (Decay(0.3, 0.5, every=6), lambda o, t: t.StepLR(o, 6, 0.5)),
    "warm-up": (Warmup(8, 0.3), lambda o, t: t.LinearLR(o, 1 / 8, 1.0, 7)),
    "warm-up, then cosine": (
        Warmup(5, Cosine(0.3, 15)),
        lambda o, t: t.SequentialLR(
            o, [t.LinearLR(o, 1 / 5, 1.0, 4), t.CosineAnnealingLR(o, T_max=15)], milestones=[5]
        ),
    ),
    "smooth": (
        Decay(0.3, 0.5, every=6, smooth=True),
        lambda o, t: t.LambdaLR(o, lambda n: 0.5 ** (n / 6)),
    ),
}


@pytest.mark.parametrize("make", [sgd, momentum, adam, adamw])
@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_twenty_steps_by_a_schedule_are_torchs(name: str, make: Any) -> None:
    torch = pytest.importorskip("torch", reason="pip install torch==2.13.0")
    schedule, theirs = SCHEDULES[name]
    draw = np.random.default_rng(0)
    params = draw.standard_normal((3, 2))
    tensor = torch.tensor(params)
    kinds = {sgd: "SGD", momentum: "SGD", adam: "Adam", adamw: "AdamW"}
    settings = {"momentum": 0.9} if make is momentum else {}
    optimizer = getattr(torch.optim, kinds[make])([tensor], lr=0.3, **settings)
    scheduler = theirs(optimizer, torch.optim.lr_scheduler)
    update, state = make(lr=schedule), None
    for _ in range(20):
        grad = draw.standard_normal((3, 2))
        tensor.grad = torch.tensor(grad)
        optimizer.step()
        scheduler.step()
        params, state = update(params, grad, state)

    assert np.allclose(params, tensor.numpy(), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("limit", [0.5, 100.0])
def test_clipping_is_torchs(limit: float) -> None:
    torch = pytest.importorskip("torch", reason="pip install torch==2.13.0")
    draw = np.random.default_rng(0)
    grads = {"w": draw.standard_normal((3, 2)), "b": draw.standard_normal(2)}
    for part, theirs in (
        (ClipNorm(limit), torch.nn.utils.clip_grad_norm_),
        (ClipValue(limit), torch.nn.utils.clip_grad_value_),
    ):
        tensors = [torch.zeros(g.shape, dtype=torch.float64) for g in grads.values()]
        for tensor, grad in zip(tensors, grads.values(), strict=True):
            tensor.grad = torch.tensor(grad)
        theirs(tensors, limit)
        zeros = {name: np.zeros_like(g) for name, g in grads.items()}

        moved, _ = chain(part, sgd(lr=1.0))(zeros, grads)

        for mine, tensor in zip(moved.values(), tensors, strict=True):
            np.testing.assert_allclose(mine, -tensor.grad.numpy(), rtol=1e-5)  # theirs adds 1e-6


def test_a_clipped_gradient_has_just_that_norm_and_its_dtype() -> None:
    zeros = [np.zeros(2, np.float32), 0.0]

    moved, _ = chain(ClipNorm(6.5), sgd(lr=1.0))(zeros, [np.array([3, 4], np.float32), 12.0])

    assert moved[0].tolist() == [-1.5, -2.0]
    assert moved[1] == -6.0
    assert moved[0].dtype == np.float32


def test_a_transformation_of_ones_own_knows_the_step_and_the_parameters() -> None:
    seen = []

    def halved(grads: list[Any], state: Any, step: Any) -> tuple[list[Any], Any]:
        seen.append((step.n, step.params, state))
        return [g / 2 for g in grads], step.n

    update = chain(halved, sgd(lr=lambda n: 1.0 if n == 0 else 0.5))
    first, state = update([8.0], [2.0])
    second, _ = update(first, [2.0], state)

    assert (first, second) == ([7.0], [6.5])
    assert seen == [(0, [8.0], None), (1, [7.0], 0)]


@pytest.mark.parametrize(
    "make",
    [
        partial(sgd, lr=-0.1),
        partial(sgd, lr=float("nan")),
        partial(sgd, lr="fast"),
        partial(adam, betas=(0.9, 1.5)),
        partial(ClipNorm, -1.0),
        partial(ClipValue, float("inf")),
        partial(WeightDecay, None),
        partial(Cosine, 0.1, 0),
        partial(Decay, 0.1, 0.5, every=1.5),
        partial(Warmup, 3, -1.0),
    ],
)
def test_settings_that_make_no_sense_are_refused(make: Any) -> None:
    with pytest.raises(OptionError, match=r"finite number|count"):
        make()


def test_a_schedule_that_gives_no_number_is_told() -> None:
    with pytest.raises(OptionError, match="a learning rate is a finite number, 0 or more, not nan"):
        sgd(lr=lambda n: float("nan"))(1.0, 1.0)


@pytest.mark.parametrize("update", [adam, partial(adam, lr=0.1)])
def test_an_optimizer_that_was_not_made_is_told(update: Any) -> None:
    with pytest.raises(OptionError, match=r"write update=adam\(lr=...\)"):
        fit(_one, 1.0, [1.0], update=update)


def test_a_state_of_another_optimizer_is_refused() -> None:
    _, state = sgd()([1.0], [1.0])
    with pytest.raises(TrainingError, match="of another optimizer"):
        adam()([1.0], [1.0], state)
    with pytest.raises(TrainingError, match="of other parameters"):
        sgd()({"w": 1.0}, {"w": 1.0}, state)


# --------------------------------------------------------------------- metrics
def _one(w: float, x: float) -> tuple[float, float]:
    return w * x, 0.0


def test_an_epoch_has_the_means_of_metrics_and_its_line_tells_them() -> None:
    x, w = inputs("x w")
    step = function([w, x], (*value_and_grad(w * x, w), {"twice": x * 2, "kept": x}))

    found = fit(step, 2.0, [1.0, 2.0, 6.0], update=sgd(lr=0.0), epochs=2)

    assert found.epochs[0].metrics == {"twice": 6.0, "kept": 3.0}
    assert found.metrics[2] == {"twice": 12.0, "kept": 6.0}
    assert len(found.metrics) == 6
    assert str(found.epochs[1]) == "epoch 1: loss 6, twice 6, kept 3"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((0.0, 1.0, 3.0), "metrics are a dict of numbers, not 3.0"),
        ((0.0, 1.0, {"a": "b"}), "metric 'a' is one number, not 'b'"),
        ((0.0, 1.0, {}, {}), "loss and gradients"),
    ],
)
def test_metrics_are_looked_at(given: Any, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        fit(lambda w, _: given, 0.0, [0])


def test_the_lines_of_epochs_stay_on_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    """A bar ends in a carriage return, a line that stays in a new line."""
    fit(_one, 1.0, [1.0, 3.0], update=sgd(lr=0.0), epochs=3, progress=True)

    shown = capsys.readouterr().err
    kept = [line.rsplit("\r", 1)[-1] for line in shown.split("\n")]
    assert [line for line in kept if line.startswith("epoch")] == [
        f"epoch {n}: loss 2" for n in range(3)
    ]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_gradient_that_is_not_finite_is_told_in_its_own_step(bad: float) -> None:
    def step(params: Any, x: float) -> Any:
        return 1.0, {"w": 1.0, "b": np.array([1.0, x])}

    with pytest.raises(
        TrainingError, match=r"gradient\['b'\] is not finite in epoch 0, step 1"
    ) as e:
        fit(step, {"w": 5.0, "b": np.zeros(2)}, [1.0, bad], update=sgd(lr=1.0))

    assert e.value.partial.params["w"] == 4.0


# ----------------------------------------------------------------- checkpoints
class Stop(Exception):  # noqa: N818  # no error: a break
    pass


def _breaking(step: Any, at: int) -> Any:
    calls = iter(range(at))

    def stopping(*args: Any) -> Any:
        if next(calls, None) is None:
            raise Stop
        return step(*args)

    return stopping


def _noisy(scheduler: str) -> Any:
    """A step whose tasks draw, as those with dropout do."""
    w, x = inputs("w x")
    kept = delayed(lambda x: rng().integers(0, 2, x.shape) * x + rng("name").uniform())(x)
    return function(
        [w, x], (*value_and_grad(np.mean((kept @ w) ** 2), w), {"n": np.sum(kept)}),
        scheduler=scheduler,
    )  # fmt: skip


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
@pytest.mark.parametrize("at", [0, 1, 5, 8, 11])
def test_a_resumed_run_with_schedule_metrics_and_seed_is_the_same_to_the_bit(
    tmp_path: Path, at: int, scheduler: str
) -> None:
    """Four steps an epoch; each draws other numbers."""
    data = np.random.default_rng(0).standard_normal((16, 3))
    settings: dict[str, Any] = {
        "update": chain(ClipNorm(0.5), adamw(lr=Warmup(3, Cosine(0.1, 9)))),
        "epochs": 3,
        "save_every": 1,
        "validate": lambda _: rng().uniform(),
    }
    step, start = _noisy(scheduler), np.ones(3)
    batches = Minibatches(data, size=4, seed=1)
    with config.set(seed=7):
        whole = fit(step, start, batches, **settings)
    settings["checkpoint"] = tmp_path / "c"
    with config.set(seed=7), pytest.raises(Stop):
        fit(_breaking(step, at), start, batches, **settings)
    with config.set(seed=7):
        other = fit(step, start + 1, batches, **{**settings, "checkpoint": None})
        rest = fit(step, start, batches, **settings)  # the second run of this seed's

    assert rest.params.tobytes() == whole.params.tobytes()
    assert (rest.losses, rest.metrics) == (whole.losses, whole.metrics)
    assert [e.validation for e in rest.epochs] == [e.validation for e in whole.epochs]
    assert len({metrics["n"] for metrics in whole.metrics}) > 6
    assert other.losses != whole.losses


def _saved(path: Path, **others: Any) -> Any:
    """Train a little by settings of which some are others."""
    x = np.arange(8.0)
    given = {
        "params": {"w": np.ones(3), "b": np.zeros(2)},
        "update": adam(lr=0.01),
        "batches": Minibatches(x, size=4, seed=0),
        "epochs": 1,
        **others,
    }

    def step(params: Any, _: Any) -> Any:
        return 1.0, {name: np.ones_like(value) for name, value in params.items()}

    return fit(step, given.pop("params"), given.pop("batches"), checkpoint=path, **given)


X = np.arange(8.0)
OTHERS = [
    ({"update": adam(lr=0.02)}, r"update: was .*Scale\(lr=0.01\).* is .*Scale\(lr=0.02\)"),
    ({"update": adam(lr=Cosine(0.01, 9))}, r"update: was .* is .*Cosine\(start=0.01, n_steps=9"),
    (
        {"update": chain(ClipNorm(1.0), adam(lr=0.01))},
        r"update: was .* is .*ClipNorm\(limit=1.0\)",
    ),
    ({"batches": Minibatches(X, size=2, seed=0)}, "batches: was .*size=4.* is .*size=2"),
    ({"batches": Minibatches(X, size=4, seed=1)}, "batches: was .*seed=0.* is .*seed=1"),
    ({"batches": Minibatches(X[:6], size=4, seed=0)}, "batches: was .*8 rows.* is .*6 rows"),
    ({"batches": Minibatches(X + 1, size=4, seed=0)}, "content of the batches: was .*, is "),
    ({"batches": [X]}, "batches: was Minibatches.*, is list of 1"),
    ({"min_delta": 0.5}, "min_delta: was 0.0, is 0.5"),
    (
        {"params": {"w": np.ones(3, np.float32), "b": np.zeros(2)}},
        r"params\['w'\]: was float64 \(3,\), is float32 \(3,\)",
    ),
    (
        {"params": {"w": np.ones(3), "b": np.zeros(4)}},
        r"params\['b'\]: was float64 \(2,\), is float64 \(4,\)",
    ),
    ({"params": {"w": np.ones(3)}}, r"params\['b'\]: was float64 \(2,\), is not there"),
]


@pytest.mark.parametrize(("others", "message"), OTHERS)
def test_a_checkpoint_tells_what_differs_and_is_left_alone(
    tmp_path: Path, others: Any, message: str
) -> None:
    _saved(tmp_path / "c")
    before = (tmp_path / "c").read_bytes()

    with pytest.raises(CheckpointError, match=message) as caught:
        _saved(tmp_path / "c", epochs=2, **others)

    told = [line for line in str(caught.value).splitlines() if ": was " in line]
    assert len(told) == len([message]) + ("rows" in message)
    assert (tmp_path / "c").read_bytes() == before


def test_all_differences_are_told_at_once_and_another_default_seed_is_one(tmp_path: Path) -> None:
    with config.set(seed=3):
        _saved(tmp_path / "c")

    with pytest.raises(CheckpointError) as caught:
        _saved(tmp_path / "c", update=sgd(), batches=Minibatches(X, size=4, seed=5))

    told = [
        line.split(":")[0].strip() for line in str(caught.value).splitlines() if ": was " in line
    ]
    assert told[-3:] == ["update", "batches", "seed"]


def test_the_same_settings_made_anew_and_more_epochs_are_no_difference(tmp_path: Path) -> None:
    _saved(tmp_path / "c")

    def update(p: Any, g: Any, s: Any) -> Any:
        return p, s

    def other(p: Any, g: Any, s: Any) -> Any:
        return p, s

    assert len(_saved(tmp_path / "c", epochs=3).epochs) == 3
    _saved(tmp_path / "d", update=update)
    _saved(tmp_path / "d", update=update, epochs=2)
    with pytest.raises(CheckpointError, match=r"update: was .*\.update>, is .*\.other>"):
        _saved(tmp_path / "d", update=other, epochs=3)


def test_a_fit_is_gone_on_from_with_other_settings_and_left_alone(tmp_path: Path) -> None:
    _saved(tmp_path / "c", update=sgd(lr=1.0))
    so_far = load(tmp_path / "c")

    more = _saved(tmp_path / "d", params=so_far, update=sgd(lr=0.5), epochs=2)

    assert type(so_far) is Fit
    assert (so_far.n_done, len(so_far.epochs)) == (2, 1)
    assert (more.n_done, len(more.epochs), len(more.losses)) == (4, 2, 4)
    assert more.params["w"].tolist() == [1 - 2 * 1.0 - 2 * 0.5] * 3
    again = _saved(tmp_path / "d", params=load(tmp_path / "c"), update=sgd(lr=0.5), epochs=2)
    assert again.params["w"].tolist() == more.params["w"].tolist()


def test_the_partial_of_an_error_is_gone_on_from() -> None:
    def step(w: float, x: float) -> tuple[float, float]:
        return 0.0, x

    with pytest.raises(TrainingError) as caught:
        fit(step, 0.0, [1.0, float("nan")], update=sgd(lr=1.0))

    found = fit(step, caught.value.partial, [1.0, 2.0], update=sgd(lr=1.0))
    assert (found.params, found.n_done) == (-3.0, 2)


def test_a_checkpoint_of_an_older_release_is_told(tmp_path: Path) -> None:
    (tmp_path / "c").write_bytes(b"lazygraph checkpoint 1\nabc")

    with pytest.raises(CheckpointError, match="written by an older release"):
        _saved(tmp_path / "c")


def test_what_a_killed_process_left_half_written_is_removed_and_what_a_living_one_writes_is_not(
    tmp_path: Path,
) -> None:
    """Each process stops in the middle of writing; one is killed there."""
    import subprocess

    program = """
import os, sys
from lazygraph import files
def stopped(_):
    print("writing", flush=True)
    sys.stdin.read()
files.os.fsync = stopped
files.write_whole(sys.argv[1], b"half")
"""
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    command = [sys.executable, "-c", program]
    with (
        subprocess.Popen([*command, str(tmp_path / "dead")], **pipes) as dead,
        subprocess.Popen([*command, str(tmp_path / "alive")], **pipes) as alive,
    ):
        try:
            for process in (dead, alive):
                assert process.stdout.readline() == b"writing\n"
            assert len(list(tmp_path.iterdir())) == 2
            dead.kill()
            dead.wait()

            _saved(tmp_path / "c")

            left = [path.name for path in tmp_path.iterdir() if path.name != "c"]
            assert len(left) == 1
            assert f"-{alive.pid}-" in left[0]
        finally:
            alive.communicate()
    assert (tmp_path / "alive").read_bytes() == b"half"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alive", "c"]
