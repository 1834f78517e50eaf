"""Objective and cost whose terms cancel, evaluated in the machine's extended precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kernel_ot._arrays import Array, Scalar, namespace_of

if TYPE_CHECKING:
    from kernel_ot.problem._problem import Problem

_HAS_EXTENDED = bool(np.finfo(np.longdouble).eps < np.finfo(np.float64).eps)
# Rows of Q that are held in extended precision at once.
_BLOCK = 80
# Roundings that each term of the objective is counted with where they are not avoided.
_ROUNDINGS = 4


def accurate_objective(problem: Problem, gamma: Array) -> Scalar:
    """Return `problem.objective(gamma)`, on NumPy rounded only once.

    Its terms are of the size 1 / lambda_2 and |gamma|^2, and cancel: where lambda_2 is small or Q
    nearly singular float64 loses many digits of it.
    """
    if not _is_extended(gamma):
        return problem.objective(gamma)
    long = gamma.astype(np.longdouble)
    curved = sum(
        long[rows] @ (problem.quadratic[rows].astype(np.longdouble) @ long)
        for rows in (slice(begin, begin + _BLOCK) for begin in range(0, len(gamma), _BLOCK))
    )
    linear = problem.linear.astype(np.longdouble) @ long
    terms = curved - 2 * linear + np.longdouble(problem.constant)
    return float(terms / (4 * np.longdouble(problem.reg_potential)))


def accurate_cost(problem: Problem, gamma: Array) -> Scalar:
    """Return `problem.cost(gamma)`, on NumPy rounded only once."""
    if not _is_extended(gamma):
        return problem.cost(gamma)
    product = problem.embedding.astype(np.longdouble) @ gamma.astype(np.longdouble)
    terms = np.longdouble(problem.constant) - product
    return float(terms / (2 * np.longdouble(problem.reg_potential)))


def rounding_error(problem: Problem, gamma: Array) -> Scalar:
    """Return an estimate of what `accurate_objective` is off by, relative to `1 + |objective|`."""
    xp = namespace_of(gamma)
    eps = np.finfo(np.longdouble).eps if _is_extended(gamma) else xp.finfo(gamma.dtype).eps
    # |Q_ij| is at most the root of Q_ii Q_jj; roundings of the entries of Q gamma are independent.
    size = xp.abs(gamma) * xp.sqrt(xp.abs(xp.diagonal(problem.quadratic)))
    curved = xp.linalg.norm(size) * xp.sum(size)
    terms = curved + 2 * xp.linalg.norm(gamma * problem.linear) + xp.abs(problem.constant)
    error = _ROUNDINGS * float(eps) / 2 * terms / (4 * problem.reg_potential)
    relative: Scalar = error / (1 + xp.abs(problem.objective(gamma)))
    return relative


def _is_extended(gamma: Array) -> bool:
    return _HAS_EXTENDED and namespace_of(gamma) is np
