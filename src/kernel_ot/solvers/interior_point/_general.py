"""The interior point method in the coordinates of the features."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from kernel_ot._arrays import Array, namespace_of, pytree
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
from kernel_ot.problem import Problem, complementarity, stationarity
from kernel_ot.solvers._method import StartingPoint
from kernel_ot.solvers._scaling import (
    central_weight,
    uniform_plan,
)
from kernel_ot.solvers._status import factorization_code
from kernel_ot.solvers.interior_point._predictor_corrector import (
    Direction,
    Factors,
    PredictorCorrector,
    Prepared,
)
from kernel_ot.solvers.interior_point._steps import cholesky_along, interior_start, longest_step


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
    product: Any
    residual: Any
    failure: Any = 0


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

    def _newton_matrix(self, problem: Problem, state: InteriorPointState) -> tuple[Array, Prepared]:
        W, scale = state.features, 1 / (2 * problem.reg_potential)
        newton = schur_complement(state.root_features, W, problem.quadratic, scale)
        return newton, Prepared(squared_lengths(W), cholesky(state.scaled_multiplier))

    def _direction(
        self,
        problem: Problem,
        state: InteriorPointState,
        prepared: Prepared,
        d_gamma: Array,
        *,
        target: Any = None,
        second_order: Any = None,
    ) -> Direction:
        X = state.scaled_multiplier
        d_constraint = weighted_gram(state.features, d_gamma)
        change = X @ d_constraint
        if second_order is not None:
            change += second_order
        d_multiplier = inplace.symmetrise(change)
        d_multiplier *= -1
        d_multiplier -= X
        if target is not None:
            d_multiplier = inplace.add_to_diagonal(d_multiplier, target)
        return Direction(d_gamma, d_constraint, d_multiplier)

    def _standstill(self, state: InteriorPointState) -> Direction:
        zeros = 0 * state.scaled_multiplier
        return Direction(0 * state.gamma, zeros, zeros)

    def _second_order(
        self, state: InteriorPointState, prepared: Prepared, direction: Direction
    ) -> tuple[Array, Array]:
        product = inplace.multiply(direction.multiplier, direction.constraint)  # used up
        return product, quadratic_forms(product, state.features)

    def _products(self, state: InteriorPointState, direction: Direction) -> tuple[Any, Any]:
        xp = namespace_of(state.gamma)
        along = xp.vdot(state.scaled_multiplier, direction.constraint)
        return along, xp.vdot(direction.multiplier, direction.constraint)

    def _step_lengths(
        self,
        state: InteriorPointState,
        prepared: Prepared,
        direction: Direction,
        products: int,
    ) -> tuple[Any, Any]:
        _, d_constraint, d_multiplier = direction
        X = state.scaled_multiplier
        return (
            longest_step(d_constraint.__matmul__, None, X, products),
            longest_step(d_multiplier.__matmul__, prepared.matrix, X, products),
        )

    def _factored(
        self, state: InteriorPointState, direction: Direction, step: Any, step_x: Any
    ) -> Factors:
        d_gamma, d_constraint, d_multiplier = direction
        in_its_place = partial(cholesky, overwrite=True)
        step, change = cholesky_along(
            lambda t: inplace.add_to_diagonal(t * d_constraint, 1.0), step, in_its_place
        )
        step_x, root = cholesky_along(
            lambda t: inplace.add_scaled(1 * state.scaled_multiplier, t, d_multiplier),
            step_x,
            in_its_place,
        )
        return Factors(state.gamma + step * d_gamma, change, root)

    def _arrived(
        self, problem: Problem, state: InteriorPointState, factors: Factors
    ) -> InteriorPointState:
        gamma, change, root, _ = factors
        return _state(
            problem,
            gamma,
            multiply_lower(state.factor, change),
            solve_lower(change, state.features),
            gram(multiply_lower(change, root, transpose=True).T),
            multiply_lower(root, state.features, transpose=True),
        )


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
    residual = xp.maximum(
        stationarity(problem, gamma, squared_lengths(B)).largest,
        complementarity(problem, gamma, product),
    )
    # A factorisation that broke down left NaN; the loop then falls back to the best iterate.
    failure = factorization_code(xp.isfinite(residual), gamma)
    return InteriorPointState(gamma, factor, W, scaled_multiplier, B, product, residual, failure)
