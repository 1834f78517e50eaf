"""Problems at the edge: repeated points, rank one, extreme regularisation, extreme units."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from helpers import Case, judge, similar_case
from kernel_ot import Problem, Solution, Status, solve
from kernel_ot.kernels import Gaussian, Linear
from kernel_ot.problem import check_optimality

METHODS = ("auto", "ssn", "interior_point")
EVERY_METHOD = pytest.mark.parametrize("method", METHODS)
CASE = similar_case("wide", 2, 25, seed=3)


def _solved(problem: Problem, method: str) -> Solution:
    solution = solve(problem, method)
    assert solution.converged, solution
    report = check_optimality(problem, solution.gamma, solution.multiplier)
    assert float(report.residual) <= 1e-8
    return solution


@EVERY_METHOD
@pytest.mark.parametrize("times", [2, 3])
def test_repeated_filling_points_add_nothing(method: str, times: int) -> None:
    repeated = replace(
        CASE,
        x_fill=np.repeat(CASE.x_fill, times, axis=0),
        y_fill=np.repeat(CASE.y_fill, times, axis=0),
    )
    once, several = solve(CASE.problem()), _solved(repeated.problem(), method)
    assert several.objective == pytest.approx(once.objective, rel=1e-7)
    assert several.cost == pytest.approx(once.cost, rel=1e-5)
    # Only the sum over the copies of a point is determined.
    summed = several.gamma.reshape(25, times).sum(axis=1)
    np.testing.assert_allclose(summed, once.gamma, atol=1e-3 * np.abs(once.gamma).max())


@EVERY_METHOD
def test_filling_points_that_nearly_coincide(method: str) -> None:
    rng = np.random.default_rng(0)
    near = replace(
        CASE,
        x_fill=np.concatenate([CASE.x_fill, CASE.x_fill + 1e-9 * rng.normal(size=(25, 2))]),
        y_fill=np.concatenate([CASE.y_fill, CASE.y_fill + 1e-9 * rng.normal(size=(25, 2))]),
    )
    once, twice = solve(CASE.problem()), _solved(near.problem(), method)
    assert twice.objective == pytest.approx(once.objective, rel=1e-5)


@EVERY_METHOD
def test_one_point_many_times_is_a_gram_matrix_of_rank_one(method: str) -> None:
    one = replace(CASE, x_fill=CASE.x_fill[:1], y_fill=CASE.y_fill[:1])
    many = replace(CASE, x_fill=one.x_fill[[0] * 12], y_fill=one.y_fill[[0] * 12])
    assert many.problem().rank == 1
    single, repeated = _solved(one.problem(), method), _solved(many.problem(), method)
    assert repeated.objective == pytest.approx(single.objective, rel=1e-7)


@EVERY_METHOD
def test_a_constant_sum_of_squares_kernel(method: str) -> None:
    # A huge bandwidth on pairs: K is all ones, the slack is one constant.
    problem = CASE.problem(kernel_pair=Gaussian(1e9))
    assert problem.rank == 1
    solution = _solved(problem, method)
    gradient = problem.gradient(solution.gamma)
    np.testing.assert_allclose(gradient, gradient.mean(), atol=1e-5 * np.abs(problem.linear).max())


@EVERY_METHOD
@pytest.mark.parametrize("bandwidth", [1e-2, 1e-3, 1e-4])
def test_a_tiny_bandwidth_makes_the_gram_matrix_the_identity(method: str, bandwidth: float) -> None:
    problem = CASE.problem(kernel=Gaussian(bandwidth))
    np.testing.assert_allclose(problem.features.T @ problem.features, np.eye(25), atol=1e-6)
    solution = _solved(problem, method)
    # Q = 2 I and Phi orthogonal: the points decouple, gamma_i = max(z_i / 2, -lambda_1).
    exact = np.maximum(problem.linear / 2, -problem.reg_sos)
    np.testing.assert_allclose(solution.gamma, exact, atol=1e-5)
    assert solution.objective == pytest.approx(float(problem.objective(exact)), rel=1e-6)


@EVERY_METHOD
@pytest.mark.parametrize("factor", [5.0, 20.0])
def test_a_large_bandwidth(method: str, factor: float) -> None:
    problem = replace(CASE, sigma=factor * CASE.sigma).problem()
    solution = _solved(problem, method)
    assert solution.objective == pytest.approx(solve(problem).objective, rel=1e-6)


@EVERY_METHOD
@pytest.mark.parametrize("bandwidth", [1e2, 1e4, 1e8])
def test_a_bandwidth_far_too_large_ends_honestly(method: str, bandwidth: float) -> None:
    # All kernel values agree to rounding, so the potentials can hardly be told apart.
    problem = CASE.problem(kernel=Gaussian(bandwidth))
    solution = solve(problem, method)
    assert np.isfinite(solution.gamma).all()
    assert np.isfinite(solution.residual)
    assert solution.converged == (solution.residual <= 1e-8)
    if not solution.converged:
        assert solution.status in (
            Status.FACTORIZATION_FAILED,
            Status.NO_PROGRESS,
            Status.NON_FINITE,
            Status.MAX_ITERATIONS,
        )


@EVERY_METHOD
def test_kernels_of_finite_rank(method: str) -> None:
    # Linear potentials: Q has rank 2 d, K has rank 2 d, gamma is not unique.
    problem = CASE.problem(kernel=Linear())
    assert problem.rank == 4
    solution = _solved(problem, method)
    assert solution.cost <= 1.0


@EVERY_METHOD
@pytest.mark.parametrize("reg_sos", [1e-6, 1e-4, 1e-2, 1.0, 1e2, 1e4])
def test_extreme_reg_sos(method: str, reg_sos: float) -> None:
    solution = _solved(CASE.problem(reg_sos=reg_sos), method)
    if reg_sos >= 1e2:  # the constraint is not felt, and the multiplier vanishes
        problem = CASE.problem()
        free = np.linalg.lstsq(problem.quadratic, problem.linear, rcond=None)[0]
        assert solution.objective == pytest.approx(float(problem.objective(free)), rel=1e-6)
        assert np.abs(problem.operator(solution.multiplier)).max() <= 1e-6


@EVERY_METHOD
@pytest.mark.parametrize("reg_potential", [1e-10, 1e-6, 1e-3, 1.0, 1e3, 1e6, 1e10])
def test_extreme_reg_potential(method: str, reg_potential: float) -> None:
    case = replace(CASE, reg_potential=reg_potential)
    problem = case.problem()
    solution = _solved(problem, method)
    verdict = judge(case, problem.features, solution.gamma, solution.multiplier)
    assert verdict.residual <= 1e-8 * (1 + 1e-6)
    assert verdict.min_eigenvalue >= -1e-8


def _in_units(case: Case, unit: float) -> Case:
    """Return the same problem with lengths in other units, so that gamma stays what it is."""
    return Case(
        x=unit * case.x,
        y=unit * case.y,
        x_fill=unit * case.x_fill,
        y_fill=unit * case.y_fill,
        sigma=unit**2 * case.sigma,
        reg_sos=case.reg_sos,
        reg_potential=case.reg_potential / unit**2,
    )


@EVERY_METHOD
@pytest.mark.parametrize("unit", [1e8, 1e4, 10.0, 0.1])
def test_units_of_length(method: str, unit: float) -> None:
    # The dual variable has no units; objective and cost are squared lengths.
    here, there = solve(CASE.problem()), _solved(_in_units(CASE, unit).problem(), method)
    assert there.objective / unit**2 == pytest.approx(here.objective, rel=1e-6)
    assert there.cost / unit**2 == pytest.approx(here.cost, rel=1e-4)


@EVERY_METHOD
@pytest.mark.parametrize("unit", [1e-4, 1e-8])
def test_tiny_units_of_length(method: str, unit: float) -> None:
    # Costs of 1e-8 and below: the residual is absolute there, and so is the answer.
    solution = _solved(_in_units(CASE, unit).problem(), method)
    exact = unit**2 * solve(CASE.problem()).objective
    assert solution.objective == pytest.approx(exact, abs=1e-7)
    assert solution.min_eigenvalue >= -1e-8


@EVERY_METHOD
@pytest.mark.parametrize("unit", [1e8, 1e-8])
def test_units_with_the_same_regularisation(method: str, unit: float) -> None:
    scaled = replace(_in_units(CASE, unit), reg_potential=CASE.reg_potential)
    _solved(scaled.problem(), method)


@EVERY_METHOD
def test_identical_samples(method: str) -> None:
    same = replace(CASE, y=CASE.x, y_fill=CASE.x_fill)
    solution = _solved(same.problem(), method)
    assert abs(solution.cost) < 0.5 * solve(CASE.problem()).cost


@EVERY_METHOD
@pytest.mark.parametrize("factor", [16.0, 64.0])
@pytest.mark.parametrize("n", [60, 120])
def test_smooth_potentials_on_a_line(method: str, n: int, factor: float) -> None:
    # Bandwidths of several median distances estimate smooth maps best: K and Q are then far from
    # full rank, and the Newton matrix is singular to working precision.
    case = similar_case("wide", 1, n, seed=7 + n)
    smooth = replace(case, sigma=factor * case.sigma, reg_sos=1e-2, reg_potential=1e-2)
    problem = smooth.problem()
    assert problem.rank < n or factor < 64
    _solved(problem, method)


@EVERY_METHOD
def test_truncated_features(method: str) -> None:
    case = similar_case("wide", 1, 60, seed=4)
    wide = replace(case, sigma=0.5)
    problem = wide.problem(rank_tol=1e-4)
    assert problem.rank < 30
    solution = _solved(problem, method)
    assert solution.multiplier.shape == (problem.rank, problem.rank)
    assert solution.objective == pytest.approx(solve(problem).objective, rel=1e-6)
