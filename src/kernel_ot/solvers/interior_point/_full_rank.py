"""The interior point method in the coordinates of the filling points, for K of full rank."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from kernel_ot._arrays import Array, Scalar, is_traced, namespace_of, pytree
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
    product: Scalar
    residual: Scalar
    failure: Scalar = 0

    def newton_system(self) -> _System:
        """Return the Newton equations here."""
        G = inplace.drop_negligible(inverse_from_cholesky(self.factor))
        return _System(self, G)

    def factors_along(self, direction: _Direction, lengths: Lengths) -> _Factors:
        """Return the factors after such steps, or shorter ones."""
        xp = namespace_of(self.gamma)
        d_gamma, aim = direction
        step_x, root = cholesky_along(
            lambda t: add_unpacked_in_place(t * aim, self.values_root, self.values, 1 - t),
            lengths.multiplier,
            packed_cholesky_in_place,
        )
        step, factor = cholesky_along(
            lambda t: unpacked(self.factor, self.offset_diagonal + self.gamma + t * d_gamma),
            lengths.gamma,
            packed_cholesky_in_place,
        )
        values = (1 - step_x) * self.values + step_x * xp.diagonal(aim)
        return _Factors(self.gamma + step * d_gamma, factor, root, values)

    def at(self, problem: Problem, factors: _Factors) -> FullRankInteriorPointState:
        """Return the state there."""
        gamma, factor, root, values = factors
        return _state(problem, gamma, factor, self.offset_diagonal, root, values)


class _Direction(NamedTuple):
    """The change of gamma, which is that of T as well, and what it leads to: `aim`, U + dU."""

    d_gamma: Array
    aim: Array


class _SecondOrder(NamedTuple):
    """The affine direction, its `aim` by its changes of gamma, and the forms of its term."""

    scaled_aim: Array
    d_gamma: Array
    forms: Array


class _Factors(NamedTuple):
    """gamma, the Cholesky factors of T and U as the state packs them, and the diagonal of U."""

    gamma: Array
    factor: Array
    values_root: Array
    values: Array


@dataclass(frozen=True, eq=False)
class _System:
    """The Newton equations between filling points, with `G = T^-1`."""

    state: FullRankInteriorPointState
    inverse: Array

    @property
    def diagonal(self) -> Array:
        """Diagonal of G."""
        diagonal: Array = namespace_of(self.inverse).diagonal(self.inverse)
        return diagonal

    def schur_complement(self, problem: Problem) -> Array:
        """Return the Newton matrix in gamma."""
        newton = unpacked(self.state.values_root, self.state.values)
        newton *= self.inverse
        return inplace.add_scaled(newton, 1 / (2 * problem.reg_potential), problem.quadratic)

    def affine(self, d_gamma: Array) -> _Direction:
        """Return the direction toward `U T = 0`."""
        changed = unpacked(self.state.values_root, self.state.values)
        changed *= d_gamma
        return _Direction(d_gamma, self._against(changed))

    def corrected(self, d_gamma: Array, target: Scalar, second_order: _SecondOrder) -> _Direction:
        """Return the direction toward `U T = target I`."""
        changed = add_unpacked_in_place(
            second_order.scaled_aim,
            self.state.values_root,
            self.state.values,
            d_gamma - second_order.d_gamma,
        )
        return _Direction(d_gamma, inplace.add_scaled(self._against(changed), target, self.inverse))

    def _against(self, changed: Array) -> Array:
        """Return `-changed G`, symmetrised, in the place of `changed`."""
        aim = inplace.multiply(inplace.drop_negligible(changed), self.inverse)
        aim = inplace.drop_negligible(inplace.symmetrise(aim))
        aim *= -1
        return aim

    def inner_products(self, direction: _Direction) -> tuple[Scalar, Scalar]:
        """Return `<U, dT>` and `<dU, dT>`."""
        d_gamma, aim = direction
        along = d_gamma @ self.state.values
        return along, d_gamma @ (namespace_of(aim).diagonal(aim) - self.state.values)

    def second_order(self, affine: _Direction) -> _SecondOrder:
        """Return the term that the affine direction leaves out, in its place."""
        xp = namespace_of(self.inverse)
        d_gamma, aim = affine
        # The diagonal of U diag(d gamma) G is that of the affine aim, with the sign changed.
        left_out = 1 * xp.diagonal(aim)
        aim *= d_gamma
        forms = xp.einsum("ij,ij->i", aim, self.inverse) + left_out
        return _SecondOrder(aim, d_gamma, forms)

    def step_lengths(self, direction: _Direction, products: int) -> Lengths:
        """Return the longest steps."""
        d_gamma, aim = direction
        factor, root = self.state.factor, self.state.values_root
        return Lengths(
            longest_step(lambda v: (d_gamma * v.T).T, factor, factor, products),
            longest_step(aim.__matmul__, root, factor, products, shift=-1.0),
        )


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


def is_well_conditioned(problem: Problem) -> bool:
    """Return whether Phi is the triangular factor of a K far enough from singular.

    The condition of K is the square of that of Phi, its triangular factor. False under JAX's
    tracing, where nothing can be looked at, not even what is computed from known numbers.
    """
    xp = namespace_of(problem.features)
    has_more = xp.any(xp.tril(problem.features, -1) != 0)
    if problem.rank != problem.n_fill or is_traced(has_more) or bool(has_more):
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
    residual = interior_residual(problem, gamma, values, product)
    # A factorisation that broke down left NaN; the loop then falls back to the best iterate.
    failure = factorization_code(xp.isfinite(factor[-1, -1] + root[-1, -1] + residual), gamma)
    return FullRankInteriorPointState(
        gamma, factor, offset_diagonal, root, values, product, residual, failure
    )
