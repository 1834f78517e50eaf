"""The extragradient method on the saddle point form."""

from __future__ import annotations

from dataclasses import dataclass

from kernel_ot._arrays import Array, Scalar, namespace_of, pytree
from kernel_ot._linalg import project_psd
from kernel_ot.problem import Problem
from kernel_ot.solvers._method import Method, StartingPoint
from kernel_ot.solvers._scaling import rescaled
from kernel_ot.solvers.published._projection import curvature_norms, kkt_estimate


@pytree()
@dataclass(frozen=True, eq=False)
class ExtragradientState:
    """An iterate with the gradient step from it, which the next step extrapolates to.

    Attributes
    ----------
    gamma : array of shape (l,)
    multiplier : array of shape (r, r)
        X, positive semidefinite.
    next_gamma, next_multiplier : array of shape (l,) and (r, r)
        Where a projected gradient step leads.
    step_gamma, step_multiplier : array of shape ()
        Step sizes in gamma and in X.
    residual : array of shape ()
    failure : array of shape ()
    """

    gamma: Array
    multiplier: Array
    next_gamma: Array
    next_multiplier: Array
    step_gamma: Scalar
    step_multiplier: Scalar
    residual: Scalar
    failure: Scalar = 0


@dataclass(frozen=True)
class Extragradient(Method[ExtragradientState]):
    """Extragradient on the saddle point form (Korpelevich 1976).

    The problem is ``min_gamma max_{X >= 0} f(gamma) - <X, M(gamma)>``. A step evaluates its
    monotone operator ``F = [(Q gamma - z)/(2 lambda_2) - A(X); M(gamma)]`` at the point that a
    projected gradient step leads to, and takes the step from the old point with that value. It
    converges from anywhere with a residual of order 1/sqrt(k), and is what safeguards the
    semismooth Newton method of Lin, Cuturi and Jordan (2024).

    Step size: with `h = |Q| / (2 lambda_2)` and `a = |A|`, F has the Lipschitz constant
    ``(h + sqrt(h^2 + 4 tau^2 a^2)) / 2`` in (gamma, X / tau).

    A step costs two eigen-decompositions and about six products of r x r by r x l.

    Attributes
    ----------
    step_share : float
        Step size as a share of the largest that convergence is known for, 1 / Lipschitz constant.
    balanced : bool
        Measure X in the unit tau = h / a, at which its part of F is as steep as that of gamma; the
        Lipschitz constant hardly grows and steps in X become (h / a)^2 times longer. False takes
        tau = 1, as published.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import Problem, kernels, solve
    >>> x = np.linspace(0, 1, 8)[:, None]
    >>> problem = Problem.from_samples(
    ...     x, x + 1, x, x + 1, kernel=kernels.Gaussian(0.5), reg_sos=0.1, reg_potential=0.1
    ... )
    >>> from kernel_ot.solvers import Extragradient
    >>> solve(problem, Extragradient(), tol=1e-2).status.name
    'CONVERGED'
    """

    step_share: float = 0.95
    balanced: bool = True
    name: str = "extragradient"
    max_iter: int = 10_000
    patience: int = 10_000  # it creeps, far less than a tenth in a step: the budget ends it

    def init(self, problem: Problem, start: StartingPoint | None) -> ExtragradientState:
        """Start at gamma = 0 and X = 0, or at `start` with its multiplier projected."""
        xp = namespace_of(problem.features)
        if start is None:
            gamma = xp.zeros_like(problem.linear)
            multiplier = xp.zeros((problem.rank, problem.rank), dtype=gamma.dtype)
        else:
            gamma, multiplier, _ = rescaled(problem, start)
            multiplier = project_psd(multiplier)
        unit, step = saddle_step_size(problem, balanced=self.balanced)
        step = self.step_share * step
        return _state(problem, gamma, multiplier, step, unit**2 * step)

    def step(self, problem: Problem, state: ExtragradientState, tol: Scalar) -> ExtragradientState:
        """Take one extragradient step."""
        gamma, multiplier = saddle_step(
            problem,
            (state.gamma, state.multiplier),
            (state.next_gamma, state.next_multiplier),
            (state.step_gamma, state.step_multiplier),
        )
        return _state(problem, gamma, multiplier, state.step_gamma, state.step_multiplier)

    def multiplier(self, problem: Problem, state: ExtragradientState) -> Array:
        """Return X."""
        return state.multiplier


def saddle_step_size(problem: Problem, *, balanced: bool) -> tuple[Scalar, Scalar]:
    """Return the unit tau of X and the inverse Lipschitz constant of F in (gamma, X / tau)."""
    xp = namespace_of(problem.features)
    h, a = curvature_norms(problem)
    unit = h / a if balanced else xp.ones_like(a)
    return unit, 2 / (h + xp.sqrt(h**2 + 4 * (unit * a) ** 2))


def saddle_step(
    problem: Problem,
    start: tuple[Array, Array],
    at: tuple[Array, Array],
    steps: tuple[Scalar, Scalar],
) -> tuple[Array, Array]:
    """Return `start - steps * F(at)`, its multiplier projected on X >= 0."""
    direction = problem.gradient(at[0]) - problem.operator(at[1])
    shifted = start[1] - steps[1] * problem.constraint_matrix(at[0])
    return start[0] - steps[0] * direction, project_psd(shifted)


def _state(
    problem: Problem, gamma: Array, multiplier: Array, step_gamma: Scalar, step_multiplier: Scalar
) -> ExtragradientState:
    xp = namespace_of(gamma)
    here = (gamma, multiplier)
    next_gamma, next_multiplier = saddle_step(problem, here, here, (step_gamma, step_multiplier))
    # What the projection cut off is positive, so M(gamma) >= (X - next X) / step.
    violation = xp.linalg.norm(multiplier - next_multiplier) / step_multiplier
    residual = kkt_estimate(problem, gamma, multiplier, problem.constraint_matrix(gamma), violation)
    return ExtragradientState(
        gamma, multiplier, next_gamma, next_multiplier, step_gamma, step_multiplier, residual
    )
