"""Potentials: functions evaluated in blocks at any points, and the maps they define.

Nothing here is public; users take `Potentials` and `KernelExpansion` from `kernel_ot`.
"""

from kernel_ot.potentials._entropic import (
    EntropicPotential as EntropicPotential,
    EntropicPotentials as EntropicPotentials,
)
from kernel_ot.potentials._expansion import KernelExpansion as KernelExpansion
from kernel_ot.potentials._potentials import (
    PotentialFunction as PotentialFunction,
    Potentials as Potentials,
    hessian_of as hessian_of,
    value_and_gradient as value_and_gradient,
)
from kernel_ot.potentials._spline import SplinePotential as SplinePotential
from kernel_ot.potentials._weighted_sum import (
    WeightedSum as WeightedSum,
    weighted_sum as weighted_sum,
)
