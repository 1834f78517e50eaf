"""The semismooth Newton method as published: conjugate gradients, extragradient safeguard."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from kernel_ot._arrays import Array, Scalar, branch, namespace_of, pytree, while_loop
from kernel_ot._linalg import eigh, eigvalsh, weighted_gram
from kernel_ot.problem import Problem
from kernel_ot.solvers._method import Method, StartingPoint
from kernel_ot.solvers._scaling import rescaled
from kernel_ot.solvers.published._extragradient import saddle_step, saddle_step_size
from kernel_ot.solvers.published._projection import kkt_estimate


@pytree()
@dataclass(frozen=True, eq=False)
class ResidualPoint:
    """A point w = (gamma, X) with its residual map R(w).

    Attributes
    ----------
    gamma : array of shape (l,)
    multiplier : array of shape (r, r)
        X; symmetric, not necessarily positive semidefinite.
    values, basis : array of shape (r,) and (r, r)
        Eigenvalues s and eigenvectors P of `X - M(gamma)`.
    features : array of shape (r, l)
        `V = P' Phi`.
    r_gamma, r_multiplier : array of shape (l,) and (r, r)
        The two blocks of R(w).
    norm : array of shape ()
        `|R(w)|`, Euclidean over both blocks, unscaled.
    """

    gamma: Array
    multiplier: Array
    values: Array
    basis: Array
    features: Array
    r_gamma: Array
    r_multiplier: Array
    norm: Scalar


@pytree()
@dataclass(frozen=True, eq=False)
class SafeguardedState:
    """Both sequences of the method.

    Attributes
    ----------
    point : ResidualPoint
        w, the iterate.
    safeguard : ResidualPoint
        v, the extragradient sequence's iterate.
    took_newton : array of shape ()
        Whether w is a Newton point; else it is v.
    theta : array of shape ()
        Regularisation relative to `|R|`.
    rho : array of shape ()
        What theta was chosen by; NaN at the start.
    step_size : array of shape ()
        Of the extragradient sequence.
    cg_steps : array of shape ()
        Conjugate gradient steps that the last Newton step took.
    residual : array of shape ()
    failure : array of shape ()
    """

    point: ResidualPoint
    safeguard: ResidualPoint
    took_newton: Scalar
    theta: Scalar
    rho: Scalar
    step_size: Scalar
    cg_steps: Scalar
    residual: Scalar
    failure: Scalar = 0

    @property
    def gamma(self) -> Array:
        """Multipliers of the filling points at w, of shape (l,)."""
        return self.point.gamma


class _ConjugateGradients(NamedTuple):
    """An iterate of conjugate gradients: `change` is that of X, `squared` is `|residual|^2`."""

    d_gamma: Array
    change: Array
    residual: Array
    search: Array
    squared: Scalar
    steps: int


@dataclass(frozen=True)
class SafeguardedSemismoothNewton(Method[SafeguardedState]):
    """The specialised semismooth Newton method of Lin, Cuturi and Jordan (2024).

    Solves ``(J + mu I) dw = -R(w)`` with J an element of the generalised Jacobian of the residual
    map R of eq. (3.1) and ``mu = theta (l / 5) |R(w)|``. After elimination of dX the matrix is
    ``Q/(2 lambda_2) + mu I + A P (L o (P' A*(.) P)) P'``, only ever applied, in conjugate
    gradients.

    Safeguard: an extragradient sequence v runs in parallel. The next iterate is the Newton point
    if its `|R|` is not larger than that of the new v, else v. So `|R(w)| <= |R(v)|` throughout,
    which gives the rate O(1/sqrt(k)) from anywhere.

    Kept as published, gamma and X in unit scaling included, to be compared with `"ssn"`: it is
    quick where K is close to the identity, and crawls where gamma and X are of different orders
    of magnitude. Its authors' own code has no safeguard. What it returns is gamma with
    ``proj(X - M(gamma))``, and its residual is taken there.

    A step costs four eigen-decompositions, the eigenvalues of one more matrix, and two products
    of r x r by r x l for each conjugate gradient step.

    Attributes
    ----------
    alpha_1, alpha_2, beta_0, beta_1, beta_2, theta_min, theta_max : float
        Rule for theta by ``rho = -<R(w + dw), dw> / |dw|^2``: multiplied by beta_0 where
        rho >= alpha_2, by beta_1 where rho >= alpha_1, else by beta_2, within the bounds. Values
        of the authors' code, which has no upper bound; with 15, the bound of other public codes,
        the iterates cycle.
    theta : float
        First theta.
    tau, kappa : float
        Conjugate gradients stop at a residual of ``tau min(1, kappa |R| |dw|)``.
    cg_max : int
        Conjugate gradient steps at most, as in the authors' code.
    step_share : float
        Extragradient step size as a share of 1 / Lipschitz constant.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import Problem, kernels, solve
    >>> x = np.linspace(0, 1, 8)[:, None]
    >>> problem = Problem.from_samples(
    ...     x, x + 1, x, x + 1, kernel=kernels.Gaussian(0.5), reg_sos=0.1, reg_potential=0.1
    ... )
    >>> from kernel_ot.solvers import SafeguardedSemismoothNewton
    >>> solve(problem, SafeguardedSemismoothNewton()).status.name
    'CONVERGED'
    """

    alpha_1: float = 1e-6
    alpha_2: float = 1.0
    beta_0: float = 0.5
    beta_1: float = 1.2
    beta_2: float = 25.0
    theta_min: float = 1e-16
    theta_max: float = math.inf
    theta: float = 1.0
    tau: float = 1e-6
    kappa: float = 1.0
    cg_max: int = 50
    step_share: float = 0.95
    name: str = "ssn_extragradient"
    max_iter: int = 1_000
    patience: int = 1_000  # where it crawls, the budget ends it

    def init(self, problem: Problem, start: StartingPoint | None) -> SafeguardedState:
        """Start at gamma_i = 1 / l, X_ij = 1 / l^2 like the authors' code, or at `start`."""
        xp = namespace_of(problem.features)
        if start is None:
            size = problem.n_fill
            gamma = xp.full_like(problem.linear, 1 / size)
            multiplier = xp.full((problem.rank, problem.rank), 1 / size**2, dtype=gamma.dtype)
        else:
            gamma, multiplier, _ = rescaled(problem, start)
        point = residual_point(problem, gamma, multiplier)
        _, step_size = saddle_step_size(problem, balanced=False)
        return SafeguardedState(
            point=point,
            safeguard=point,
            took_newton=False,
            theta=xp.asarray(self.theta),
            rho=xp.asarray(xp.nan),
            step_size=self.step_share * step_size,
            cg_steps=0,
            residual=_kkt(problem, point),
        )

    def step(self, problem: Problem, state: SafeguardedState, tol: Scalar) -> SafeguardedState:
        """Take a Newton and an extragradient step and keep the better of both."""
        xp = namespace_of(state.gamma)
        w = state.point

        v = (state.safeguard.gamma, state.safeguard.multiplier)
        steps = (state.step_size, state.step_size)
        extrapolated = saddle_step(problem, v, v, steps)
        safeguard = residual_point(problem, *saddle_step(problem, v, extrapolated, steps))

        mu = state.theta * (problem.n_fill / 5) * w.norm
        d_gamma, d_multiplier, cg_steps = self.direction(problem, w, mu)
        newton = residual_point(problem, w.gamma + d_gamma, w.multiplier + d_multiplier)

        inner = newton.r_gamma @ d_gamma + xp.sum(newton.r_multiplier * d_multiplier)
        rho = -inner / (d_gamma @ d_gamma + xp.sum(d_multiplier**2))
        took_newton = newton.norm <= safeguard.norm
        point = branch(took_newton, lambda: newton, lambda: safeguard)
        return SafeguardedState(
            point=point,
            safeguard=safeguard,
            took_newton=took_newton,
            theta=self.next_theta(state.theta, rho),
            rho=rho,
            step_size=state.step_size,
            cg_steps=cg_steps,
            residual=_kkt(problem, point),
        )

    def multiplier(self, problem: Problem, state: SafeguardedState) -> Array:
        """Return `proj(X - M(gamma))`, which X is at the solution."""
        return _projected(state.point)

    def next_theta(self, theta: Scalar, rho: Scalar) -> Scalar:
        """Return theta for the next step, by how well the last one did."""
        xp = namespace_of(theta)
        raised = xp.where(rho >= self.alpha_1, self.beta_1 * theta, self.beta_2 * theta)
        changed = xp.where(rho >= self.alpha_2, self.beta_0 * theta, raised)
        clipped: Scalar = xp.clip(changed, self.theta_min, self.theta_max)
        return clipped

    def direction(
        self, problem: Problem, point: ResidualPoint, mu: Scalar
    ) -> tuple[Array, Array, int]:
        """Return an inexact solution (d gamma, dX) of the Newton system and the steps it took.

        dX is eliminated exactly, so the residual of conjugate gradients is that of the whole
        system. It is affine in d gamma and carried along, in the basis P.
        """
        xp = namespace_of(point.gamma)
        V, P = point.features, point.basis
        L = damped_derivative(point.values, mu)
        # (mu + 1 - Omega)^-1 = (1 + L) / (1 + mu)
        dX = -(P.T @ point.r_multiplier @ P) * ((1 + L) / (1 + mu))
        d_gamma = xp.zeros_like(point.gamma)
        residual = -point.r_gamma + _diagonal_form(V, dX)

        def is_inexact(at: _ConjugateGradients) -> Array:
            length = xp.sqrt(at.d_gamma @ at.d_gamma + xp.sum(at.change**2))
            allowed = self.tau * xp.minimum(1.0, self.kappa * point.norm * length)
            again: Array = (at.steps < self.cg_max) & (xp.sqrt(at.squared) > allowed)
            return again

        def one_step(at: _ConjugateGradients) -> _ConjugateGradients:
            image, image_of_X = newton_product(problem, V, L, mu, at.search)
            share = at.squared / (at.search @ image)
            residual = at.residual - share * image
            squared = residual @ residual
            return _ConjugateGradients(
                at.d_gamma + share * at.search,
                at.change - share * image_of_X,
                residual,
                residual + (squared / at.squared) * at.search,
                squared,
                at.steps + 1,
            )

        start = _ConjugateGradients(d_gamma, dX, residual, residual, residual @ residual, 0)
        end = while_loop(is_inexact, one_step, start)
        return end.d_gamma, P @ end.change @ P.T, end.steps


def residual_point(problem: Problem, gamma: Array, multiplier: Array) -> ResidualPoint:
    """Return the point with R(w) of Lin, Cuturi and Jordan (2024), eq. (3.1)."""
    xp = namespace_of(gamma)
    values, basis = eigh(multiplier - problem.constraint_matrix(gamma))
    r_gamma = problem.gradient(gamma) - problem.operator(multiplier)
    r_multiplier = multiplier - (basis * xp.maximum(values, 0)) @ basis.T
    norm = xp.sqrt(r_gamma @ r_gamma + xp.sum(r_multiplier**2))
    features = basis.T @ problem.features
    return ResidualPoint(gamma, multiplier, values, basis, features, r_gamma, r_multiplier, norm)


def damped_derivative(values: Array, mu: Scalar) -> Array:
    """Return `L = Omega / (mu + 1 - Omega)`, Omega the projection's derivative.

    `Omega_ij = (s_i+ + s_j+) / (|s_i| + |s_j|)`: one between positive eigenvalues, zero between
    negative ones, `s_i / (s_i - s_j)` between a positive and a negative one.
    """
    xp = namespace_of(values)
    positive, size = xp.maximum(values, 0), xp.abs(values)
    total = size[:, None] + size
    omega = (positive[:, None] + positive) / xp.where(total > 0, total, 1.0)
    damped: Array = omega / (mu + 1 - omega)
    return damped


def newton_product(
    problem: Problem, V: Array, L: Array, mu: Scalar, direction: Array
) -> tuple[Array, Array]:
    """Return the Newton matrix times a direction, and `L o (V diag(direction) V')` on the way.

    Two products of r x r by r x l and a sum.
    """
    change = L * weighted_gram(V, direction)
    image = problem.quadratic @ direction / (2 * problem.reg_potential) + mu * direction
    return image + _diagonal_form(V, change), change


def _diagonal_form(V: Array, matrix: Array) -> Array:
    """Return the diagonal of `V' matrix V`."""
    xp = namespace_of(V)
    values: Array = xp.sum(V * (matrix @ V), axis=0)
    return values


def _projected(point: ResidualPoint) -> Array:
    projected: Array = point.multiplier - point.r_multiplier
    return projected


def _kkt(problem: Problem, point: ResidualPoint) -> Scalar:
    """Return the residual at (gamma, proj(X - M(gamma))).

    Far below |R(w)| near the end: the multiplier is not unique, and X may drift along the
    directions that do not matter long after its projection has settled.
    """
    xp = namespace_of(point.gamma)
    constraint = problem.constraint_matrix(point.gamma)
    violation = xp.maximum(-eigvalsh(constraint)[0], 0)
    return kkt_estimate(problem, point.gamma, _projected(point), constraint, violation)
