"""The loop: batches through a step, gradients through an optimizer, until it is enough."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
from toolz import merge_with

from lazygraph import config
from lazygraph.errors import CaptureError, CheckpointError, OptionError, TrainingError
from lazygraph.files import remove_leftovers
from lazygraph.randomness import choose_seed, seeded
from lazygraph.schedulers.explain import add_note
from lazygraph.tasks.reprs import short_repr
from lazygraph.tasks.tree_paths import leaves_with_path, path_text
from lazygraph.train import checkpoints
from lazygraph.train.history import Epoch, Fit
from lazygraph.train.optimizers import adam, adamw, momentum, sgd
from lazygraph.train.progress import Progress, progress_of
from lazygraph.train.settings import differences, settings_of

__all__ = ["fit"]


Update: TypeAlias = Callable[[Any, Any, Any], tuple[Any, Any]]

#: Where a step, and what validates after an epoch, draw from.
_STEPS, _VALIDATIONS = 0, 1


_SGD = sgd()


def fit(
    step: Callable[..., tuple[Any, Any]],
    params: Any,
    batches: Callable[[int], Iterable[Any]] | Iterable[Any],
    *,
    update: Update = _SGD,
    epochs: int = 1,
    validate: Callable[[Any], float] | None = None,
    patience: int | None = None,
    min_delta: float = 0.0,
    checkpoint: str | os.PathLike[str] | None = None,
    save_every: int | None = None,
    progress: bool | None = None,
) -> Fit:
    """Train parameters: a step's gradients through an optimizer, batch after batch.

    Parameters
    ----------
    step : callable
        ``step(params, *batch)`` gives loss and gradients: what
        ``lazygraph.function([params, x, y], lazygraph.value_and_grad(loss, params))`` is. As a
        third it may give metrics, a dict of numbers: ``(*value_and_grad(loss, params), {"accuracy":
        accuracy})``; an epoch has their means.
    params : array or number, or containers of such (dicts, lists, dataclasses, ...); or Fit
        Where to begin. Left alone. A `Fit` is gone on from, with the settings that are given
        now: what `load` reads, or the ``partial`` of an error.
    batches : callable or iterable
        `Minibatches`, or any function of an epoch's number that gives its batches; or a list of
        batches, the same in each epoch. A batch is a tuple of arguments, or one.
    update : Optimizer or callable
        ``sgd()``, ``momentum()``, ``adam()``, ``adamw()`` with settings of yours, or a `chain`;
        or any function: ``update(params, grads, state)`` gives parameters and state.
    epochs : int
        How often to go through the batches.
    validate : callable, optional
        Of the parameters, after each epoch: a number, smaller for better.
    patience : int, optional
        End after so many epochs without a better validation.
    min_delta : float
        By how much better counts.
    checkpoint : path, optional
        Where to save how far it is; if there is a file, the run goes on from it, and gives what
        it would have given without the break, to the bit. If parameters' shapes or dtypes, the
        optimizer, the batches, the default seed or `min_delta` are others, it is refused.
    save_every : int, optional
        Save after so many steps, too; by default after each epoch.
    progress : bool, optional
        A line per epoch, and a bar (``lazygraph[train]`` brings tqdm); by default on a terminal
        only.

    Returns
    -------
    Fit

    Raises
    ------
    TrainingError
        If a loss or a gradient is not finite, with the `Fit` before that step as its
        ``partial``; or a validation is NaN, there are no batches, or gradients do not fit the
        parameters.
    CheckpointError
        If the checkpoint is damaged, something else or of a run with other settings, each of
        which is told; or cannot be written, which is tried before the first step.
    OptionError
        For a setting that makes no sense.

    Notes
    -----
    On Ctrl-C, or an error in a step, the exception's ``partial`` is the `Fit` so far, and
    is saved where there is a checkpoint. With one, all data of `Minibatches` are read once, to
    know them again.

    Under ``config.set(seed=0)``, or in a task with a seed, what a step's tasks draw follows from
    the seed and the step's number.
    """
    _check(epochs, patience, validate, save_every)
    _check_made(update)
    if not min_delta >= 0:
        raise OptionError(f"min_delta is 0 or more, not {min_delta!r}")
    path = None if checkpoint is None else Path(checkpoint)
    run = _Run(step, batches, update, validate, min_delta, path, save_every)
    so_far = run.begun(params)
    run.save(so_far)  # better now than after an hour if it cannot be
    total = len(batches) * epochs if isinstance(batches, Sized) else None
    shown = progress_of(progress, total, len(so_far.losses))
    try:
        while not (reason := _why_end(so_far, epochs, patience)):
            run.epoch(so_far, shown)
            run.save(so_far)
    except BaseException as error:
        _keep(error, so_far, run)
        raise
    finally:
        shown.close()
    so_far.reason = reason
    if so_far.best is not None:
        so_far.params = so_far.best[2]
    return so_far


def _check(epochs: Any, patience: Any, validate: Any, save_every: Any) -> None:
    for name, value in (("epochs", epochs), ("patience", patience), ("save_every", save_every)):
        if value is not None and (type(value) is not int or value < 1):
            raise OptionError(f"{name} is a count, 1 or more, not {value!r}")
    if patience is not None and validate is None:
        raise OptionError("patience needs validate=, which says what is better")


def _check_made(update: Any) -> None:
    made = update.func if isinstance(update, partial) else update
    if made in (sgd, momentum, adam, adamw):
        name = made.__name__
        raise OptionError(
            f"{name} makes an optimizer: write update={name}(lr=...), and not {update}"
        )


def _why_end(so_far: Fit, epochs: int, patience: int | None) -> str:
    """Return why training is to end; an empty text while there is no reason."""
    best, n_epochs = so_far.best, len(so_far.epochs)
    if patience is not None and best is not None and n_epochs - 1 - best[1] >= patience:
        return "patience"
    return "epochs" if n_epochs >= epochs else ""


def _keep(error: BaseException, so_far: Fit, run: _Run) -> None:
    """Let an exception lead to what has been done."""
    error.partial = so_far  # type: ignore[attr-defined]
    place = f"epoch {len(so_far.epochs)}, step {so_far.n_steps}"
    add_note(error, f"fit stopped in {place}; the exception's .partial is the Fit so far")
    try:
        run.save(so_far)
    except CheckpointError as failed:
        if not isinstance(error, CheckpointError):
            add_note(error, str(failed))


def _read(result: Any) -> tuple[float, Any, dict[str, float]]:
    """Return the loss, the gradients and the metrics that a step gave, checked."""
    if not isinstance(result, (tuple, list)) or len(result) not in (2, 3):
        raise TrainingError(
            "a step gives loss and gradients, as value_and_grad does, and perhaps metrics, not "
            + short_repr(result)
        )
    loss, grads, *others = result
    metrics = others[0] if others else {}
    if not isinstance(metrics, Mapping):
        raise TrainingError(f"metrics are a dict of numbers, not {short_repr(metrics)}")
    named = {str(name): _number(f"metric {name!r}", value) for name, value in metrics.items()}
    return _number("a loss", loss), grads, named


def _number(what: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, CaptureError) as error:
        raise TrainingError(f"{what} is one number, not {short_repr(value)}") from error


@dataclass
class _Run:
    """What stays the same in a training run."""

    step: Callable[..., tuple[Any, Any]]
    batches: Any
    update: Update
    validate: Callable[[Any], float] | None
    min_delta: float
    path: Path | None
    save_every: int | None

    def begun(self, params: Any) -> Fit:
        """Return where the run begins: at its checkpoint, at a `Fit`, or at parameters."""
        given = params if isinstance(params, Fit) else Fit(params)
        fresh = replace(
            given,
            losses=given.losses[: given.n_done],
            metrics=given.metrics[: given.n_done],
            epochs=given.epochs.copy(),
            seed=given.seed or choose_seed(None, config.settings()["seed"]),
        )
        if self.path is None:
            return fresh
        remove_leftovers(self.path.parent)
        fresh.settings = settings_of(given.params, self.update, self.batches, self.min_delta)
        fresh.settings["seed"] = "None" if fresh.seed is None else str(fresh.seed.entropy)
        return self._resumed(fresh.settings) or fresh

    def _resumed(self, settings: Mapping[str, str]) -> Fit | None:
        """Return where a run of this checkpoint has got to; None without one."""
        saved = checkpoints.load(self.path)  # type: ignore[arg-type]
        if saved is not None and not isinstance(saved, Fit):
            raise CheckpointError(f"{self.path} holds {short_repr(saved)}, not a training run")
        found = differences(saved.settings, settings) if saved else []
        if found:
            raise CheckpointError(
                f"{self.path} is of a run with other settings:\n  " + "\n  ".join(found) + "\n"
                "Give what was, or another path, or delete it to start anew; to go on from it all "
                f"the same, give lazygraph.train.load({str(self.path)!r}) in place of the "
                "parameters, and another path."
            )
        return saved

    def save(self, so_far: Fit) -> None:
        """Save how far it is, where there is a place for it."""
        if self.path is not None:
            checkpoints.save(self.path, so_far)

    def epoch(self, so_far: Fit, shown: Progress) -> None:
        """Go through the batches once, or through those that are left."""
        number = len(so_far.epochs)
        start = perf_counter() - so_far.seconds
        for batch in self._left(number, so_far.n_steps):
            params, state, loss, metrics = self._stepped(so_far, batch)
            so_far.losses[so_far.n_done :] = [loss]
            so_far.metrics[so_far.n_done :] = [metrics]
            # In one go: Ctrl-C must not come between parameters and the count of steps.
            vars(so_far).update(
                params=params,
                state=state,
                n_done=so_far.n_done + 1,
                seconds=perf_counter() - start,
            )
            shown.step(loss)
            if self.save_every and so_far.n_steps % self.save_every == 0:
                self.save(so_far)
        if not so_far.n_steps:
            once = "; what can be gone through once only must become a list" if number else ""
            raise TrainingError(f"epoch {number} has no batches{once}")
        mean = sum(so_far.losses[-so_far.n_steps :]) / so_far.n_steps
        metrics = merge_with(fmean, so_far.metrics[-so_far.n_steps :])
        with _drawing(so_far, _VALIDATIONS, number):
            validation = self._validated(so_far, number)
        # The epoch is over when it stands here. Broken off before, it is validated again.
        seconds = perf_counter() - start
        so_far.epochs.append(Epoch(number, mean, validation, seconds, so_far.n_done, metrics))
        so_far.seconds = 0.0
        shown.epoch(str(so_far.epochs[-1]))

    def _validated(self, so_far: Fit, number: int) -> float | None:
        """Return what `validate` gives; note the parameters if they are the best."""
        if self.validate is None:
            return None
        validation = float(self.validate(so_far.params))
        if math.isnan(validation):
            raise TrainingError(f"the validation is NaN after epoch {number}")
        if so_far.best is None or validation < so_far.best[0] - self.min_delta:
            so_far.best = validation, number, so_far.params
        return validation

    def _left(self, number: int, n_done: int) -> Iterator[tuple[Any, ...]]:
        found = self.batches(number) if callable(self.batches) else self.batches
        for n, batch in enumerate(found):
            if n >= n_done:
                yield batch if isinstance(batch, tuple) else (batch,)

    def _stepped(
        self, so_far: Fit, batch: tuple[Any, ...]
    ) -> tuple[Any, Any, float, dict[str, float]]:
        with _drawing(so_far, _STEPS, so_far.n_done):
            loss, grads, metrics = _read(self.step(so_far.params, *batch))
        place = f"in epoch {len(so_far.epochs)}, step {so_far.n_steps}"
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss} {place}: a smaller lr may help, and check_finite=True names "
                "the task that made it"
            )
        params, state = self.update(so_far.params, grads, so_far.state)
        for grad, path in leaves_with_path(grads):
            if not np.isfinite(grad).all():
                raise TrainingError(
                    f"the gradient{path_text(path)} is not finite {place}, though the loss is: "
                    "check_finite=True names the task that made it"
                )
        return params, state, loss, metrics


def _drawing(so_far: Fit, kind: int, n: int) -> AbstractContextManager[None]:
    """Let what is drawn in a block follow from the run's seed and the place in the run."""
    return nullcontext() if so_far.seed is None else seeded(so_far.seed.at(kind).at(n))
