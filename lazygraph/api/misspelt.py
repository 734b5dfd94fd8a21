"""The name of a method that is called lazily -> the method of a lazy value that was meant."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

__all__ = ["refuse_misspelt"]


def _shortened(word: str) -> set[str]:
    """Return a word, and the word without one of its letters."""
    return {word, *(word[:n] + word[n + 1 :] for n in range(len(word)))}


_OWN_METHODS = ("compute", "persist", "visualize")
_NEAR = {short: own for own in _OWN_METHODS for short in _shortened(own)}


@lru_cache(maxsize=1024)
def _meant(name: str) -> str | None:
    """Return the method that one letter, lost, added, moved or another, makes `name` of.

    What only adds to its name, as ``computed`` or ``compute_all``, is a name of its own.
    """
    near = {_NEAR[short] for short in _shortened(name) if short in _NEAR}
    return next((own for own in near if own not in name), None)


def refuse_misspelt(name: str, args: tuple[Any, ...]) -> None:
    """Raise AttributeError for a call that was meant for a method of the lazy value's own."""
    meant = _meant(name)
    instead = None
    if meant is not None and len(args) <= (meant == "visualize"):
        instead = f".{meant}()"
    elif name == "optimize" and not args:
        instead = "lazygraph.optimize(x)"
    if instead is not None:
        raise AttributeError(
            f"did you mean {instead!r}? A lazy value has no method {name!r} of its own; for that "
            f"of its result: delayed(getattr)(x, {name!r})(...)"
        )
