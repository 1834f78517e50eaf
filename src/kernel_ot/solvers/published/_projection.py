"""What the methods that project on the positive semidefinite matrices share."""

from __future__ import annotations

from kernel_ot._arrays import Array, Scalar, namespace_of
from kernel_ot._linalg import generic_vector, gram, smallest_eigenvalue
from kernel_ot.problem import Problem, complementarity, restoration, stationarity

# Products with a matrix spent on its norm, which is estimated cautiously: from above.
_NORM_PRODUCTS = 20


def curvature_norms(problem: Problem) -> tuple[Scalar, Scalar]:
    """Return upper estimates of `|Q| / (2 lambda_2)` and of `|A|`, spectral norms.

    `A A* = K o K`, so `|A|` is the root of the largest eigenvalue of an l x l matrix.
    """
    xp = namespace_of(problem.features)

    def norm(matrix: Array) -> Scalar:
        start = generic_vector(problem.n_fill, matrix)
        return -smallest_eigenvalue(lambda v: -(matrix @ v), start, _NORM_PRODUCTS)

    gradient = norm(problem.quadratic) / (2 * problem.reg_potential)
    return gradient, xp.sqrt(norm(gram(problem.features) ** 2))


def kkt_estimate(
    problem: Problem, gamma: Array, multiplier: Array, constraint: Array, violation: Scalar
) -> Scalar:
    """Return the residual of `OptimalityReport`, given how far M(gamma) is from the cone.

    Parameters
    ----------
    problem : Problem
    gamma : array of shape (l,)
    multiplier : array of shape (r, r)
        Positive semidefinite.
    constraint : array of shape (r, r)
        M(gamma).
    violation : array of shape ()
        Upper bound of minus the smallest eigenvalue of M(gamma), in its units.
    """
    xp = namespace_of(gamma)
    gap = complementarity(problem, gamma, xp.sum(multiplier * constraint))
    errors = stationarity(problem, gamma, problem.operator(multiplier))
    of_gap = xp.maximum(errors.of_objective + gap, errors.largest)
    estimate: Scalar = xp.maximum(of_gap, restoration(problem, gamma, violation))
    return estimate
