"""Mehrotra's predictor-corrector step, in whatever coordinates a form of it works in."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol, TypeVar

from kernel_ot._arrays import Array, Scalar, branch, namespace_of
from kernel_ot._linalg import cholesky_solve, cholesky_with_ridge
from kernel_ot.problem import Problem, complementarity
from kernel_ot.solvers._method import AnyMethod, Method, StartingPoint, State
from kernel_ot.solvers._status import factorization_code
from kernel_ot.solvers.semismooth._semismooth_newton import SemismoothNewton

# Products spent on a step length: the predictor's only steers the centring.
_PREDICTOR_PRODUCTS = 8
_STEP_PRODUCTS = 14
# Share of the tolerance that the gap aims at: beyond, nothing is gained but rounding errors.
_LEAST_GAP = 0.5
_LEAST_CENTRING = 1e-6

# From where the interior point method ends, mostly for two or three steps; then from the start.
_FOLLOWING = SemismoothNewton(patience=10, successor=SemismoothNewton(warm=False))


class InteriorState(State, Protocol):
    """What the step itself reads of a form's state."""

    @property
    def product(self) -> Any:
        """`<X, M(gamma)>`."""


class Direction(NamedTuple):
    """A direction: the change of gamma, and those of S and X in the coordinates of the form.

    `constraint` is None where the change of S is diagonal, and the change of gamma says it all.
    `multiplier` is the change of X, or what it leads to, as the form likes.
    """

    d_gamma: Array
    constraint: Any
    multiplier: Array


class Factors(NamedTuple):
    """Where a step leads: gamma, and the Cholesky factors of S and X as the form holds them.

    `values` is A(X) where the form knows it.
    """

    gamma: Array
    constraint: Array
    multiplier: Array
    values: Any = None


class Prepared(NamedTuple):
    """What both directions of a step use: the diagonal of `G = Phi' S^-1 Phi`, and one matrix.

    In the coordinates of the filling points the matrix is G itself, in those of the features the
    lower Cholesky factor of X.
    """

    diagonal: Array
    matrix: Array


S = TypeVar("S", bound=InteriorState)


@dataclass(frozen=True)
class PredictorCorrector(Method[S]):
    """Mehrotra's predictor-corrector method with the HKM direction.

    Each iteration solves, with `S = M(gamma)`, the Newton equations of ``X S = sigma mu I`` and
    of stationarity (Helmberg, Rendl, Vanderbei, Wolkowicz 1996; Mehrotra 1992), whose Schur
    complement in gamma is ``Q/(2 lambda_2) + (Phi'X Phi) o (Phi' S^-1 Phi)``. The constraint is
    held exactly, stationarity is reached on the way. Step lengths come from a few Lanczos
    products instead of eigenvalues, and the step is confirmed by the Cholesky factors that the
    next iteration needs anyway.

    Close to the boundary the Newton matrix is lost in rounding errors before stationarity is as
    small as its norm demands where Q is nearly singular. There the semismooth Newton method takes
    over.

    A form of the method says in which coordinates X and S are held.
    """

    name: str = "interior_point"
    max_iter: int = 200
    patience: int = 12
    successor: AnyMethod | None = _FOLLOWING
    warm: bool = True

    @abstractmethod
    def init(self, problem: Problem, start: StartingPoint | None) -> S:
        """Start on the central path above the uniform plan, or inside near `start`."""

    def step(self, problem: Problem, state: S, tol: Scalar) -> S:
        """Take one predictor-corrector step."""
        sound, factors = self._searched(problem, state, tol)
        return branch(
            sound,
            lambda: self._arrived(problem, state, factors),
            lambda: replace(state, failure=factorization_code(False, state.gamma)),  # type: ignore[type-var]
        )

    def _searched(self, problem: Problem, state: S, tol: Scalar) -> tuple[Any, Factors]:
        """Return whether the Newton matrix has a factor, and the factors that the step leads to.

        Each stage lets go of its matrices before the next one makes its own.
        """
        found = self._found(problem, state, tol)
        return found[0], self._factored(state, *found[1:])

    def _found(self, problem: Problem, state: S, tol: Scalar) -> tuple[Any, Direction, Any, Any]:
        """Return whether the Newton matrix has a factor, the direction, and the steps along it."""
        xp = namespace_of(state.gamma)
        newton, prepared = self._newton_matrix(problem, state)
        newton_factor = cholesky_with_ridge(newton, overwrite=True)
        del newton
        sound = xp.isfinite(newton_factor[-1, -1])
        direction, step, step_x = branch(
            sound,
            lambda: self._corrected(problem, state, tol, newton_factor, prepared),
            lambda: (
                self._standstill(state),
                xp.zeros_like(sound, state.gamma.dtype),
                xp.zeros_like(sound, state.gamma.dtype),
            ),
        )
        return sound, direction, step, step_x

    def _corrected(
        self, problem: Problem, state: S, tol: Scalar, newton_factor: Array, prepared: Prepared
    ) -> tuple[Direction, Any, Any]:
        """Return Mehrotra's direction and the steps along it."""
        xp = namespace_of(state.gamma)
        descent = -problem.gradient(state.gamma)
        mu = state.product / problem.rank

        # Predictor: the affine direction, mu -> 0.
        d_gamma = cholesky_solve(newton_factor, descent)
        affine = self._direction(problem, state, prepared, d_gamma)
        lengths = self._step_lengths(state, prepared, affine, _PREDICTOR_PRODUCTS)
        step, step_x = (xp.minimum(1.0, length) for length in lengths)
        along, cross = self._products(state, affine)
        # <X + step_x dX, S + step dS>, where the predictor makes <dX, S> = -<X, S> - <X, dS>.
        predicted = (1 - step_x) * state.product + (step - step_x) * along + step * step_x * cross
        gap = complementarity(problem, state.gamma, state.product)
        least = xp.clip(_LEAST_GAP * tol / gap, _LEAST_CENTRING, 1.0)
        target = mu * xp.clip((predicted / state.product) ** 3, least, 1.0)

        # Corrector: centring and the second-order term, with the same factor.
        second_order, correction = self._second_order(state, prepared, affine)
        del affine
        d_gamma = cholesky_solve(newton_factor, descent + target * prepared.diagonal - correction)
        direction = self._direction(
            problem, state, prepared, d_gamma, target=target, second_order=second_order
        )
        del second_order
        step, step_x = self._step_lengths(state, prepared, direction, _STEP_PRODUCTS)
        share = 0.9 + 0.09 * xp.minimum(1.0, xp.minimum(step, step_x))
        return direction, xp.minimum(1.0, share * step), xp.minimum(1.0, share * step_x)

    @abstractmethod
    def multiplier(self, problem: Problem, state: S) -> Array:
        """Return X of shape (r, r) for a state, or for what `kept` left of it."""

    @abstractmethod
    def kept(self, state: S) -> S:
        """Return the state without the arrays that `multiplier` does not need."""

    @abstractmethod
    def _newton_matrix(self, problem: Problem, state: S) -> tuple[Array, Prepared]:
        """Return the Schur complement in gamma, and what else the step will need."""

    @abstractmethod
    def _direction(
        self,
        problem: Problem,
        state: S,
        prepared: Prepared,
        d_gamma: Array,
        *,
        target: Any = None,
        second_order: Any = None,
    ) -> Direction:
        """Return the direction that belongs to `d_gamma`, without a target the affine one."""

    @abstractmethod
    def _standstill(self, state: S) -> Direction:
        """Return a direction of zeros."""

    @abstractmethod
    def _second_order(
        self, state: S, prepared: Prepared, direction: Direction
    ) -> tuple[Any, Array]:
        """Return what `_direction` is to be given of dX dS, and `diag(Phi' dX dS S^-1 Phi)`.

        The direction is used up.
        """

    @abstractmethod
    def _products(self, state: S, direction: Direction) -> tuple[Any, Any]:
        """Return `<X, dS>` and `<dX, dS>`."""

    @abstractmethod
    def _step_lengths(
        self, state: S, prepared: Prepared, direction: Direction, products: int
    ) -> tuple[Any, Any]:
        """Return the longest steps in gamma and X, from so many Lanczos products."""

    @abstractmethod
    def _factored(self, state: S, direction: Direction, step: Any, step_x: Any) -> Factors:
        """Return gamma and the factors after such steps, shortened until the factors exist.

        The direction is used up.
        """

    @abstractmethod
    def _arrived(self, problem: Problem, state: S, factors: Factors) -> S:
        """Return the state with these factors."""
