"""How much work a search may do, counted in links looked at: the same on every machine."""

from __future__ import annotations

__all__ = ["Budget"]


class Budget:
    """Links that may still be looked at."""

    def __init__(self, links: int) -> None:
        self.left = links

    def spend(self, links: int) -> bool:
        """Take as many away; whether there were any left."""
        self.left -= links
        return self.left >= 0
