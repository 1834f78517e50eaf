"""The finite-dimensional kernel optimal transport problem and its optimality conditions."""

from kernel_ot.problem._operators import (
    adjoint,
    constraint_matrix,
    objective,
    objective_gradient,
    operator,
    transport_cost,
)
from kernel_ot.problem._optimality import OptimalityReport, check_optimality
from kernel_ot.problem._pair_terms import PotentialSpaces, linear_term
from kernel_ot.problem._problem import Problem, Provenance

__all__ = [
    "OptimalityReport",
    "PotentialSpaces",
    "Problem",
    "Provenance",
    "adjoint",
    "check_optimality",
    "constraint_matrix",
    "linear_term",
    "objective",
    "objective_gradient",
    "operator",
    "transport_cost",
]
