"""Filling points: where the constraint on the potentials is imposed."""

from kernel_ot.filling._filling import FillingStrategy, filling_points
from kernel_ot.filling._pairs import mixed_pairs, plan_pairs, random_pairs
from kernel_ot.filling._sobol import sobol_points

__all__ = [
    "FillingStrategy",
    "filling_points",
    "mixed_pairs",
    "plan_pairs",
    "random_pairs",
    "sobol_points",
]
