"""The semismooth Newton method as published: its algebra, its safeguard, where it converges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from helpers import OPTIMA, reference_case, residual_map, similar_case
from kernel_ot import Problem, solve
from kernel_ot._arrays import Array
from kernel_ot.solvers import SafeguardedSemismoothNewton
from kernel_ot.solvers.published._safeguarded_newton import (
    damped_derivative,
    newton_product,
    residual_point,
)


def wide() -> Problem:
    return reference_case("wide_d2_n50").problem()


def random_point(problem: Problem, seed: int) -> tuple[Array, Array]:
    """Return gamma and a symmetric X whose projection has both parts."""
    rng = np.random.default_rng(seed)
    gamma = rng.normal(size=problem.n_fill)
    multiplier = rng.normal(size=(problem.rank, problem.rank))
    return gamma, multiplier + multiplier.T


@pytest.mark.parametrize(("d", "n", "seed"), [(10, 50, None), (10, 50, 1), (5, 60, 2), (8, 40, 3)])
def test_published_newton_converges_where_the_kernel_is_near_the_identity(
    d: int, n: int, seed: int | None
) -> None:
    case = reference_case("narrow_d10_n50") if seed is None else similar_case("narrow", d, n, seed)
    solution = solve(case.problem(), "ssn_extragradient", tol=1e-8)
    assert solution.converged
    assert solution.iterations <= 60
    if seed is None:
        assert solution.objective == pytest.approx(OPTIMA["narrow_d10_n50"]["objective"], rel=1e-7)


def test_published_newton_starts_like_the_authors_code() -> None:
    # |R| that their code, run in GNU Octave 7.3 on the same problem, prints in its first steps;
    # it adds the two blocks' norms in mu where we take the root of their squares.
    problem, method = reference_case("narrow_d10_n50").problem(), SafeguardedSemismoothNewton()
    state = method.init(problem, None)
    norms = [float(state.point.norm)]
    for _ in range(3):
        state = method.step(problem, state, 1e-8)
        norms.append(float(state.point.norm))
    np.testing.assert_allclose(norms, [7.153678, 6.511847, 5.353069, 3.514330], rtol=5e-3)
    assert norms[0] == pytest.approx(7.153678, rel=1e-6)


def test_published_newton_crawls_on_wide_problems() -> None:
    solution = solve(wide(), "ssn_extragradient", max_iter=45)
    assert not solution.converged
    assert 1e-5 < solution.residual < 1e-1


def test_safeguard_is_used_and_bounds_the_residual() -> None:
    # Without regularisation the first Newton steps go far astray.
    problem, method = wide(), SafeguardedSemismoothNewton(theta=1e-10)
    state = first = method.init(problem, None)
    taken = []
    for _ in range(30):
        state = method.step(problem, state, 1e-8)
        taken.append(state.took_newton)
        assert state.point.norm <= state.safeguard.norm <= first.point.norm
        assert state.took_newton == (state.point is not state.safeguard)
    assert not all(taken)
    assert any(taken)
    assert state.point.norm < 1e-2 * first.point.norm


def test_conjugate_gradients_apply_the_dense_newton_matrix() -> None:
    problem = similar_case("wide", 2, 14, seed=0).problem()
    mu = 0.3
    point = residual_point(problem, *random_point(problem, 2))
    assert point.values[0] < 0 < point.values[-1]
    s = point.values
    omega = np.empty((problem.rank, problem.rank))
    for i in range(problem.rank):
        for j in range(problem.rank):
            if s[i] > 0 and s[j] > 0:
                omega[i, j] = 1
            elif s[i] <= 0 and s[j] <= 0:
                omega[i, j] = 0
            else:
                omega[i, j] = max(s[i], s[j]) / abs(s[i] - s[j])
    L = omega / (mu + 1 - omega)
    np.testing.assert_allclose(damped_derivative(s, mu), L, rtol=1e-12)
    P = point.basis
    columns = [
        problem.operator(P @ (L * (P.T @ problem.adjoint(e) @ P)) @ P.T)
        for e in np.eye(problem.n_fill)
    ]
    dense = problem.quadratic / (2 * problem.reg_potential) + mu * np.eye(problem.n_fill)
    dense = dense + np.stack(columns, axis=1)
    applied = [newton_product(problem, point.features, L, mu, e)[0] for e in np.eye(len(dense))]
    np.testing.assert_allclose(np.stack(applied, axis=1), dense, rtol=1e-9, atol=1e-9)
    assert np.linalg.eigvalsh(dense)[0] > 0


def test_newton_direction_solves_the_full_system() -> None:
    problem = similar_case("wide", 2, 14, seed=0).problem()
    point = residual_point(problem, *random_point(problem, 3))
    mu = 0.5
    method = SafeguardedSemismoothNewton(tau=1e-12, cg_max=500)
    d_gamma, d_multiplier, _ = method.direction(problem, point, mu)
    h = 1e-6
    ahead, behind = (
        residual_map(
            problem, point.gamma + s * h * d_gamma, point.multiplier + s * h * d_multiplier
        )
        for s in (1, -1)
    )
    for plus, minus, change, residual in zip(
        ahead, behind, (d_gamma, d_multiplier), (point.r_gamma, point.r_multiplier), strict=True
    ):
        image = (plus - minus) / (2 * h) + mu * change
        np.testing.assert_allclose(image, -residual, atol=1e-5 * np.abs(residual).max())


@pytest.mark.parametrize("tau", [1e-2, 1e-6])
def test_newton_direction_is_as_inexact_as_allowed(tau: float) -> None:
    problem = wide()
    gamma, multiplier = random_point(problem, 4)
    point = residual_point(problem, gamma, multiplier)
    mu = 1.0
    method = SafeguardedSemismoothNewton(tau=tau, cg_max=500)
    d_gamma, d_multiplier, steps = method.direction(problem, point, mu)
    assert 0 < steps < 500
    length = np.sqrt(d_gamma @ d_gamma + np.sum(d_multiplier**2))
    allowed = tau * min(1.0, method.kappa * point.norm * length)

    def residual(x: Array) -> float:
        L = damped_derivative(point.values, mu)
        P = point.basis
        right = -(P.T @ point.r_multiplier @ P) * ((1 + L) / (1 + mu))
        rhs = -point.r_gamma + problem.operator(P @ right @ P.T)
        return float(np.linalg.norm(rhs - newton_product(problem, point.features, L, mu, x)[0]))

    assert residual(d_gamma) <= allowed * (1 + 1e-3)
    if steps > 1:
        short, *_ = replace(method, cg_max=steps - 1).direction(problem, point, mu)
        assert residual(short) > allowed


def test_theta_follows_its_rule() -> None:
    method = SafeguardedSemismoothNewton(theta_min=0.1, theta_max=50.0)
    theta = np.asarray(4.0)
    assert method.next_theta(theta, np.asarray(1.0)) == 2.0
    assert method.next_theta(theta, np.asarray(0.5)) == pytest.approx(4.8)
    assert method.next_theta(theta, np.asarray(1e-6)) == pytest.approx(4.8)
    assert method.next_theta(theta, np.asarray(-0.1)) == 50.0
    assert method.next_theta(np.asarray(0.15), np.asarray(2.0)) == 0.1
    # rho is taken of the Newton point even where that is rejected.
    problem = wide()
    rash = SafeguardedSemismoothNewton(theta=1e-10)
    state = rash.step(problem, rash.init(problem, None), 1e-8)
    assert not state.took_newton
    assert state.theta == rash.next_theta(np.asarray(1e-10), state.rho)
