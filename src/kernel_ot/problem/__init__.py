"""The finite-dimensional kernel optimal transport problem and its optimality conditions."""

from kernel_ot.problem._extended import (
    accurate_cost as accurate_cost,
    accurate_objective as accurate_objective,
)
from kernel_ot.problem._operators import (
    adjoint as adjoint,
    constraint_matrix as constraint_matrix,
    operator as operator,
)
from kernel_ot.problem._optimality import (
    OptimalityReport,
    check_optimality,
    complementarity as complementarity,
    gradient_size as gradient_size,
    restoration as restoration,
    stationarity as stationarity,
)
from kernel_ot.problem._origin import check_origin as check_origin
from kernel_ot.problem._pair_terms import (
    PotentialSpaces as PotentialSpaces,
    linear_term as linear_term,
)
from kernel_ot.problem._potential_gram import (
    stationary_at_contact as stationary_at_contact,
    with_potential_gram as with_potential_gram,
)
from kernel_ot.problem._problem import Problem as Problem
from kernel_ot.problem._provenance import Provenance as Provenance

__all__ = ["OptimalityReport", "check_optimality"]
