"""The interior point method in the coordinates of the features."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from kernel_ot._arrays import Array, Scalar, namespace_of, pytree
from kernel_ot._linalg import (
    cholesky,
    gram,
    inplace,
    multiply_lower,
    quadratic_forms,
    schur_complement,
    solve_lower,
    squared_lengths,
    weighted_gram,
    zero_matrix,
)
from kernel_ot.problem import Problem
from kernel_ot.solvers._method import StartingPoint
from kernel_ot.solvers._scaling import (
    central_weight,
    uniform_plan,
)
from kernel_ot.solvers._status import factorization_code
from kernel_ot.solvers._steps import (
    cholesky_along,
    interior_residual,
    interior_start,
    longest_step,
)
from kernel_ot.solvers.interior_point._predictor_corrector import Lengths, PredictorCorrector


@pytree()
@dataclass(frozen=True, eq=False)
class InteriorPointState:
    """An iterate in the coordinates in which the constraint matrix is the identity.

    Attributes
    ----------
    gamma : array of shape (l,)
    factor : array of shape (r, r)
        Lower L with `M(gamma) = L L'`, followed from step to step: X is given relative to it, and
        a fresh factor differs where M(gamma) is singular to working precision.
    features : array of shape (r, l)
        `W = L^-1 Phi`.
    scaled_multiplier : array of shape (r, r)
        `L' X L`; a multiple of the identity on the central path.
    root_features : array of shape (r, l)
        B with `B'B = Phi' X Phi`.
    product : array of shape ()
        `<X, M(gamma)>`.
    residual : array of shape ()
        The larger of the relative stationarity error and the relative complementarity.
    failure : array of shape ()
        Code of the `Status` that ends the solve here, 0 while there is none.
    """

    gamma: Array
    factor: Array
    features: Array
    scaled_multiplier: Array
    root_features: Array
    product: Scalar
    residual: Scalar
    failure: Scalar = 0

    def newton_system(self) -> _System:
        """Return the Newton equations here."""
        root = cholesky(self.scaled_multiplier)
        return _System(self, squared_lengths(self.features), root)

    def factors_along(self, direction: _Direction, lengths: Lengths) -> _Factors:
        """Return the factors after such steps, or shorter ones."""
        in_its_place = partial(cholesky, overwrite=True)
        step, change = cholesky_along(
            lambda t: inplace.add_to_diagonal(t * direction.constraint, 1.0),
            lengths.gamma,
            in_its_place,
        )
        _, root = cholesky_along(
            lambda t: inplace.add_scaled(1 * self.scaled_multiplier, t, direction.multiplier),
            lengths.multiplier,
            in_its_place,
        )
        return _Factors(self.gamma + step * direction.d_gamma, change, root)

    def at(self, problem: Problem, factors: _Factors) -> InteriorPointState:
        """Return the state there, in coordinates in which the new constraint is the identity."""
        gamma, change, root = factors
        return _state(
            problem,
            gamma,
            multiply_lower(self.factor, change),
            solve_lower(change, self.features),
            gram(multiply_lower(change, root, transpose=True).T),
            multiply_lower(root, self.features, transpose=True),
        )


class _Direction(NamedTuple):
    """The changes of gamma, S and X; the matrices in the coordinates of the iterate."""

    d_gamma: Array
    constraint: Array
    multiplier: Array


class _SecondOrder(NamedTuple):
    """`dX dS`, and its forms."""

    product: Array
    forms: Array


class _Factors(NamedTuple):
    """gamma, and the Cholesky factors of S and X in the coordinates of the old iterate."""

    gamma: Array
    change: Array
    multiplier_root: Array


@dataclass(frozen=True, eq=False)
class _System:
    """The Newton equations with S = I: `dX = target I - X - (X dS + dS X) / 2`."""

    state: InteriorPointState
    diagonal: Array
    multiplier_root: Array

    def schur_complement(self, problem: Problem) -> Array:
        """Return the Newton matrix in gamma."""
        scale = 1 / (2 * problem.reg_potential)
        features, root_features = self.state.features, self.state.root_features
        return schur_complement(root_features, features, problem.quadratic, scale)

    def affine(self, d_gamma: Array) -> _Direction:
        """Return the direction toward `X S = 0`."""
        d_constraint = weighted_gram(self.state.features, d_gamma)
        X = self.state.scaled_multiplier
        return _Direction(d_gamma, d_constraint, self._toward_zero(X @ d_constraint))

    def corrected(self, d_gamma: Array, target: Scalar, second_order: _SecondOrder) -> _Direction:
        """Return the direction toward `X S = target I`."""
        d_constraint = weighted_gram(self.state.features, d_gamma)
        change = self.state.scaled_multiplier @ d_constraint
        change += second_order.product
        d_multiplier = inplace.add_to_diagonal(self._toward_zero(change), target)
        return _Direction(d_gamma, d_constraint, d_multiplier)

    def _toward_zero(self, change: Array) -> Array:
        """Return `-X - change`, symmetrised, in the place of `change`."""
        d_multiplier = inplace.symmetrise(change)
        d_multiplier *= -1
        d_multiplier -= self.state.scaled_multiplier
        return d_multiplier

    def inner_products(self, direction: _Direction) -> tuple[Scalar, Scalar]:
        """Return `<X, dS>` and `<dX, dS>`."""
        xp = namespace_of(self.diagonal)
        along = xp.vdot(self.state.scaled_multiplier, direction.constraint)
        return along, xp.vdot(direction.multiplier, direction.constraint)

    def second_order(self, affine: _Direction) -> _SecondOrder:
        """Return the term that the affine direction leaves out, in its place."""
        product = inplace.multiply(affine.multiplier, affine.constraint)
        return _SecondOrder(product, quadratic_forms(product, self.state.features))

    def step_lengths(self, direction: _Direction, products: int) -> Lengths:
        """Return the longest steps."""
        X = self.state.scaled_multiplier
        return Lengths(
            longest_step(direction.constraint.__matmul__, None, X, products),
            longest_step(direction.multiplier.__matmul__, self.multiplier_root, X, products),
        )


@dataclass(frozen=True)
class InteriorPoint(PredictorCorrector[InteriorPointState]):
    """`PredictorCorrector` for any Phi, in coordinates in which the constraint is the identity.

    An iteration costs about ten products of r x r by r x l matrices and one Cholesky factor of
    l x l.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import Problem, kernels, solve
    >>> x = np.linspace(0, 1, 8)[:, None]
    >>> problem = Problem.from_samples(
    ...     x, x + 1, x, x + 1, kernel=kernels.Gaussian(0.5), reg_sos=0.1, reg_potential=0.1
    ... )
    >>> from kernel_ot.solvers import InteriorPoint
    >>> solve(problem, InteriorPoint()).status.name
    'CONVERGED'
    """

    def init(self, problem: Problem, start: StartingPoint | None) -> InteriorPointState:
        """Start on the central path above the uniform plan, or inside near `start`."""
        if start is None:
            return _central_state(problem)
        gamma, multiplier = interior_start(problem, start)
        factor = cholesky(problem.constraint_matrix(gamma))
        root = cholesky(multiplier)
        features = solve_lower(factor, problem.features)
        scaled = gram(multiply_lower(factor, root, transpose=True).T)
        values_root = multiply_lower(root, problem.features, transpose=True)
        return _state(problem, gamma, factor, features, scaled, values_root)

    def multiplier(self, problem: Problem, state: InteriorPointState) -> Array:
        """Return `X = L^-T (L'XL) L^-1`."""
        half = solve_lower(state.factor, state.scaled_multiplier, transpose=True)
        half = solve_lower(state.factor, half.T, transpose=True)
        return inplace.symmetrise(half)

    def kept(self, state: InteriorPointState) -> InteriorPointState:
        """Return the state without the features in its coordinates."""
        nothing = zero_matrix(state.features)
        return replace(state, features=nothing, root_features=nothing)


def _central_state(problem: Problem) -> InteriorPointState:
    """Return the state `X = mu M(gamma)^-1` at the uniform plan."""
    xp = namespace_of(problem.features)
    gamma = uniform_plan(problem)
    factor = cholesky(problem.constraint_matrix(gamma))
    W = solve_lower(factor, problem.features)
    mu = central_weight(problem, gamma, squared_lengths(W))
    identity = xp.eye(problem.rank, dtype=W.dtype)
    return _state(problem, gamma, factor, W, mu * identity, xp.sqrt(mu) * W)


def _state(
    problem: Problem, gamma: Array, factor: Array, W: Array, scaled_multiplier: Array, B: Array
) -> InteriorPointState:
    xp = namespace_of(gamma)
    product = xp.trace(scaled_multiplier)
    residual = interior_residual(problem, gamma, squared_lengths(B), product)
    # A factorisation that broke down left NaN; the loop then falls back to the best iterate.
    failure = factorization_code(xp.isfinite(residual), gamma)
    return InteriorPointState(gamma, factor, W, scaled_multiplier, B, product, residual, failure)
