"""Solve a problem: the entry point, the statuses and one file a method."""

from kernel_ot.solvers._interior_point import InteriorPoint
from kernel_ot.solvers._interior_point_full_rank import FullRankInteriorPoint
from kernel_ot.solvers._method import Method, StartingPoint, State
from kernel_ot.solvers._solution import Progress, Solution
from kernel_ot.solvers._solve import METHODS, solve
from kernel_ot.solvers._ssn import SemismoothNewton
from kernel_ot.solvers._status import Status

__all__ = [
    "METHODS",
    "FullRankInteriorPoint",
    "InteriorPoint",
    "Method",
    "Progress",
    "SemismoothNewton",
    "Solution",
    "StartingPoint",
    "State",
    "Status",
    "solve",
]
