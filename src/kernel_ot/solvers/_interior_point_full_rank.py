"""The interior point method in the coordinates of the filling points, for K of full rank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kernel_ot.arrays import Array, namespace_of, pytree
from kernel_ot.linalg import (
    add_diagonal,
    add_scaled,
    cholesky,
    inverse_from_cholesky,
    solve_lower,
    symmetric,
    symmetrise,
    triangular_condition,
)
from kernel_ot.problem import Problem
from kernel_ot.solvers._interior_steps import cholesky_along, interior_start, longest_step
from kernel_ot.solvers._method import StartingPoint
from kernel_ot.solvers._predictor_corrector import Direction, PredictorCorrector, Prepared
from kernel_ot.solvers._scaling import relative_complementarity, relative_stationarity
from kernel_ot.solvers._status import factorization_code

# Beyond this condition number of Phi rounding in U = Phi' X Phi costs more steps than it saves.
_WORST_CONDITION = 1e4


@pytree()
@dataclass(frozen=True, eq=False)
class FullRankInteriorPointState:
    """An iterate, seen only between filling points.

    Attributes
    ----------
    gamma : array of shape (l,)
    offset : array of shape (l, l)
        `lambda_1 K^-1`, the same in every state.
    factor : array of shape (l, l)
        Lower L with `L L' = T = diag(gamma) + lambda_1 K^-1`.
    values : array of shape (l, l)
        `U = Phi' X Phi`.
    values_root : array of shape (l, l)
        Lower Cholesky factor of U.
    product : array of shape ()
        `<X, M(gamma)> = <U, T>`.
    residual : array of shape ()
        The larger of the relative stationarity error and the relative complementarity.
    failure : array of shape ()
        Code of the `Status` that ends the solve here, 0 while there is none.
    """

    gamma: Array
    offset: Array
    factor: Array
    values: Array
    values_root: Array
    product: Any
    residual: Any
    failure: Any = 0


@dataclass(frozen=True)
class FullRankInteriorPoint(PredictorCorrector[FullRankInteriorPointState]):
    """`InteriorPoint`, iterate for iterate, at a third of its work where Phi is invertible.

    `M(gamma) = Phi T Phi'` with ``T = diag(gamma) + lambda_1 K^-1``: between filling points the
    problem has the constraint T and the multiplier ``U = Phi' X Phi``, the change of the
    constraint is diagonal, and the method becomes that of Helmberg, Rendl, Vanderbei and
    Wolkowicz (1996), section 5, with ``G = T^-1``: ``dU = sigma mu G - U - U diag(d gamma) G``.
    X itself is only formed for the caller. U is as ill-conditioned as X and K together, so this
    is for K far from singular.

    An iteration costs two products of l x l matrices, one inverse and three Cholesky factors.
    """

    def init(self, problem: Problem, start: StartingPoint | None) -> FullRankInteriorPointState:
        """Start at gamma = 0, always strictly feasible, or at a point drawn inside from `start`."""
        gamma, multiplier = interior_start(problem, start)
        offset = problem.reg_sos * inverse_from_cholesky(problem.features.T)
        factor = cholesky(add_diagonal(offset, gamma))
        values = symmetric(problem.features.T @ (multiplier @ problem.features))
        return _state(problem, gamma, offset, factor, values, cholesky(values))

    def multiplier(self, problem: Problem, state: FullRankInteriorPointState) -> Array:
        """Return `X = Phi^-T U Phi^-1`."""
        lower = problem.features.T
        return symmetric(solve_lower(lower, solve_lower(lower, state.values).T))

    def _newton_matrix(
        self, problem: Problem, state: FullRankInteriorPointState
    ) -> tuple[Array, Prepared]:
        xp = namespace_of(state.gamma)
        G = inverse_from_cholesky(state.factor)
        newton = state.values * G
        newton = add_scaled(newton, 1 / (2 * problem.reg_potential), problem.quadratic)
        return newton, Prepared(xp.diagonal(G), G)

    def _direction(
        self,
        problem: Problem,
        state: FullRankInteriorPointState,
        prepared: Prepared,
        d_gamma: Array,
        *,
        target: Any = None,
        second_order: Any = None,
    ) -> Direction:
        U, G = state.values, prepared.matrix
        # The second-order term is used up here: its memory holds the sum.
        changed = U * d_gamma if second_order is None else add_scaled(second_order, d_gamma, U)
        d_values = symmetrise(changed @ G)
        d_values *= -1
        d_values -= U
        if target is not None:
            d_values = add_scaled(d_values, target, G)
        return Direction(d_gamma, None, d_values)

    def _second_order(
        self, state: FullRankInteriorPointState, prepared: Prepared, direction: Direction
    ) -> tuple[Array, Array]:
        xp = namespace_of(state.gamma)
        product = direction.multiplier * direction.d_gamma
        return product, xp.einsum("ij,ij->i", product, prepared.matrix)

    def _products(self, state: FullRankInteriorPointState, direction: Direction) -> tuple[Any, Any]:
        xp = namespace_of(state.gamma)
        d_gamma = direction.d_gamma
        return d_gamma @ xp.diagonal(state.values), d_gamma @ xp.diagonal(direction.multiplier)

    def _step_lengths(
        self,
        state: FullRankInteriorPointState,
        prepared: Prepared,
        direction: Direction,
        products: int,
    ) -> tuple[Any, Any]:
        d_gamma, _, d_values = direction
        factor = state.factor
        return (
            longest_step(lambda v: (d_gamma * v.T).T, factor, factor, products),
            longest_step(d_values.__matmul__, state.values_root, factor, products),
        )

    def _moved(
        self,
        problem: Problem,
        state: FullRankInteriorPointState,
        direction: Direction,
        step: Any,
        step_x: Any,
    ) -> FullRankInteriorPointState:
        d_gamma, _, d_values = direction
        step, factor = cholesky_along(
            lambda t: add_diagonal(state.offset, state.gamma + t * d_gamma), step
        )
        step_x, root = cholesky_along(lambda t: add_scaled(1 * state.values, t, d_values), step_x)
        values = add_scaled(1 * state.values, step_x, d_values)
        return _state(problem, state.gamma + step * d_gamma, state.offset, factor, values, root)


def is_well_conditioned(problem: Problem) -> bool:
    """Return whether Phi is the triangular factor of a K far enough from singular.

    The condition of K is the square of that of Phi, its triangular factor.
    """
    xp = namespace_of(problem.features)
    if problem.rank != problem.n_fill or bool(xp.any(xp.tril(problem.features, -1) != 0)):
        return False
    return bool(triangular_condition(problem.features) <= _WORST_CONDITION)


def _state(
    problem: Problem, gamma: Array, offset: Array, factor: Array, values: Array, root: Array
) -> FullRankInteriorPointState:
    xp = namespace_of(gamma)
    product = xp.vdot(offset, values) + gamma @ xp.diagonal(values)
    residual = xp.maximum(
        relative_stationarity(problem, gamma, xp.diagonal(values)),
        relative_complementarity(problem, gamma, product),
    )
    # A factorisation that broke down left NaN; the loop then falls back to the best iterate.
    failure = factorization_code(xp.isfinite(factor[-1, -1] + root[-1, -1] + residual), gamma)
    return FullRankInteriorPointState(
        gamma, offset, factor, values, root, product, residual, failure
    )
