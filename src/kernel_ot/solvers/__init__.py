"""Solve a problem: the entry point, the statuses and one file a method."""

from kernel_ot.solvers._choice import METHODS, check_method_name
from kernel_ot.solvers._lifting import lift
from kernel_ot.solvers._method import Method, StartingPoint, State
from kernel_ot.solvers._solution import Progress, Solution
from kernel_ot.solvers._solve import solve
from kernel_ot.solvers._status import Status
from kernel_ot.solvers.interior_point._full_rank import FullRankInteriorPoint
from kernel_ot.solvers.interior_point._general import InteriorPoint
from kernel_ot.solvers.jax._batch import solve_batch
from kernel_ot.solvers.jax._solution import TracedSolution
from kernel_ot.solvers.published._accelerated_gradient import AcceleratedGradient
from kernel_ot.solvers.published._extragradient import Extragradient
from kernel_ot.solvers.published._safeguarded_newton import SafeguardedSemismoothNewton
from kernel_ot.solvers.published._short_step import ShortStep
from kernel_ot.solvers.semismooth._semismooth_newton import SemismoothNewton

__all__ = [
    "METHODS",
    "AcceleratedGradient",
    "Extragradient",
    "FullRankInteriorPoint",
    "InteriorPoint",
    "Method",
    "Progress",
    "SafeguardedSemismoothNewton",
    "SemismoothNewton",
    "ShortStep",
    "Solution",
    "StartingPoint",
    "State",
    "Status",
    "TracedSolution",
    "check_method_name",
    "lift",
    "solve",
    "solve_batch",
]
