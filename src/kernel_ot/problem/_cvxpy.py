"""The problem in CVXPY's words, so that anybody can check ours with a generic solver."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import cvxpy

    from kernel_ot.problem._problem import Problem


def to_cvxpy(problem: Problem) -> cvxpy.Problem:
    """Return `problem` as a `cvxpy.Problem` in the variable "gamma"."""
    try:
        import cvxpy
    except ImportError as error:
        raise ImportError(
            "Problem.to_cvxpy needs CVXPY; install it with: pip install 'kernel-ot[check]'"
        ) from error
    gamma = cvxpy.Variable(problem.n_fill, name="gamma")
    # A square-root form keeps the cone solver's data positive semidefinite despite rounding.
    eigenvalues, vectors = np.linalg.eigh(problem.quadratic)
    root = np.sqrt(np.maximum(eigenvalues, 0))[:, None] * vectors.T
    value = cvxpy.sum_squares(root @ gamma) - 2 * problem.linear @ gamma + problem.constant
    constraint = problem.features @ cvxpy.diag(gamma) @ problem.features.T
    constraint = constraint + problem.reg_sos * np.eye(problem.rank)
    # CVXPY asks for a visibly symmetric expression.
    constraint = (constraint + constraint.T) / 2
    return cvxpy.Problem(cvxpy.Minimize(value / (4 * problem.reg_potential)), [constraint >> 0])
