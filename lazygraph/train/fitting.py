"""The loop: batches through a step, gradients through an optimizer, until it is enough."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from lazygraph.errors import CheckpointError, OptionError, TrainingError
from lazygraph.schedulers.failure import add_note
from lazygraph.shorten import short_repr
from lazygraph.train import checkpoints
from lazygraph.train.optimizers import sgd
from lazygraph.train.progress import Progress, progress_of

__all__ = ["Epoch", "Fit", "fit"]


@dataclass(frozen=True)
class Epoch:
    """What an epoch came to: its number, its mean loss, what `validate` gave, its seconds."""

    number: int
    loss: float
    validation: float | None
    seconds: float

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
    #: Steps done, in all and in the epoch that is under way; that one's seconds.
    n_done: int = 0
    n_steps: int = 0
    seconds: float = 0.0
    best: tuple[float, int, Any] | None = None  # validation, epoch, parameters

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
    params : array or number, or dicts, lists, tuples of such
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
        it would have given without the break, to the bit.
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
        If a loss is not finite; its ``partial`` is the `Fit` before that step.
    CheckpointError
        If the checkpoint is damaged or something else, or cannot be written.
    OptionError
        For a setting that makes no sense.

    Notes
    -----
    On Ctrl-C, or an error in a step, the exception's ``partial`` is the `Fit` so far, and
    is saved where there is a checkpoint.
    """
    _check(epochs, patience, validate, save_every)
    path = None if checkpoint is None else Path(checkpoint)
    run = _Run(step, batches, update, validate, path, save_every)
    so_far = run.resumed() or Fit(params)
    total = len(batches) * epochs if isinstance(batches, Sized) else None
    shown = progress_of(progress, total, len(so_far.losses))
    try:
        while not so_far.reason:
            if len(so_far.epochs) >= epochs:
                so_far.reason = "epochs"
                break
            run.epoch(so_far, shown)
            so_far.reason = _out_of_patience(so_far, patience, min_delta)
            run.save(so_far)
    except BaseException as error:
        _keep(error, so_far, run)
        raise
    finally:
        shown.close()
    if so_far.best is not None:
        so_far.params = so_far.best[2]
    return so_far


def _check(epochs: Any, patience: Any, validate: Any, save_every: Any) -> None:
    for name, value in (("epochs", epochs), ("patience", patience), ("save_every", save_every)):
        if value is not None and (type(value) is not int or value < 1):
            raise OptionError(f"{name} is a count, 1 or more, not {value!r}")
    if patience is not None and validate is None:
        raise OptionError("patience needs validate=, which says what is better")


def _out_of_patience(so_far: Fit, patience: int | None, min_delta: float) -> str:
    """Note the epoch if it is the best; why to end, or an empty text."""
    last = so_far.epochs[-1]
    if last.validation is None:
        return ""
    if so_far.best is None or last.validation < so_far.best[0] - min_delta:
        so_far.best = last.validation, last.number, so_far.params
    is_over = patience is not None and last.number - so_far.best[1] >= patience
    return "patience" if is_over else ""


def _keep(error: BaseException, so_far: Fit, run: _Run) -> None:
    """Let an exception lead to what has been done."""
    error.partial = so_far  # type: ignore[attr-defined]
    place = f"epoch {len(so_far.epochs)}, step {so_far.n_steps}"
    add_note(error, f"fit stopped in {place}; the exception's .partial is the Fit so far")
    if not isinstance(error, CheckpointError):
        run.save(so_far)


@dataclass
class _Run:
    """What stays the same in a training run."""

    step: Callable[..., tuple[Any, Any]]
    batches: Any
    update: Callable[[Any, Any, Any], tuple[Any, Any]]
    validate: Callable[[Any], float] | None
    path: Path | None
    save_every: int | None

    def resumed(self) -> Fit | None:
        """Where a run of this checkpoint has got to."""
        saved = None if self.path is None else checkpoints.load(self.path)
        if saved is not None and not isinstance(saved, Fit):
            raise CheckpointError(f"{self.path} holds {short_repr(saved)}, not a training run")
        if saved is not None and saved.reason == "epochs":
            saved.reason = ""  # there may be more of them now
        return saved

    def save(self, so_far: Fit) -> None:
        """Keep how far it is, where there is a place for it."""
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
                n_steps=so_far.n_steps + 1,
                n_done=so_far.n_done + 1,
                seconds=perf_counter() - start,
            )
            shown.step(loss)
            if self.save_every and so_far.n_steps % self.save_every == 0:
                self.save(so_far)
        if not so_far.n_steps:
            raise TrainingError(f"epoch {number} has no batches")
        mean = sum(so_far.losses[-so_far.n_steps :]) / so_far.n_steps
        validation = None if self.validate is None else float(self.validate(so_far.params))
        so_far.epochs.append(Epoch(number, mean, validation, perf_counter() - start))
        so_far.n_steps, so_far.seconds = 0, 0.0
        shown.epoch(str(so_far.epochs[-1]))

    def _left(self, number: int, n_done: int) -> Iterator[tuple[Any, ...]]:
        found = self.batches(number) if callable(self.batches) else self.batches
        for n, batch in enumerate(found):
            if n >= n_done:
                yield batch if isinstance(batch, tuple) else (batch,)

    def _stepped(self, so_far: Fit, batch: tuple[Any, ...]) -> tuple[Any, Any, float]:
        loss, grads = self.step(so_far.params, *batch)
        number = float(loss)
        if not math.isfinite(number):
            raise TrainingError(
                f"the loss is {number} in epoch {len(so_far.epochs)}, step {so_far.n_steps}: a "
                "smaller lr may help, and check_finite=True names the task that made it"
            )
        params, state = self.update(so_far.params, grads, so_far.state)
        return params, state, number
