"""Solve a problem: the entry point, the statuses and one file a method."""

from kernel_ot.solvers._choice import METHODS as METHODS, check_method as check_method
from kernel_ot.solvers._lifting import lift
from kernel_ot.solvers._method import Method, StartingPoint as StartingPoint, State as State
from kernel_ot.solvers._solution import Progress, Records, Solution as Solution
from kernel_ot.solvers._solve import solve as solve
from kernel_ot.solvers._status import Status as Status
from kernel_ot.solvers.interior_point._full_rank import FullRankInteriorPoint
from kernel_ot.solvers.interior_point._general import InteriorPoint
from kernel_ot.solvers.jax._batch import solve_batch as solve_batch
from kernel_ot.solvers.published._accelerated_gradient import AcceleratedGradient
from kernel_ot.solvers.published._extragradient import Extragradient
from kernel_ot.solvers.published._safeguarded_newton import SafeguardedSemismoothNewton
from kernel_ot.solvers.published._short_step import ShortStep
from kernel_ot.solvers.semismooth._semismooth_newton import SemismoothNewton

__all__ = [
    "AcceleratedGradient",
    "Extragradient",
    "FullRankInteriorPoint",
    "InteriorPoint",
    "Method",
    "Progress",
    "Records",
    "SafeguardedSemismoothNewton",
    "SemismoothNewton",
    "ShortStep",
    "lift",
]
