"""The interior point method in the coordinates of the filling points, for K of full rank."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from kernel_ot._arrays import Array, namespace_of, pytree
from kernel_ot._linalg import (
    add_unpacked_in_place,
    inplace,
    inverse_from_cholesky,
    packed_cholesky_in_place,
    solve_lower,
    triangular_condition,
    unpacked,
    upper_product,
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

# Beyond this condition number of Phi rounding in U = Phi' X Phi costs more steps than it saves; at
# twice that it can end the solve above 1e-8.
_WORST_CONDITION = 4e3


@pytree()
@dataclass(frozen=True, eq=False)
class FullRankInteriorPointState:
    """An iterate, seen only between filling points.

    Attributes
    ----------
    gamma : array of shape (l,)
    factor : array of shape (l, l)
        Lower L with `L L' = T = diag(gamma) + lambda_1 K^-1`; above its diagonal that of
        `lambda_1 K^-1`.
    offset_diagonal : array of shape (l,)
        Diagonal of `lambda_1 K^-1`.
    values_root : array of shape (l, l)
        Lower Cholesky factor of `U = Phi' X Phi`; above its diagonal that of U.
    values : array of shape (l,)
        Diagonal of U, A(X).
    product : array of shape ()
        `<X, M(gamma)> = <U, T>`.
    residual : array of shape ()
        The larger of the relative stationarity error and the relative complementarity.
    failure : array of shape ()
        Code of the `Status` that ends the solve here, 0 while there is none.
    """

    gamma: Array
    factor: Array
    offset_diagonal: Array
    values_root: Array
    values: Array
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
    X itself is only formed for the caller. Of a direction U + dU is held, not dU. U is as
    ill-conditioned as X and K together, so this is for K far from singular.

    An iteration costs two products of l x l matrices, one inverse and three Cholesky factors.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import Problem, kernels, solve
    >>> x = np.linspace(0, 1, 8)[:, None]
    >>> problem = Problem.from_samples(
    ...     x, x + 1, x, x + 1, kernel=kernels.Gaussian(0.5), reg_sos=0.1, reg_potential=0.1
    ... )
    >>> from kernel_ot.solvers import FullRankInteriorPoint
    >>> solve(problem, FullRankInteriorPoint()).status.name
    'CONVERGED'
    """

    def init(self, problem: Problem, start: StartingPoint | None) -> FullRankInteriorPointState:
        """Start on the central path above the uniform plan, or inside near `start`."""
        xp = namespace_of(problem.features)
        offset = inverse_from_cholesky(problem.features.T)
        offset *= problem.reg_sos
        offset_diagonal = 1 * xp.diagonal(offset)
        if start is None:
            gamma = uniform_plan(problem)
            factor = packed_cholesky_in_place(inplace.add_to_diagonal(offset, gamma))
            U = inverse_from_cholesky(factor)
            U *= central_weight(problem, gamma, xp.diagonal(U))
        else:
            gamma, multiplier = interior_start(problem, start)
            factor = packed_cholesky_in_place(inplace.add_to_diagonal(offset, gamma))
            U = inplace.symmetrise(problem.features.T @ (multiplier @ problem.features))
        values = 1 * xp.diagonal(U)
        return _state(problem, gamma, factor, offset_diagonal, packed_cholesky_in_place(U), values)

    def multiplier(self, problem: Problem, state: FullRankInteriorPointState) -> Array:
        """Return `X = Phi^-T U Phi^-1`."""
        lower = problem.features.T
        half = solve_lower(lower, unpacked(state.values_root, state.values))
        half = solve_lower(lower, half.T)
        return inplace.symmetrise(half)

    def kept(self, state: FullRankInteriorPointState) -> FullRankInteriorPointState:
        """Return the state without the factor of its constraint."""
        return replace(state, factor=zero_matrix(state.factor))

    def _newton_matrix(
        self, problem: Problem, state: FullRankInteriorPointState
    ) -> tuple[Array, Prepared]:
        xp = namespace_of(state.gamma)
        G = inplace.drop_negligible(inverse_from_cholesky(state.factor))
        newton = unpacked(state.values_root, state.values)
        newton *= G
        newton = inplace.add_scaled(newton, 1 / (2 * problem.reg_potential), problem.quadratic)
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
        U, G = (state.values_root, state.values), prepared.matrix
        if second_order is None:
            changed = unpacked(*U)
            changed *= d_gamma
        else:
            affine, affine_d_gamma = second_order
            changed = add_unpacked_in_place(affine, *U, d_gamma - affine_d_gamma)
        moved = inplace.drop_negligible(
            inplace.symmetrise(inplace.multiply(inplace.drop_negligible(changed), G))
        )
        moved *= -1
        if target is not None:
            moved = inplace.add_scaled(moved, target, G)
        return Direction(d_gamma, None, moved)

    def _standstill(self, state: FullRankInteriorPointState) -> Direction:
        return Direction(0 * state.gamma, None, 0 * state.factor)

    def _second_order(
        self, state: FullRankInteriorPointState, prepared: Prepared, direction: Direction
    ) -> tuple[tuple[Array, Array], Array]:
        xp = namespace_of(state.gamma)
        d_gamma, _, affine = direction
        # The diagonal of U diag(d gamma) G is that of the affine direction, with the sign changed.
        left_out = 1 * xp.diagonal(affine)
        affine *= d_gamma
        correction = xp.einsum("ij,ij->i", affine, prepared.matrix) + left_out
        return (affine, d_gamma), correction

    def _products(self, state: FullRankInteriorPointState, direction: Direction) -> tuple[Any, Any]:
        xp = namespace_of(state.gamma)
        d_gamma = direction.d_gamma
        d_values = xp.diagonal(direction.multiplier) - state.values
        return d_gamma @ state.values, d_gamma @ d_values

    def _step_lengths(
        self,
        state: FullRankInteriorPointState,
        prepared: Prepared,
        direction: Direction,
        products: int,
    ) -> tuple[Any, Any]:
        d_gamma, _, moved = direction
        factor, root = state.factor, state.values_root
        return (
            longest_step(lambda v: (d_gamma * v.T).T, factor, factor, products),
            longest_step(moved.__matmul__, root, factor, products, shift=-1.0),
        )

    def _factored(
        self, state: FullRankInteriorPointState, direction: Direction, step: Any, step_x: Any
    ) -> Factors:
        xp = namespace_of(state.gamma)
        d_gamma, _, moved = direction
        step_x, root = cholesky_along(
            lambda t: add_unpacked_in_place(t * moved, state.values_root, state.values, 1 - t),
            step_x,
            packed_cholesky_in_place,
        )
        step, factor = cholesky_along(
            lambda t: unpacked(state.factor, state.offset_diagonal + state.gamma + t * d_gamma),
            step,
            packed_cholesky_in_place,
        )
        gamma = state.gamma + step * d_gamma
        values = (1 - step_x) * state.values + step_x * xp.diagonal(moved)
        return Factors(gamma, factor, root, values)

    def _arrived(
        self, problem: Problem, state: FullRankInteriorPointState, factors: Factors
    ) -> FullRankInteriorPointState:
        gamma, factor, root, values = factors
        return _state(problem, gamma, factor, state.offset_diagonal, root, values)


def is_well_conditioned(problem: Problem) -> bool:
    """Return whether Phi is the triangular factor of a K far enough from singular.

    The condition of K is the square of that of Phi, its triangular factor.
    """
    xp = namespace_of(problem.features)
    if problem.rank != problem.n_fill or bool(xp.any(xp.tril(problem.features, -1) != 0)):
        return False
    return bool(triangular_condition(problem.features) <= _WORST_CONDITION)


def _state(
    problem: Problem,
    gamma: Array,
    factor: Array,
    offset_diagonal: Array,
    root: Array,
    values: Array,
) -> FullRankInteriorPointState:
    xp = namespace_of(gamma)
    product = 2 * upper_product(factor, root) + (offset_diagonal + gamma) @ values
    residual = xp.maximum(
        stationarity(problem, gamma, values).largest,
        complementarity(problem, gamma, product),
    )
    # A factorisation that broke down left NaN; the loop then falls back to the best iterate.
    failure = factorization_code(xp.isfinite(factor[-1, -1] + root[-1, -1] + residual), gamma)
    return FullRankInteriorPointState(
        gamma, factor, offset_diagonal, root, values, product, residual, failure
    )
