"""Many comparisons at once: Holm's procedure."""

from __future__ import annotations

from collections.abc import Sequence

#: Level of every family of comparisons.
LEVEL = 0.05


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted so that those at most .05 are wrong once in 20 families (Holm 1979).

    Holds however the comparisons depend on each other.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def at_level(p_value: float) -> bool:
    """Return whether a p-value is at most the level, rounding of multiples of it aside."""
    return p_value <= LEVEL + 1e-9
