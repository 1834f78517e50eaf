"""Mehrotra's predictor-corrector step, whatever the coordinates that an iterate is held in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, Self, TypeVar

from kernel_ot._arrays import Array, Scalar, branch, namespace_of
from kernel_ot._linalg import cholesky_solve, cholesky_with_ridge
from kernel_ot.problem import Problem, complementarity
from kernel_ot.solvers._method import AnyMethod, Method, State
from kernel_ot.solvers._status import stopped_by_factorization
from kernel_ot.solvers.semismooth._semismooth_newton import SemismoothNewton

# Products spent on a step length: the predictor's only steers the centring.
_PREDICTOR_PRODUCTS = 8
_STEP_PRODUCTS = 14
# Share of the tolerance that the gap aims at: beyond, nothing is gained but rounding errors.
_LEAST_GAP = 0.5
_LEAST_CENTRING = 1e-6

# From where the interior point method ends, mostly for two or three steps; then from the start.
_FOLLOWING = SemismoothNewton(patience=10, successor=SemismoothNewton(warm=False))


class Lengths(NamedTuple):
    """How far to go: in gamma, and so in S, and in X."""

    gamma: Scalar
    multiplier: Scalar


class SecondOrder(Protocol):
    """The term dX dS that the affine direction leaves out, as a form's coordinates hold it."""

    @property
    def forms(self) -> Array:
        """`diag(Phi' dX dS S^-1 Phi)`, of shape (l,)."""


D = TypeVar("D")
E = TypeVar("E", bound=SecondOrder)
F = TypeVar("F")


class NewtonSystem(Protocol[D, E]):
    """The Newton equations at an iterate: X eliminated, and what d gamma means for X and S.

    D is the form's type of directions, E of second-order terms.
    """

    @property
    def diagonal(self) -> Array:
        """`diag(Phi' S^-1 Phi)`, of shape (l,)."""

    def schur_complement(self, problem: Problem) -> Array:
        """Return `Q / (2 lambda_2) + (Phi' X Phi) o (Phi' S^-1 Phi)`, a new matrix."""

    def affine(self, d_gamma: Array) -> D:
        """Return the direction of d gamma that aims at `X S = 0`."""

    def inner_products(self, direction: D) -> tuple[Scalar, Scalar]:
        """Return `<X, dS>` and `<dX, dS>`."""

    def second_order(self, affine: D) -> E:
        """Return what the affine direction leaves out; the direction is used up."""

    def corrected(self, d_gamma: Array, target: Scalar, second_order: E) -> D:
        """Return the direction of d gamma that aims at `X S = target I`, with that term."""

    def step_lengths(self, direction: D, products: int) -> Lengths:
        """Return the longest steps inside the cone, from so many Lanczos products."""


class Iterate(State, Protocol[D, E, F]):
    """X and `S = M(gamma)`, both positive definite, in the coordinates of a form.

    F is the form's type of their Cholesky factors.
    """

    @property
    def product(self) -> Scalar:
        """`<X, S>`."""

    def newton_system(self) -> NewtonSystem[D, E]:
        """Return the Newton equations here."""

    def factors_along(self, direction: D, lengths: Lengths) -> F:
        """Return gamma and the factors after such steps, shortened until the factors exist."""

    def at(self, problem: Problem, factors: F) -> Self:
        """Return the iterate with these factors."""


# A bound cannot have type variables of its own, so that its directions and factors are Any.
AnIterate = TypeVar("AnIterate", bound=Iterate[Any, Any, Any])


@dataclass(frozen=True)
class PredictorCorrector(Method[AnIterate]):
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

    Its forms differ in the coordinates in which their iterates hold X and S, and in nothing else.
    """

    name: str = "interior_point"
    max_iter: int = 200
    patience: int = 12
    successor: AnyMethod | None = _FOLLOWING
    warm: bool = True

    def step(self, problem: Problem, state: AnIterate, tol: Scalar) -> AnIterate:
        """Take one predictor-corrector step."""
        sound, factors = _factors_ahead(problem, state, tol)
        return branch(
            sound,
            lambda: state.at(problem, factors),
            lambda: stopped_by_factorization(state),
        )


def _factors_ahead(problem: Problem, iterate: Iterate[D, E, F], tol: Scalar) -> tuple[Array, F]:
    """Return whether there is a Newton step, and the factors that it leads to.

    Each stage lets go of its matrices before the next one makes its own.
    """
    sound, direction, lengths = _newton_step(problem, iterate, tol)
    return sound, iterate.factors_along(direction, lengths)


def _newton_step(
    problem: Problem, iterate: Iterate[D, E, F], tol: Scalar
) -> tuple[Array, D, Lengths]:
    """Return whether the Newton matrix has a factor, Mehrotra's direction and how far to go."""
    xp = namespace_of(iterate.gamma)
    system = iterate.newton_system()
    newton_factor = cholesky_with_ridge(system.schur_complement(problem), overwrite=True)
    sound = xp.isfinite(newton_factor[-1, -1])

    def solved(values: Array) -> Array:  # without a factor there is nowhere to go
        solution: Array = xp.where(sound, cholesky_solve(newton_factor, values), 0.0)
        return solution

    # Predictor: the affine direction, mu -> 0.
    descent = -problem.gradient(iterate.gamma)
    affine = system.affine(solved(descent))
    target = _centring(problem, iterate, system, affine, tol)

    # Corrector: centring and the second-order term, with the same factor.
    second_order = system.second_order(affine)
    del affine
    d_gamma = solved(descent + target * system.diagonal - second_order.forms)
    direction = system.corrected(d_gamma, target, second_order)
    del second_order

    longest = system.step_lengths(direction, _STEP_PRODUCTS)
    share = 0.9 + 0.09 * xp.minimum(1.0, xp.minimum(*longest))
    return sound, direction, Lengths(*(xp.minimum(1.0, share * length) for length in longest))


def _centring(
    problem: Problem,
    iterate: Iterate[D, E, F],
    system: NewtonSystem[D, E],
    affine: D,
    tol: Scalar,
) -> Scalar:
    """Return the mu to aim at, by what the affine direction promises (Mehrotra's cube)."""
    xp = namespace_of(iterate.gamma)
    longest = system.step_lengths(affine, _PREDICTOR_PRODUCTS)
    step, step_x = (xp.minimum(1.0, length) for length in longest)
    along, cross = system.inner_products(affine)
    # <X + step_x dX, S + step dS>, where the predictor makes <dX, S> = -<X, S> - <X, dS>.
    predicted = (1 - step_x) * iterate.product + (step - step_x) * along + step * step_x * cross
    gap = complementarity(problem, iterate.gamma, iterate.product)
    least = xp.clip(_LEAST_GAP * tol / gap, _LEAST_CENTRING, 1.0)
    mu = iterate.product / problem.rank
    target: Scalar = mu * xp.clip((predicted / iterate.product) ** 3, least, 1.0)
    return target
