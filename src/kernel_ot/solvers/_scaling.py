"""Sizes that methods agree on: of a first multiplier, of residuals, of a given start."""

from __future__ import annotations

from typing import Any

from kernel_ot.arrays import Array, namespace_of
from kernel_ot.linalg import symmetric
from kernel_ot.problem import Problem
from kernel_ot.solvers._method import StartingPoint


def multiplier_size(problem: Problem) -> Any:
    """Return xi for the start X = xi I: A(X) then is as large as the gradient at gamma = 0."""
    xp = namespace_of(problem.features)
    diagonal = xp.sum(problem.features**2, axis=0)
    gradient = xp.linalg.norm(problem.linear) / (2 * problem.reg_potential)
    return xp.maximum(gradient, 1e-3) / xp.linalg.norm(diagonal)


def relative_stationarity(problem: Problem, gamma: Array, values: Array) -> Any:
    """Return `|gradient - A(X)|`, relative as in `OptimalityReport`, given `values` = A(X)."""
    xp = namespace_of(gamma)
    scale = 1 + xp.linalg.norm(problem.linear) / (2 * problem.reg_potential)
    return xp.linalg.norm(problem.gradient(gamma) - values) / scale


def relative_complementarity(problem: Problem, gamma: Array, product: Any) -> Any:
    """Return `|<X, M(gamma)>|`, relative as in `OptimalityReport`, given the inner `product`."""
    xp = namespace_of(gamma)
    return xp.abs(product) / (1 + xp.abs(problem.objective(gamma)))


def rescaled(problem: Problem, start: StartingPoint) -> tuple[Array, Array]:
    """Return the start with its multiplier scaled to fit this problem's regularisation.

    Of all multiples of X the one that is closest to stationary is taken, since X grows and
    shrinks with the regularisations while gamma hardly does.
    """
    xp = namespace_of(problem.features)
    cold = multiplier_size(problem) * xp.eye(problem.rank, dtype=problem.features.dtype)
    if start.multiplier is None:
        return start.gamma, cold
    values = problem.operator(start.multiplier)
    squared = values @ values
    best = (values @ problem.gradient(start.gamma)) / xp.where(squared > 0, squared, 1.0)
    scaled = xp.clip(best, 0.1, 10.0) * symmetric(start.multiplier)
    return start.gamma, xp.where(squared > 0, scaled, cold)
