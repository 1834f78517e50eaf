"""Nesterov's accelerated gradient method on a penalised objective."""

from __future__ import annotations

from dataclasses import dataclass

from kernel_ot._arrays import Array, Scalar, namespace_of, pytree
from kernel_ot._linalg import project_psd
from kernel_ot.problem import Problem, complementarity, restoration, stationarity
from kernel_ot.solvers._method import Method, StartingPoint
from kernel_ot.solvers._scaling import multiplier_size
from kernel_ot.solvers.published._projection import curvature_norms, kkt_estimate


@pytree()
@dataclass(frozen=True, eq=False)
class AcceleratedGradientState:
    """An iterate of the penalised problem.

    Attributes
    ----------
    gamma : array of shape (l,)
        The point momentum leads to, at which everything is evaluated.
    descended : array of shape (l,)
        The point that the last gradient step led to.
    multiplier : array of shape (r, r)
        `X = [-M(gamma)]_+ / penalty`.
    gradient : array of shape (l,)
        Of the penalised objective at gamma, `gradient of f - A(X)`.
    penalty : array of shape ()
        epsilon, the constraint's softness.
    age : array of shape ()
        Steps since the momentum was last put to zero.
    norms : tuple of two arrays of shape ()
        `|Q| / (2 lambda_2)` and `|A|`.
    violation : array of shape ()
        The larger of the relative complementarity and the price of restoring feasibility: what
        epsilon is for.
    residual : array of shape ()
    failure : array of shape ()
    """

    gamma: Array
    descended: Array
    multiplier: Array
    gradient: Array
    penalty: Scalar
    age: Scalar
    norms: tuple[Scalar, Scalar]
    violation: Scalar
    residual: Scalar
    failure: Scalar = 0


@dataclass(frozen=True)
class AcceleratedGradient(Method[AcceleratedGradientState]):
    """Accelerated gradient steps on an objective that softens the constraint.

    Minimises ``f(gamma) + |[-M(gamma)]_+|_F^2 / (2 epsilon)``, a squared hinge on the negative
    eigenvalues. That is the dual of the problem with ``epsilon |X|_F^2 / 2`` added to the
    sum-of-squares operator's regularisation, the smooth form of Marteau-Ferey, Bach and Rudi
    (2020). Steps and momentum: Nesterov (1983); the momentum is put to zero where it
    points uphill (O'Donoghue and Candes 2015).

    What it converges to: for one epsilon, to that regularised problem, whose multiplier is
    ``X = [-M(gamma)]_+ / epsilon`` exactly and whose constraint is violated by epsilon times the
    largest eigenvalue of X. Whenever stationarity is better than that violation, epsilon is cut,
    so that the sequence goes to the problem's own solution; but the Lipschitz constant
    ``|Q| / (2 lambda_2) + |A|^2 / epsilon`` grows as epsilon falls, and high accuracy is far.

    A step costs one eigen-decomposition and about three products of r x r by r x l.

    Attributes
    ----------
    penalty_cut : float
        Factor of epsilon once it is solved for.
    stationarity_share : float
        An epsilon is solved for when the relative stationarity error is below this share of the
        violation that it leaves.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import Problem, kernels, solve
    >>> x = np.linspace(0, 1, 8)[:, None]
    >>> problem = Problem.from_samples(
    ...     x, x + 1, x, x + 1, kernel=kernels.Gaussian(0.5), reg_sos=0.1, reg_potential=0.1
    ... )
    >>> from kernel_ot.solvers import AcceleratedGradient
    >>> solve(problem, AcceleratedGradient(), tol=1e-4).status.name
    'CONVERGED'
    """

    penalty_cut: float = 0.5
    stationarity_share: float = 0.3
    name: str = "accelerated_gradient"
    max_iter: int = 10_000
    patience: int = 10_000  # it creeps, far less than a tenth in a step: the budget ends it

    def init(self, problem: Problem, start: StartingPoint | None) -> AcceleratedGradientState:
        """Start at gamma = 0 or at that of `start`, with an epsilon that makes X a first guess.

        At epsilon = lambda_1 / xi, with xi the size of a first multiplier, violating the
        constraint by lambda_1 gives a multiplier of that size.
        """
        xp = namespace_of(problem.features)
        gamma = xp.zeros_like(problem.linear) if start is None else start.gamma
        penalty = problem.reg_sos / multiplier_size(problem)
        return _state(problem, gamma, gamma, penalty, 0, curvature_norms(problem))

    def step(
        self, problem: Problem, state: AcceleratedGradientState, tol: Scalar
    ) -> AcceleratedGradientState:
        """Take a gradient step and move on with the momentum, or cut a solved epsilon."""
        h, a = state.norms
        descended = state.gamma - state.gradient / (h + a**2 / state.penalty)
        values = problem.gradient(state.gamma) - state.gradient
        xp = namespace_of(state.gamma)
        error = stationarity(problem, state.gamma, values).of_gradient
        solved = error <= self.stationarity_share * state.violation
        uphill = state.gradient @ (descended - state.descended) > 0
        age = xp.where(solved | uphill, 0, state.age + 1)
        ahead = descended + age / (age + 3) * (descended - state.descended)
        penalty = xp.where(solved, self.penalty_cut, 1.0) * state.penalty
        return _state(problem, ahead, descended, penalty, age, state.norms)

    def multiplier(self, problem: Problem, state: AcceleratedGradientState) -> Array:
        """Return `X = [-M(gamma)]_+ / epsilon`."""
        return state.multiplier


def _state(
    problem: Problem,
    gamma: Array,
    descended: Array,
    penalty: Scalar,
    age: Scalar,
    norms: tuple[Scalar, Scalar],
) -> AcceleratedGradientState:
    xp = namespace_of(gamma)
    constraint = problem.constraint_matrix(gamma)
    multiplier = project_psd(-constraint) / penalty
    gradient = problem.gradient(gamma) - problem.operator(multiplier)
    lowest = penalty * xp.linalg.norm(multiplier)
    residual = kkt_estimate(problem, gamma, multiplier, constraint, lowest)
    violation = xp.maximum(
        complementarity(problem, gamma, xp.sum(multiplier * constraint)),
        restoration(problem, gamma, lowest),
    )
    return AcceleratedGradientState(
        gamma, descended, multiplier, gradient, penalty, age, norms, violation, residual
    )
