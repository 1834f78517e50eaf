"""Potentials: functions evaluated in blocks at any points, and the maps they define."""

from kernel_ot.potentials._entropic import EntropicPotential, EntropicPotentials
from kernel_ot.potentials._expansion import KernelExpansion
from kernel_ot.potentials._potentials import (
    PotentialFunction,
    Potentials,
    hessian_of,
    value_and_gradient,
)
from kernel_ot.potentials._weighted_sum import WeightedSum, weighted_sum

__all__ = [
    "EntropicPotential",
    "EntropicPotentials",
    "KernelExpansion",
    "PotentialFunction",
    "Potentials",
    "WeightedSum",
    "hessian_of",
    "value_and_gradient",
    "weighted_sum",
]
