"""Potentials: functions evaluated in blocks at any points, and the maps they define."""

from kernel_ot.potentials._expansion import KernelExpansion
from kernel_ot.potentials._potentials import (
    PotentialFunction,
    Potentials,
    hessian_of,
    value_and_gradient,
)

__all__ = ["KernelExpansion", "PotentialFunction", "Potentials", "hessian_of", "value_and_gradient"]
