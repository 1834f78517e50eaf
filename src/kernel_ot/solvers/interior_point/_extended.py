"""Interior point steps in extended precision, where float64 ends above the tolerance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from kernel_ot._arrays import Array, Scalar, namespace_of
from kernel_ot._linalg import (
    HAS_EXTENDED_PRECISION,
    cholesky,
    extended_cholesky,
    extended_inverse,
    extended_triangle,
    inverse_from_cholesky,
)
from kernel_ot.problem import Problem, check_optimality
from kernel_ot.solvers._method import Method, StartingPoint
from kernel_ot.solvers._scaling import central_weight, uniform_plan
from kernel_ot.solvers._status import Status

# Matrix products in long double take no BLAS: a step of this size is a hundredth of a second.
_LARGEST = 64
_LEAST_CENTRING, _SHARE_OF_TOL = 1e-3, 0.1
_SHARE_OF_STEP, _SHORTEST_STEP, _SHORTER = 0.95, 1e-4, 0.8


def is_extensible(problem: Problem) -> bool:
    """Return whether a problem is small enough, and this machine has more digits."""
    features = problem.features
    return (
        HAS_EXTENDED_PRECISION
        and namespace_of(features) is np
        and features.dtype == np.float64
        and problem.n_fill <= _LARGEST
    )


class _Numbers(NamedTuple):
    """The problem's numbers in extended precision."""

    quadratic: Array
    linear: Array
    features: Array
    reg_sos: np.longdouble
    twice_reg_potential: np.longdouble
    factor_of_q: Array | None  # of Q / (2 lambda_2), lower

    @classmethod
    def of(cls, problem: Problem) -> _Numbers:
        quadratic = problem.quadratic.astype(np.longdouble)
        twice = 2 * np.longdouble(problem.reg_potential)
        return cls(
            quadratic,
            problem.linear.astype(np.longdouble),
            problem.features.astype(np.longdouble),
            np.longdouble(problem.reg_sos),
            twice,
            extended_cholesky(quadratic / twice),
        )

    def constraint(self, gamma: Array) -> Array:
        matrix: Array = (self.features * gamma) @ self.features.T
        matrix.flat[:: len(matrix) + 1] += self.reg_sos
        return matrix

    def change(self, d_gamma: Array) -> Array:
        matrix: Array = (self.features * d_gamma) @ self.features.T
        return matrix

    def forms(self, matrix: Array) -> Array:
        """Return A(matrix)."""
        values: Array = np.sum((matrix @ self.features) * self.features, axis=0)
        return values


@dataclass(frozen=True, eq=False)
class ExtendedState:
    """gamma and X, both in extended precision, beside the problem's numbers in it."""

    gamma: Array
    long_gamma: Array
    long_multiplier: Array
    numbers: _Numbers
    residual: Scalar
    failure: Scalar = 0


@dataclass(frozen=True)
class ExtendedInteriorPoint(Method[ExtendedState]):
    """Mehrotra's steps with the HKM direction in the machine's extended precision.

    Where Q and K are nearly singular, float64 loses the Newton matrix before stationarity is as
    small as the norm of Q asks for; some more digits of everything are enough. It begins at its own
    start: near the boundary, where others ended, it would be as far from the central path as they.

    For problems of up to 64 filling points on NumPy.
    """

    name: str = "extended_interior_point"
    max_iter: int = 60
    patience: int = 20
    warm: bool = False

    def init(self, problem: Problem, start: StartingPoint | None) -> ExtendedState:
        """Return the start on the central path, as large as the problem's numbers."""
        gamma, numbers = uniform_plan(problem), _Numbers.of(problem)
        factor = cholesky(problem.constraint_matrix(gamma))  # this far inside float64 will do
        if not np.isfinite(factor[-1, -1]):
            zero = np.zeros((problem.rank, problem.rank), np.longdouble)
            failure = Status.FACTORIZATION_FAILED.code
            return ExtendedState(gamma, gamma, zero, numbers, np.inf, failure)
        inverse = inverse_from_cholesky(factor)
        weight = central_weight(problem, gamma, problem.operator(inverse))
        start_x = _symmetric((weight * inverse).astype(np.longdouble))
        return _state(problem, numbers, gamma.astype(np.longdouble), start_x)

    def step(self, problem: Problem, state: ExtendedState, tol: Scalar) -> ExtendedState:
        """Take one predictor-corrector step, of one length for gamma and X."""
        found = _moved(problem, state, tol)
        if found is None:
            return replace(state, failure=Status.NO_PROGRESS.code)
        return _state(problem, state.numbers, *found)

    def multiplier(self, problem: Problem, state: ExtendedState) -> Array:
        """Return X in float64."""
        return state.long_multiplier.astype(np.float64)


def _state(problem: Problem, numbers: _Numbers, gamma: Array, multiplier: Array) -> ExtendedState:
    rounded = gamma.astype(np.float64)
    report = check_optimality(problem, rounded, multiplier.astype(np.float64))
    return ExtendedState(rounded, gamma, multiplier, numbers, float(report.residual))


def _moved(problem: Problem, state: ExtendedState, tol: Scalar) -> tuple[Array, Array] | None:
    """Return gamma and X after a step, None where there is none."""
    p, gamma, X = state.numbers, state.long_gamma, state.long_multiplier
    S = p.constraint(gamma)
    factors = extended_cholesky(S), extended_cholesky(X)
    if factors[0] is None or factors[1] is None or p.factor_of_q is None:
        return None
    roots = extended_inverse(factors[0]), extended_inverse(factors[1])
    inverse = roots[0].T @ roots[0]
    gradient = (p.quadratic @ gamma - p.linear) / p.twice_reg_potential
    newton = _NewtonMatrix.of(roots[0] @ p.features, factors[1].T @ p.features, p.factor_of_q)
    if newton is None:
        return None

    def direction(aim: Array) -> tuple[Array, Array]:
        """Return d gamma, and `dX = aim - X - sym(S^-1 dS X)`."""
        d_gamma = newton.solved(p.forms(aim) - gradient)
        return d_gamma, aim - X - _symmetric(inverse @ (p.change(d_gamma) @ X))

    affine, affine_x = direction(np.zeros_like(X))
    change = p.change(affine)
    length = _longest(roots, change, affine_x)
    mu = np.sum(S * X) / len(X)
    predicted = np.sum((S + length * change) * (X + length * affine_x)) / len(X)
    least = _SHARE_OF_TOL * tol * (1 + abs(float(problem.objective(state.gamma)))) / len(X)
    centring = np.clip((predicted / mu) ** 3, _LEAST_CENTRING, 1.0)
    aim = max(centring * mu, least) * inverse - _symmetric(inverse @ (change @ affine_x))
    d_gamma, d_x = direction(aim)
    length = _longest(roots, p.change(d_gamma), d_x)
    while length > _SHORTEST_STEP:
        moved = gamma + length * d_gamma, _symmetric(X + length * d_x)
        inside = p.constraint(moved[0]), moved[1]
        if all(extended_cholesky(matrix) is not None for matrix in inside):
            return moved
        length *= _SHORTER
    return None


@dataclass(frozen=True, eq=False)
class _NewtonMatrix:
    """`Q / (2 lambda_2) + (Phi' S^-1 Phi) o (Phi' X Phi)`, by a triangular root of it.

    The second term is the Gram matrix of Kronecker products. Its root is taken of these, since the
    matrix itself holds half as many digits.
    """

    scale: Array
    root: Array

    @classmethod
    def of(cls, in_s: Array, in_x: Array, factor_of_q: Array) -> _NewtonMatrix | None:
        """Return it, None where it is singular even so.

        Parameters
        ----------
        in_s, in_x : ndarray of shape (r, l)
            With `Phi' S^-1 Phi` and `Phi' X Phi` as their Gram matrices.
        factor_of_q : ndarray of shape (l, l)
            Lower, of `Q / (2 lambda_2)`.
        """
        products = (in_s[:, None, :] * in_x[None, :, :]).reshape(-1, in_s.shape[1])
        rows = np.concatenate([products, factor_of_q.T])
        scale = np.sqrt(np.sum(np.square(rows), axis=0))
        rows = rows / scale
        # Reflections keep the digits of small rows where large ones come first.
        triangle = extended_triangle(rows[np.argsort(-np.abs(rows).max(axis=1), kind="stable")])
        return None if triangle is None else cls(scale, extended_inverse(triangle.T))

    def solved(self, values: Array) -> Array:
        """Return the solution."""
        solution: Array = (self.root.T @ (self.root @ (values / self.scale))) / self.scale
        return solution


def _longest(roots: tuple[Array, Array], change: Array, change_x: Array) -> Scalar:
    """Return the length, at most 1, of a step that stays inside both cones."""
    longest = 1.0
    for root, matrix in zip(roots, (change, change_x), strict=True):
        scaled = (root @ matrix @ root.T).astype(np.float64)
        if not np.isfinite(scaled).all():
            return 0.0
        lowest = float(np.linalg.eigvalsh(_symmetric(scaled))[0])
        if lowest < 0:
            longest = min(longest, _SHARE_OF_STEP / -lowest)
    return longest


def _symmetric(matrix: Array) -> Array:
    symmetric: Array = (matrix + matrix.T) / 2
    return symmetric
