"""How far a training run is, and what each of its epochs came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lazygraph.randomness import Seed
from lazygraph.tasks.reprs import counted

__all__ = ["Epoch", "Fit"]


@dataclass(frozen=True)
class Epoch:
    """What an epoch came to: means of its steps' losses and metrics, what `validate` gave."""

    number: int
    loss: float
    validation: float | None
    seconds: float
    n_done: int  # steps of the run by its end
    metrics: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        shown = {"loss": self.loss, **self.metrics}
        if self.validation is not None:
            shown["validation"] = self.validation
        return f"epoch {self.number}: {', '.join(f'{k} {v:.4g}' for k, v in shown.items())}"


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
    metrics : list of dict
        What each step gave beside the loss.
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
    metrics: list[Mapping[str, float]] = field(default_factory=list)
    #: Where its steps draw from, and what it was made with: a resumed run must agree.
    seed: Seed | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def n_steps(self) -> int:
        """Steps done in the epoch that is under way."""
        return self.n_done - (self.epochs[-1].n_done if self.epochs else 0)

    def __repr__(self) -> str:
        last = f", {self.epochs[-1]}" if self.epochs else ""
        return f"Fit({counted(len(self.losses), 'step')}{last})"
