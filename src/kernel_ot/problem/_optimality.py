"""Optimality conditions, checked at a point from the problem's data alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kernel_ot._arrays import Array, branch, namespace_of, pytree
from kernel_ot._linalg import eigvalsh, symmetric
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
    values = operator(multiplier, problem.features)
    scale = 1 + xp.linalg.norm(problem.linear) / (2 * problem.reg_potential)
    stationarity = xp.linalg.norm(problem.gradient(gamma) - values) / scale
    # <X, M(gamma)> = lambda_1 tr X + gamma'A(X).
    product = problem.reg_sos * xp.trace(multiplier) + gamma @ values
    complementarity = xp.abs(product) / (1 + xp.abs(problem.objective(gamma)))
    finite = xp.isfinite(stationarity) & xp.isfinite(complementarity)
    # One matrix after the other, so that only one of them is in memory.
    lowest_multiplier, highest_multiplier = _extremes(symmetric(multiplier), finite)
    del multiplier
    smallest, largest = _extremes(problem.constraint_matrix(gamma), finite)
    return OptimalityReport(
        stationarity=stationarity,
        constraint_violation=xp.maximum(-smallest, 0) / xp.maximum(largest, problem.reg_sos),
        multiplier_violation=xp.maximum(-lowest_multiplier, 0) / (1 + xp.abs(highest_multiplier)),
        complementarity=complementarity,
        min_eigenvalue=smallest,
    )


def _extremes(matrix: Array, finite: Any) -> tuple[Any, Any]:
    """Return the smallest and the largest eigenvalue; NaN unless `finite`, or if LAPACK fails."""
    xp = namespace_of(matrix)
    nan: Array = xp.full(2, xp.nan, dtype=matrix.dtype)

    def extremes() -> Array:  # LAPACK may loop or raise on NaN
        try:
            eigenvalues = eigvalsh(matrix)
        except np.linalg.LinAlgError:
            return nan
        ends: Array = xp.stack([eigenvalues[0], eigenvalues[-1]])
        return ends

    both = branch(finite, extremes, lambda: nan)
    return both[0], both[1]
