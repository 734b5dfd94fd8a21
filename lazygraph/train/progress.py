"""Tells how a training run goes: a bar where somebody watches, lines where asked for."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any, Protocol

__all__ = ["Progress", "progress_of"]


class Progress(Protocol):
    """Is told of steps and of epochs' ends."""

    def step(self, loss: float) -> None:
        """Tell that a step is done."""

    def epoch(self, text: str) -> None:
        """Tell that an epoch is over."""

    def close(self) -> None:
        """Tell that the run is over."""


class _Silent:
    def step(self, loss: float) -> None:
        pass

    def epoch(self, text: str) -> None:
        pass

    def close(self) -> None:
        pass


class _Lines(_Silent):
    """A line for each epoch, where there is no tqdm."""

    def epoch(self, text: str) -> None:
        print(text, file=sys.stderr)  # noqa: T201  # its output


class _Bar:
    """tqdm's bar, over all steps; above it a line for each epoch, which stays."""

    def __init__(self, tqdm: Callable[..., Any], total: int | None, done: int) -> None:
        self._bar = tqdm(total=total, initial=done, unit="step")

    def step(self, loss: float) -> None:
        self._bar.set_postfix(loss=f"{loss:.4g}", refresh=False)
        self._bar.update()

    def epoch(self, text: str) -> None:
        self._bar.write(text, file=sys.stderr)

    def close(self) -> None:
        self._bar.close()


def progress_of(wanted: bool | None, total: int | None, done: int) -> Progress:
    """Return what tells of `total` steps, `done` of which are; None: a bar, on a terminal only."""
    if wanted is False or (wanted is None and not sys.stderr.isatty()):
        return _Silent()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that ipywidgets are missing: a bar of text will do
            from tqdm.auto import tqdm  # optional
    except ImportError:
        return _Lines()
    return _Bar(tqdm, total, done)
