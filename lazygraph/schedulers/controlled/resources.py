"""Counts what is left of each resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from fractions import Fraction

__all__ = ["Demand", "Resources"]

#: What a step uses: resources and amounts.
Demand: TypeAlias = tuple[tuple[str, float], ...]


def _exact(amount: float) -> int | Fraction:
    """Return the number as it was written: three times 0.1 is 0.3, and nothing drifts."""
    if type(amount) is int:
        return amount
    from fractions import Fraction  # late: 4 ms to import, and most amounts are whole

    return Fraction(repr(float(amount)))


class Resources:
    """What is left of each resource."""

    def __init__(self, limits: Mapping[str, float]) -> None:
        self._spare = {name: _exact(amount) for name, amount in limits.items()}
        self._exact: dict[Demand, tuple[tuple[str, int | Fraction], ...]] = {}

    def __repr__(self) -> str:
        return f"Resources({self.spare})"

    @property
    def spare(self) -> dict[str, float]:
        """How much is left, by resource."""
        return {name: float(amount) for name, amount in self._spare.items()}

    def _amounts(self, demand: Demand) -> tuple[tuple[str, int | Fraction], ...]:
        if demand not in self._exact:
            self._exact[demand] = tuple((name, _exact(amount)) for name, amount in demand)
        return self._exact[demand]

    def has(self, demand: Demand) -> bool:
        """Whether there is enough."""
        return all(self._spare[name] >= amount for name, amount in self._amounts(demand))

    def take(self, demand: Demand) -> None:
        """Use it."""
        for name, amount in self._amounts(demand):
            self._spare[name] -= amount

    def give_back(self, demand: Demand) -> None:
        """Use it no longer."""
        for name, amount in self._amounts(demand):
            self._spare[name] += amount
