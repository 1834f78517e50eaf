"""The finite-dimensional kernel optimal transport problem and its optimality conditions."""

from kernel_ot.problem._extended import accurate_cost, accurate_objective
from kernel_ot.problem._operators import (
    adjoint,
    constraint_matrix,
    objective,
    objective_gradient,
    operator,
    transport_cost,
)
from kernel_ot.problem._optimality import (
    OptimalityReport,
    Stationarity,
    check_optimality,
    complementarity,
    gradient_size,
    restoration,
    stationarity,
)
from kernel_ot.problem._pair_terms import PotentialSpaces, linear_term
from kernel_ot.problem._potential_gram import stationary_at_contact, with_potential_gram
from kernel_ot.problem._problem import Problem
from kernel_ot.problem._provenance import Provenance

__all__ = [
    "OptimalityReport",
    "PotentialSpaces",
    "Problem",
    "Provenance",
    "Stationarity",
    "accurate_cost",
    "accurate_objective",
    "adjoint",
    "check_optimality",
    "complementarity",
    "constraint_matrix",
    "gradient_size",
    "linear_term",
    "objective",
    "objective_gradient",
    "operator",
    "restoration",
    "stationarity",
    "stationary_at_contact",
    "transport_cost",
    "with_potential_gram",
]
