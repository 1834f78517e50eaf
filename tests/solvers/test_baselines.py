"""The methods of the literature that the others are compared with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from helpers import reference_case, similar_case
from kernel_ot import Problem, solve
from kernel_ot._arrays import Array
from kernel_ot._linalg import project_psd
from kernel_ot.solvers import (
    METHODS,
    AcceleratedGradient,
    Extragradient,
    ShortStep,
    Status,
)
from kernel_ot.solvers.published._extragradient import saddle_step_size
from kernel_ot.solvers.published._projection import curvature_norms

# What each reaches in a second or two, and how near the optimal value is then.
REACHES = {
    "ssn_extragradient": (1e-8, 1e-8),
    "short_step": (1e-8, 1e-8),
    "extragradient": (1e-7, 1e-8),
    "accelerated_gradient": (1e-5, 1e-4),
}


def well_posed() -> Problem:
    """Return a problem in which gamma and X are of one order of magnitude."""
    case = similar_case("narrow", 2, 16, seed=3)
    return replace(case, sigma=0.05, reg_sos=0.1, reg_potential=0.3).problem()


def wide() -> Problem:
    return reference_case("wide_d2_n50").problem()


def test_every_baseline_has_a_name() -> None:
    assert set(REACHES) < set(METHODS)
    for name in REACHES:
        assert METHODS[name](well_posed()).name == name


@pytest.mark.parametrize("name", REACHES)
def test_reaches_the_optimum_of_a_well_posed_problem(name: str) -> None:
    problem = well_posed()
    optimum = solve(problem, "interior_point", tol=1e-9)
    tol, accuracy = REACHES[name]
    solution = solve(problem, name, tol=tol)
    assert solution.converged
    assert solution.residual <= tol
    assert solution.objective == pytest.approx(optimum.objective, rel=accuracy)
    assert solution.cost == pytest.approx(optimum.cost, rel=10 * accuracy)


@pytest.mark.parametrize("name", REACHES)
def test_lowers_its_residual_and_says_when_it_is_not_there(name: str) -> None:
    start = solve(well_posed(), name, max_iter=0)
    solution = solve(well_posed(), name, tol=1e-17, max_iter=40)
    assert solution.status is Status.MAX_ITERATIONS
    assert solution.residual < 0.5 * start.residual
    assert not solution.converged


@pytest.mark.parametrize("name", REACHES)
def test_a_warm_start_is_nearer(name: str) -> None:
    problem = well_posed()
    optimum = solve(problem, "interior_point", tol=1e-9)
    cold = solve(problem, name, max_iter=3)
    warm = solve(problem, name, max_iter=3, init=optimum)
    assert abs(warm.objective - optimum.objective) < abs(cold.objective - optimum.objective)


@pytest.mark.parametrize("name", REACHES)
def test_one_filling_point_and_truncated_features(name: str) -> None:
    one = solve(similar_case("wide", 2, 1, seed=0).problem(), name, tol=1e-3)
    assert one.converged
    smooth = replace(similar_case("wide", 1, 20, seed=0), sigma=1.0)
    # With a Q far from singular: else 40 steps of a first-order method lead nowhere.
    truncated = smooth.problem(rank_tol=1e-3, potential_jitter=0.1)
    assert truncated.rank < truncated.n_fill
    start = solve(truncated, name, max_iter=0)
    assert solve(truncated, name, max_iter=40).residual < start.residual


def test_short_step_follows_the_central_path() -> None:
    problem, method = wide(), ShortStep()
    state = method.init(problem, None)
    eye = np.eye(problem.rank)
    for _ in range(60):
        last, state = state, method.step(problem, state, 1e-8)
        factor = 0.8 if last.decrement <= method.near else 1.0
        assert state.barrier == pytest.approx(factor * last.barrier, rel=1e-14)
        assert np.linalg.eigvalsh(problem.constraint_matrix(state.gamma))[0] > 0
        if state.decrement < 1:
            assert np.linalg.eigvalsh(method.multiplier(problem, state))[0] > 0
    # On the path itself X M(gamma) = eta I; near=0 stays at this eta.
    stay = ShortStep(near=0.0)
    for _ in range(10):
        state = stay.step(problem, state, 1e-8)
    product = method.multiplier(problem, state) @ problem.constraint_matrix(state.gamma)
    np.testing.assert_allclose(product / state.barrier, eye, atol=1e-4)
    gradient = problem.gradient(state.gamma)
    values = problem.operator(method.multiplier(problem, state))
    np.testing.assert_allclose(gradient, values, atol=1e-6 * np.abs(gradient).max())


def test_short_step_direction_is_newtons() -> None:
    problem = well_posed()
    gamma = 0.05 * np.random.default_rng(1).normal(size=problem.n_fill)
    # A step of length zero evaluates the state at a gamma of our choice.
    method = ShortStep(near=-1.0)
    state = method.init(problem, None)
    state = method.step(problem, replace(state, gamma=gamma, direction=0 * gamma), 1e-8)

    def barrier_gradient(point: Array) -> Array:
        inverse = np.linalg.inv(problem.constraint_matrix(point))
        gradient: Array = problem.gradient(point) - state.barrier * problem.operator(inverse)
        return gradient

    h = 1e-5
    ahead, behind = (barrier_gradient(gamma + s * h * state.direction) for s in (1, -1))
    np.testing.assert_allclose(
        (ahead - behind) / (2 * h), -barrier_gradient(gamma), rtol=1e-5, atol=1e-6
    )


def test_step_sizes_come_from_the_operators_norms() -> None:
    problem = wide()
    h, a = curvature_norms(problem)
    adjoint = np.stack([problem.adjoint(e).ravel() for e in np.eye(problem.n_fill)], axis=1)
    root = np.linalg.qr(adjoint)[1]
    hessian = problem.quadratic / (2 * problem.reg_potential)
    for estimate, exact in ((h, hessian), (a, adjoint)):
        norm = np.linalg.norm(exact, 2)
        assert norm * (1 - 1e-12) <= estimate <= 1.05 * norm
    for balanced in (True, False):
        unit, step = saddle_step_size(problem, balanced=balanced)
        saddle = np.block([[hessian, -unit * root.T], [unit * root, np.zeros_like(hessian)]])
        norm = np.linalg.norm(saddle, 2)
        assert norm * (1 - 1e-12) <= 1 / step <= 1.05 * norm


def test_extragradient_keeps_the_multiplier_in_the_cone() -> None:
    problem, method = wide(), Extragradient()
    state = method.init(problem, None)
    for _ in range(30):
        state = method.step(problem, state, 1e-8)
        assert np.linalg.eigvalsh(state.multiplier)[0] >= -1e-12 * np.linalg.norm(state.multiplier)


def test_accelerated_gradient_descends_the_penalised_objective() -> None:
    problem = wide()
    state = AcceleratedGradient().init(problem, None)
    rng = np.random.default_rng(0)
    gamma = state.gamma + rng.normal(size=problem.n_fill)

    def penalised(point: Array) -> float:
        negative = np.minimum(np.linalg.eigvalsh(problem.constraint_matrix(point)), 0)
        return float(problem.objective(point) + np.sum(negative**2) / (2 * state.penalty))

    h, a = state.norms
    length = h + a**2 / state.penalty
    at = AcceleratedGradient().step(problem, replace(state, gamma=gamma, age=-1), 1e-8)
    assert at.penalty == state.penalty
    # A state is evaluated at its own gamma, with no momentum after a restart.
    direction = rng.normal(size=problem.n_fill)
    ahead, behind = (penalised(at.gamma + s * 1e-5 * direction) for s in (1, -1))
    assert (ahead - behind) / 2e-5 == pytest.approx(at.gradient @ direction, rel=1e-5)
    lower = at.gamma - at.gradient / length
    assert penalised(lower) <= penalised(at.gamma) - at.gradient @ at.gradient / (2 * length)


def test_accelerated_gradient_cuts_the_penalty_and_says_how_far_it_is() -> None:
    problem, method = well_posed(), AcceleratedGradient()
    state = first = method.init(problem, None)
    for _ in range(200):
        state = method.step(problem, state, 1e-8)
    assert state.penalty < 0.1 * first.penalty
    lowest = np.linalg.eigvalsh(problem.constraint_matrix(state.gamma))[0]
    largest = np.linalg.eigvalsh(method.multiplier(problem, state))[-1]
    assert lowest == pytest.approx(-state.penalty * largest, rel=1e-9)


def test_projection_is_the_nearest_positive_matrix() -> None:
    matrix = np.random.default_rng(5).normal(size=(12, 12))
    matrix = matrix + matrix.T
    projected = project_psd(matrix)
    assert np.linalg.eigvalsh(projected)[0] >= -1e-12
    # The part cut off is negative and orthogonal to what is left.
    assert np.linalg.eigvalsh(matrix - projected)[-1] <= 1e-12
    assert np.sum((matrix - projected) * projected) == pytest.approx(0, abs=1e-9)
