"""Filling points: where the constraint on the potentials is imposed."""

from kernel_ot.filling._filling import FillingStrategy as FillingStrategy, filling_points
from kernel_ot.filling._pairs import (
    mixed_pairs as mixed_pairs,
    plan_pairs as plan_pairs,
    random_pairs as random_pairs,
)

__all__ = ["filling_points"]
