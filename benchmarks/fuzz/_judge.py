"""Is an answer right? Bounds of the optimum in long double, from the problem's arrays alone.

For the problem ``min f(gamma) = (gamma'Q gamma - 2 z'gamma + q) / (4 l2)`` with
``M(gamma) = Phi diag(gamma) Phi' + l1 I`` positive semidefinite, any gamma with ``M(gamma) >= -v``
gives the feasible ``t gamma``, ``t = l1 / (l1 + v)``, so ``f(t gamma)`` is above the optimum; and
any X >= 0 gives
``min f(g) - <X, M(g)>``, which is below it. Both are computed here, with a Cholesky factor of Q in
long double, and nothing of the library's is used.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kernel_ot import Problem, Solution

Array = npt.NDArray[Any]
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Verdict:
    """What the judge found; values of the objective in long double.

    Attributes
    ----------
    value : float
        f at the point that was returned.
    lower, upper : float
        Bounds of the optimum; `lower` is -infinity where Q has no factor even in long double.
    cost : float
        The transport cost at the point.
    """

    value: float
    lower: float
    upper: float
    cost: float

    @property
    def scale(self) -> float:
        """What errors are relative to."""
        return 1 + abs(self.value)

    @property
    def error(self) -> float:
        """Bound on how far f at the point is from the optimum, relative."""
        return max(self.value - self.lower, self.upper - self.value, 0.0) / self.scale


def judge(problem: Problem, solution: Solution) -> Verdict:
    """Return bounds for the problem at the point of a solution."""
    gamma, multiplier = np.asarray(solution.gamma), np.asarray(solution.multiplier, np.float64)
    quadratic, linear, features, embedding, gamma = (
        np.asarray(array).astype(np.longdouble)
        for array in (problem.quadratic, problem.linear, problem.features, problem.embedding, gamma)
    )
    constant, reg_sos, twice = (
        np.longdouble(number)
        for number in (problem.constant, problem.reg_sos, 2 * problem.reg_potential)
    )

    def objective(point: Array) -> Any:
        return (point @ (quadratic @ point) - 2 * (point @ linear) + constant) / (2 * twice)

    constraint = (features * gamma) @ features.T + reg_sos * np.eye(len(features))
    violation = _violation((constraint + constraint.T) / 2)
    upper = objective(gamma * (reg_sos / (reg_sos + violation)))
    lower = np.longdouble(-np.inf)
    factor, ridge = _factor(quadratic)
    if factor is not None:
        wanted = (quadratic @ gamma + ridge * gamma - linear) / twice
        for images, trace in _in_the_cone(multiplier, features, wanted):
            # The Lagrangian here, less what it falls to its minimum: nothing that cancels is added.
            fall = _forward(factor, wanted - images)
            value = objective(gamma) - reg_sos * trace - gamma @ images - twice / 2 * (fall @ fall)
            # What the ridge adds to f; taken at this point, several times.
            lower = max(lower, value - 4 * ridge * (gamma @ gamma) / (2 * twice))
    return Verdict(
        value=float(objective(gamma)),
        lower=float(lower),
        upper=float(upper),
        cost=float((constant - embedding @ gamma) / twice),
    )


def fault(problem: Problem, solution: Solution, tol: float, margin: float = 10.0) -> str:
    """Return what is wrong with a solution that says it has converged, nothing if it is right."""
    found = judge(problem, solution)
    claims = {"objective": (solution.objective, found.value), "cost": (solution.cost, found.cost)}
    for name, (claimed, true) in claims.items():
        if not abs(claimed - true) <= margin * tol * max(1 + abs(true), found.scale):
            return f"claims the {name} {claimed:.8g}, at its point it is {true:.8g}"
    if not found.error <= margin * tol:
        return (
            f"objective {found.value:.8g}, optimum in [{found.lower:.8g}, {found.upper:.8g}]: "
            f"error bound {found.error:.1e} for tol {tol:.0e}"
        )
    return ""


def clarabel_objective(problem: Problem) -> float | None:
    """Return the optimum that Clarabel finds from the arrays, None where it does not."""
    cvxpy: Any = importlib.import_module("cvxpy")
    gamma = cvxpy.Variable(len(problem.linear))
    eigenvalues, vectors = np.linalg.eigh(np.asarray(problem.quadratic, np.float64))
    root = (vectors * np.sqrt(np.maximum(eigenvalues, 0.0))).T
    features = np.asarray(problem.features, np.float64)
    matrix = features @ cvxpy.diag(gamma) @ features.T
    matrix += float(problem.reg_sos) * np.eye(len(features))
    value = cvxpy.sum_squares(root @ gamma) - 2 * (np.asarray(problem.linear) @ gamma)
    asked = cvxpy.Problem(cvxpy.Minimize(value), [(matrix + matrix.T) / 2 >> 0])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own accuracy
            asked.solve(solver=cvxpy.CLARABEL)
    except cvxpy.error.SolverError:
        return None
    if asked.status != "optimal":
        return None
    return float((asked.value + problem.constant) / (4 * problem.reg_potential))


def _in_the_cone(multiplier: Array, features: Array, wanted: Array) -> Iterator[tuple[Array, Any]]:
    """Yield A(X) and the trace of up to three X in the cone, near the multiplier.

    The first has its negative eigenvalues cut off, in float64. The second is moved by a multiple of
    the identity, if it has any. The third is corrected such that A(X) is `wanted`, as far as that
    can be: in float64 no stored X may come nearer than by its rounding.
    """
    symmetric = (multiplier + multiplier.T) / 2
    values, vectors = np.linalg.eigh(symmetric)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))).astype(np.longdouble)
    yield np.sum(np.square(root.T @ features), axis=0), np.sum(np.square(root))
    corrected = symmetric.astype(np.longdouble)
    corrected = corrected + _violation(corrected) * np.eye(len(corrected))
    if _cholesky(corrected) is not None:
        yield np.sum((corrected @ features) * features, axis=0), np.trace(corrected)
    try:
        left, right = _right_inverse(features.astype(np.float64))
    except np.linalg.LinAlgError:
        return
    for _ in range(3):  # the inverse has float64's accuracy
        missing = wanted - np.sum((corrected @ features) * features, axis=0)
        corrected = corrected + (left.T * (right @ missing)) @ left
    if np.isfinite(corrected).all() and _cholesky(corrected) is not None:
        yield np.sum((corrected @ features) * features, axis=0), np.trace(corrected)


def _right_inverse(features: Array) -> tuple[Array, Array]:
    """Return V and W with `A(V' diag(W d) V) = d`, for d that A reaches."""
    if features.shape[0] == features.shape[1]:
        inverse = np.linalg.inv(features)
        return inverse.astype(np.longdouble), np.eye(len(features), dtype=np.longdouble)
    inverse = np.linalg.pinv(np.square(features.T @ features), hermitian=True)
    return features.T.astype(np.longdouble), inverse.astype(np.longdouble)


def _violation(matrix: Array) -> Any:
    """Return how much of the identity a symmetric matrix lacks to be positive definite."""
    if _cholesky(matrix) is not None:
        return np.longdouble(0.0)
    lowest = float(np.linalg.eigvalsh(matrix.astype(np.float64))[0])
    smallest = float(np.finfo(np.float64).tiny)  # a matrix of zeros lacks anything
    lacking = np.longdouble(max(-lowest, _EPS**1.2 * float(np.abs(matrix).max()), smallest))
    while _cholesky(matrix + lacking * np.eye(len(matrix))) is None:
        lacking = lacking * np.longdouble(1.1)
    return lacking


def _factor(quadratic: Array) -> tuple[Array | None, Any]:
    """Return a Cholesky factor of Q and the ridge that it took, at most 1e-6 of its largest entry.

    In long double Q has one, unless rounding to the precision of the problem made it indefinite.
    """
    largest, ridge = np.abs(quadratic).max(), np.longdouble(0.0)
    while ridge <= 1e-6 * largest:
        factor = _cholesky(quadratic + ridge * np.eye(len(quadratic)))
        if factor is not None:
            return factor, ridge
        ridge = max(ridge * 4, _EPS * largest)
    return None, ridge


def _cholesky(matrix: Array) -> Array | None:
    """Return the lower factor of a symmetric matrix in its own precision, None if there is none."""
    factor = np.array((matrix + matrix.T) / 2)
    for column in range(len(factor)):
        pivot = factor[column, column]
        if not pivot > 0:
            return None
        factor[column:, column] /= np.sqrt(pivot)
        below = factor[column + 1 :, column]
        factor[column + 1 :, column + 1 :] -= np.multiply.outer(below, below)
    return np.tril(factor)


def _forward(factor: Array, right: Array) -> Array:
    solved = right.copy()
    for row in range(len(factor)):
        solved[row] = (solved[row] - factor[row, :row] @ solved[:row]) / factor[row, row]
    return solved
