"""The loop: batches through a step, gradients through an optimizer, until it is enough."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from lazygraph.errors import CaptureError, CheckpointError, OptionError, TrainingError
from lazygraph.schedulers.explain import add_note
from lazygraph.tasks.reprs import short_repr
from lazygraph.train import checkpoints
from lazygraph.train.optimizers import sgd
from lazygraph.train.progress import Progress, progress_of
from lazygraph.train.trees import have_equal_shapes, shapes_of

__all__ = ["Epoch", "Fit", "fit"]


@dataclass(frozen=True)
class Epoch:
    """What an epoch came to: its number, the mean of its steps' losses, what `validate` gave."""

    number: int
    loss: float
    validation: float | None
    seconds: float
    n_done: int  # steps of the run by its end

    def __str__(self) -> str:
        shown = "" if self.validation is None else f", validation {self.validation:.4g}"
        return f"epoch {self.number}: loss {self.loss:.4g}{shown}"


@dataclass
class Fit:
    """How far a training run is.

    Attributes
    ----------
    params
        The parameters: of the best epoch where `validate` is given, else the last.
    state
        The optimizer's.
    losses : list of float
        One for each step.
    epochs : list of Epoch
    reason : str
        Why it ended: "epochs", "patience", or "" while it goes on.
    """

    params: Any
    state: Any = None
    losses: list[float] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)
    reason: str = ""
    #: Steps done in all, and the seconds of the epoch that is under way.
    n_done: int = 0
    seconds: float = 0.0
    best: tuple[float, int, Any] | None = None  # validation, epoch, parameters

    @property
    def n_steps(self) -> int:
        """Steps done in the epoch that is under way."""
        return self.n_done - (self.epochs[-1].n_done if self.epochs else 0)

    def __repr__(self) -> str:
        last = f", {self.epochs[-1]}" if self.epochs else ""
        return f"Fit({len(self.losses)} steps{last})"


def fit(
    step: Callable[..., tuple[Any, Any]],
    params: Any,
    batches: Callable[[int], Iterable[Any]] | Iterable[Any],
    *,
    update: Callable[[Any, Any, Any], tuple[Any, Any]] = sgd,
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
        ``lazygraph.function([params, x, y], lazygraph.value_and_grad(loss, params))`` is.
    params : array or number, or containers of such (dicts, lists, dataclasses, ...)
        Where to begin. Left alone.
    batches : callable or iterable
        `Minibatches`, or any function of an epoch's number that gives its batches; or a list of
        batches, the same in each epoch. A batch is a tuple of arguments, or one.
    update : callable
        ``update(params, grads, state)`` gives parameters and state: `sgd`, `momentum`, `adam`,
        with other settings by `functools.partial`.
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
        it would have given without the break, to the bit. Parameters of other shapes are refused.
    save_every : int, optional
        Save after so many steps, too; by default after each epoch.
    progress : bool, optional
        A bar (``lazygraph[train]`` brings tqdm; without it a line per epoch); by default on
        a terminal only.

    Returns
    -------
    Fit

    Raises
    ------
    TrainingError
        If a loss is not finite, with the `Fit` before that step as its ``partial``; or a
        validation is NaN, there are no batches, or gradients do not fit the parameters.
    CheckpointError
        If the checkpoint is damaged, something else or of another run, or cannot be written,
        which is tried before the first step.
    OptionError
        For a setting that makes no sense.

    Notes
    -----
    On Ctrl-C, or an error in a step, the exception's ``partial`` is the `Fit` so far, and
    is saved where there is a checkpoint.
    """
    _check(epochs, patience, validate, save_every)
    if not min_delta >= 0:
        raise OptionError(f"min_delta is 0 or more, not {min_delta!r}")
    path = None if checkpoint is None else Path(checkpoint)
    run = _Run(step, batches, update, validate, min_delta, path, save_every)
    so_far = run.resumed(params) or Fit(params)
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


def _read(result: Any) -> tuple[float, Any]:
    """Return the loss and the gradients that a step gave, checked."""
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise TrainingError(
            f"a step gives loss and gradients, as value_and_grad does, not {short_repr(result)}"
        )
    loss, grads = result
    try:
        return float(loss), grads
    except (TypeError, ValueError, CaptureError) as error:
        raise TrainingError(f"a loss is one number, not {short_repr(loss)}") from error


@dataclass
class _Run:
    """What stays the same in a training run."""

    step: Callable[..., tuple[Any, Any]]
    batches: Any
    update: Callable[[Any, Any, Any], tuple[Any, Any]]
    validate: Callable[[Any], float] | None
    min_delta: float
    path: Path | None
    save_every: int | None

    def resumed(self, params: Any) -> Fit | None:
        """Return where a run of this checkpoint has got to; None without one."""
        saved = None if self.path is None else checkpoints.load(self.path)
        if saved is not None and not isinstance(saved, Fit):
            raise CheckpointError(f"{self.path} holds {short_repr(saved)}, not a training run")
        if saved is not None and not have_equal_shapes(saved.params, params):
            theirs, ours = short_repr(shapes_of(saved.params)), short_repr(shapes_of(params))
            raise CheckpointError(
                f"{self.path} is of another run: its parameters have the shapes {theirs}, "
                f"not {ours}; give another path, or delete it to start anew"
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
            params, state, loss = self._stepped(so_far, batch)
            del so_far.losses[so_far.n_done :]
            so_far.losses.append(loss)
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
        validation = self._validated(so_far, number)
        # The epoch is over when it stands here. Broken off before, it is validated again.
        so_far.epochs.append(Epoch(number, mean, validation, perf_counter() - start, so_far.n_done))
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

    def _stepped(self, so_far: Fit, batch: tuple[Any, ...]) -> tuple[Any, Any, float]:
        number, grads = _read(self.step(so_far.params, *batch))
        if not math.isfinite(number):
            raise TrainingError(
                f"the loss is {number} in epoch {len(so_far.epochs)}, step {so_far.n_steps}: a "
                "smaller lr may help, and check_finite=True names the task that made it"
            )
        params, state = self.update(so_far.params, grads, so_far.state)
        return params, state, number
