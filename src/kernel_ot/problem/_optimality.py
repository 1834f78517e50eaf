"""Optimality conditions, checked at a point from the problem's data alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kernel_ot.arrays import Array, namespace_of, pytree
from kernel_ot.linalg import eigvalsh
from kernel_ot.problem._operators import operator

if TYPE_CHECKING:
    from kernel_ot.problem._problem import Problem


@pytree()
@dataclass(frozen=True)
class OptimalityReport:
    """The four errors that vanish together exactly at the solution.

    Attributes
    ----------
    stationarity : float
        `|(Q gamma - z) / (2 lambda_2) - A(X)| / (1 + |z / (2 lambda_2)|)`, Euclidean norms.
    constraint_violation : float
        `max(0, -min eigenvalue) / max(lambda_1, max eigenvalue)`, eigenvalues of M(gamma).
    multiplier_violation : float
        `max(0, -min eigenvalue) / (1 + |max eigenvalue|)`, eigenvalues of X.
    complementarity : float
        `|<X, M(gamma)>| / (1 + |objective|)`, what the primal and the dual value still differ by.
    min_eigenvalue : float
        Smallest eigenvalue of `M(gamma)`, not relative to anything.
    """

    stationarity: Any
    constraint_violation: Any
    multiplier_violation: Any
    complementarity: Any
    min_eigenvalue: Any

    @property
    def residual(self) -> Any:
        """The relative KKT residual: the largest of the four errors; NaN if any is NaN."""
        xp = namespace_of(self.stationarity)
        return xp.max(
            xp.stack(
                [
                    xp.asarray(self.stationarity),
                    xp.asarray(self.constraint_violation),
                    xp.asarray(self.multiplier_violation),
                    xp.asarray(self.complementarity),
                ]
            )
        )


def check_optimality(problem: Problem, gamma: Array, multiplier: Array) -> OptimalityReport:
    """Check the optimality conditions of `problem` at `(gamma, multiplier)`.

    Nothing that a solver computed enters but the point itself. Costs the eigenvalues (without
    vectors) of two r x r matrices.

    Parameters
    ----------
    problem : Problem
    gamma : array of shape (l,)
    multiplier : array of shape (r, r)
        Symmetric; its symmetric part is what is checked.

    Returns
    -------
    OptimalityReport
    """
    xp = namespace_of(gamma)
    multiplier = (multiplier + multiplier.T) / 2
    constraint = problem.constraint_matrix(gamma)
    gradient = problem.gradient(gamma)
    scale = 1 + xp.linalg.norm(problem.linear) / (2 * problem.reg_potential)
    stationarity = xp.linalg.norm(gradient - operator(multiplier, problem.features)) / scale
    complementarity = xp.abs(xp.sum(multiplier * constraint)) / (
        1 + xp.abs(problem.objective(gamma))
    )
    finite = xp.isfinite(stationarity) & xp.isfinite(complementarity)
    # LAPACK may loop or raise on NaN, so eigenvalues are taken of a finite stand-in and discarded.
    identity = xp.eye(constraint.shape[0], dtype=constraint.dtype)
    constraint_eigenvalues = _eigenvalues(xp.where(finite, constraint, identity))
    multiplier_eigenvalues = _eigenvalues(xp.where(finite, multiplier, identity))
    nan = xp.asarray(xp.nan, dtype=constraint.dtype)
    smallest, largest = constraint_eigenvalues[0], constraint_eigenvalues[-1]
    return OptimalityReport(
        stationarity=stationarity,
        constraint_violation=xp.where(
            finite, xp.maximum(-smallest, 0) / xp.maximum(largest, problem.reg_sos), nan
        ),
        multiplier_violation=xp.where(
            finite,
            xp.maximum(-multiplier_eigenvalues[0], 0) / (1 + xp.abs(multiplier_eigenvalues[-1])),
            nan,
        ),
        complementarity=complementarity,
        min_eigenvalue=xp.where(finite, smallest, nan),
    )


def _eigenvalues(matrix: Array) -> Array:
    """Return the eigenvalues in increasing order; NaN where LAPACK finds none."""
    try:
        eigenvalues: Array = eigvalsh(matrix)
    except np.linalg.LinAlgError:
        return np.full(matrix.shape[0], np.nan)
    return eigenvalues
