"""Solve a problem: the entry point, the statuses and one file a method."""

from kernel_ot.solvers._accelerated_gradient import AcceleratedGradient
from kernel_ot.solvers._batch import solve_batch
from kernel_ot.solvers._choice import METHODS, check_method_name
from kernel_ot.solvers._extragradient import Extragradient
from kernel_ot.solvers._interior_point import InteriorPoint
from kernel_ot.solvers._interior_point_full_rank import FullRankInteriorPoint
from kernel_ot.solvers._lifting import lift
from kernel_ot.solvers._method import Method, StartingPoint, State
from kernel_ot.solvers._short_step import ShortStep
from kernel_ot.solvers._solution import Progress, Solution
from kernel_ot.solvers._solve import solve
from kernel_ot.solvers._ssn import SemismoothNewton
from kernel_ot.solvers._ssn_extragradient import SafeguardedSemismoothNewton
from kernel_ot.solvers._status import Status
from kernel_ot.solvers._traced_solution import TracedSolution

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
