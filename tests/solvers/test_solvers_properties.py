"""What must be true of every solve: equivariances, dual bounds, monotonicity in lambda."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from helpers import Family, judge, similar_case
from kernel_ot import Problem, solve
from kernel_ot._arrays import Array

methods = st.sampled_from(["auto", "ssn", "interior_point"])
families: st.SearchStrategy[Family] = st.sampled_from(["narrow", "wide"])
seeds = st.integers(0, 2**31 - 1)
dimensions = st.sampled_from([1, 2, 3, 5, 10])
sizes = st.integers(1, 16)


@given(
    family=families,
    d=dimensions,
    n=sizes,
    seed=seeds,
    method=methods,
    reg_sos=st.floats(1e-3, 1.0),
    reg_potential=st.floats(1e-3, 1.0),
    share=st.floats(0.3, 3.0),
)
@settings(max_examples=40)
def test_every_small_problem_is_solved(
    family: Family,
    d: int,
    n: int,
    seed: int,
    method: str,
    reg_sos: float,
    reg_potential: float,
    share: float,
) -> None:
    case = similar_case(family, d, n, seed)
    case = replace(case, reg_sos=reg_sos, reg_potential=reg_potential, sigma=share * case.sigma)
    problem = case.problem()
    solution = solve(problem, method)
    assert solution.converged, solution
    verdict = judge(case, problem.features, solution.gamma, solution.multiplier)
    assert verdict.residual <= 1e-8 * (1 + 1e-6)
    assert verdict.min_eigenvalue >= -1e-8
    # Whatever is feasible is no better: weak duality, from the definition of the optimum.
    rng = np.random.default_rng(seed)
    for size in (1e-3, 1e-1, 1.0):
        direction = size * rng.normal(size=n)
        lowest = np.linalg.eigvalsh(problem.adjoint(direction))[0]
        feasible = direction * min(1.0, reg_sos / max(-lowest, 1e-300))
        tolerance = 1e-7 * (1 + abs(solution.objective))
        assert float(problem.objective(feasible)) >= solution.objective - tolerance


@given(family=families, d=dimensions, n=sizes, seed=seeds, method=methods)
@settings(max_examples=15)
def test_swapping_the_samples_swaps_the_potentials(
    family: Family, d: int, n: int, seed: int, method: str
) -> None:
    case = similar_case(family, d, n, seed)
    swapped = replace(case, x=case.y, y=case.x, x_fill=case.y_fill, y_fill=case.x_fill)
    one, two = solve(case.problem(), method), solve(swapped.problem(), method)
    assert two.objective == pytest.approx(one.objective, rel=1e-7, abs=1e-7)
    there, back = case.problem().potentials(one.gamma), swapped.problem().potentials(two.gamma)
    np.testing.assert_allclose(there.u(case.x), back.v(case.x), atol=1e-3)


@given(family=families, d=dimensions, n=sizes, seed=seeds, method=methods)
@settings(max_examples=15)
def test_moving_and_rotating_both_samples_changes_nothing(
    family: Family, d: int, n: int, seed: int, method: str
) -> None:
    case = similar_case(family, d, n, seed)
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(d, d)))[0]
    shift = rng.normal(size=d)

    def move(points: Array) -> Array:
        return np.asarray(points @ rotation + shift)

    moved = replace(
        case,
        x=move(case.x),
        y=move(case.y),
        x_fill=move(case.x_fill),
        y_fill=move(case.y_fill),
    )
    one, two = solve(case.problem(), method), solve(moved.problem(), method)
    assert two.objective == pytest.approx(one.objective, rel=1e-7, abs=1e-7)


@given(family=families, d=dimensions, n=sizes, seed=seeds, method=methods)
@settings(max_examples=15)
def test_the_order_of_points_does_not_matter(
    family: Family, d: int, n: int, seed: int, method: str
) -> None:
    case = similar_case(family, d, n, seed)
    rng = np.random.default_rng(seed)
    order = rng.permutation(n)
    shuffled = replace(
        case,
        x=rng.permutation(case.x),
        y=rng.permutation(case.y),
        x_fill=case.x_fill[order],
        y_fill=case.y_fill[order],
    )
    one, two = solve(case.problem(), method), solve(shuffled.problem(), method)
    assert two.objective == pytest.approx(one.objective, rel=1e-7, abs=1e-7)
    if n > 1:
        tolerance = 1e-3 * np.abs(one.gamma).max() + 1e-4
        np.testing.assert_allclose(two.gamma, one.gamma[order], atol=tolerance)


@given(family=families, n=st.integers(2, 16), seed=seeds, method=methods, less=st.integers(1, 15))
@settings(max_examples=15)
def test_more_filling_points_or_less_regularisation_lower_the_minimum(
    family: Family, n: int, seed: int, method: str, less: int
) -> None:
    # A filling point left out is gamma_i = 0; a larger lambda_1 allows more.
    case = similar_case(family, 2, n, seed)
    kept = max(1, n - less)
    fewer = replace(case, x_fill=case.x_fill[:kept], y_fill=case.y_fill[:kept])
    full = solve(case.problem(), method).objective
    assert full <= solve(fewer.problem(), method).objective + 1e-7
    assert solve(replace(case, reg_sos=2 * case.reg_sos).problem(), method).objective <= full + 1e-7


@pytest.mark.parametrize("method", ["auto", "ssn", "interior_point"])
def test_identity_gram_matrix_decouples(method: str) -> None:
    # With orthonormal features M(gamma) is diagonal: l scalar problems with known solutions.
    rng = np.random.default_rng(0)
    diagonal, linear = rng.uniform(1, 2, 30), rng.normal(size=30)
    problem = Problem(
        quadratic=np.diag(diagonal),
        linear=linear,
        constant=2.0,
        embedding=rng.normal(size=30),
        features=np.eye(30),
        reg_sos=0.3,
        reg_potential=0.2,
    )
    solution = solve(problem, method, tol=1e-10)
    assert solution.converged
    exact = np.maximum(linear / diagonal, -0.3)
    assert (exact == -0.3).any()
    assert (exact > -0.3).any()
    assert solution.objective == pytest.approx(float(problem.objective(exact)), rel=1e-9)
    np.testing.assert_allclose(solution.gamma, exact, atol=1e-7)
    slack = np.maximum((diagonal * exact - linear) / 0.4, 0)
    np.testing.assert_allclose(np.diag(solution.multiplier), slack, atol=1e-7)


@pytest.mark.parametrize("method", ["auto", "ssn", "interior_point"])
@pytest.mark.parametrize("linear", [-3.0, 0.0, 1.0])
def test_one_filling_point_by_hand(method: str, linear: float) -> None:
    problem = Problem(
        quadratic=np.array([[2.0]]),
        linear=np.array([linear]),
        constant=1.0,
        embedding=np.array([1.0]),
        features=np.array([[1.0]]),
        reg_sos=0.5,
        reg_potential=0.25,
    )
    solution = solve(problem, method, tol=1e-10)
    assert solution.converged
    gamma = max(linear / 2, -0.5)
    assert solution.gamma == pytest.approx([gamma], abs=1e-8)
    assert solution.objective == pytest.approx(2 * gamma**2 - 2 * gamma * linear + 1, abs=1e-9)
    assert solution.multiplier == pytest.approx(np.array([[2 * (2 * gamma - linear)]]), abs=1e-7)
