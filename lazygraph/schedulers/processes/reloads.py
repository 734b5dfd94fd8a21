"""Notices that a module was reloaded, which workers that have imported it cannot know."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["Reloads"]


class Reloads:
    """The modules that workers may have imported, as they were."""

    def __init__(self) -> None:
        self._specs = _specs()

    @property
    def any(self) -> bool:
        """Whether one of them was reloaded since."""
        return any(
            name in sys.modules and _spec(sys.modules[name]) is not spec
            for name, spec in self._specs.items()
        )

    def note(self) -> None:
        """Note that workers may by now have imported what this process has imported since."""
        if len(sys.modules) != len(self._specs):
            self._specs = {**_specs(), **self._specs}


def _specs() -> dict[str, Any]:
    return {name: _spec(module) for name, module in list(sys.modules.items())}


def _spec(module: Any) -> Any:
    """Return what a reload replaces, from the module's dict: lazy modules answer as they like."""
    return getattr(module, "__dict__", {}).get("__spec__")
