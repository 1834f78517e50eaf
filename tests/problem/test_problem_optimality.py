"""check_optimality: each error against its formula, and no number where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from helpers import Case, judge, similar_case
from kernel_ot import Problem, solve
from kernel_ot._arrays import Array
from kernel_ot.kernels import Gaussian
from kernel_ot.problem import (
    _potential_gram,
    accurate_cost,
    accurate_objective,
    check_optimality,
)

ERRORS = (
    "stationarity",
    "stationarity_gap",
    "constraint_violation",
    "multiplier_violation",
    "complementarity",
    "cost_mismatch",
)


@given(
    seed=st.integers(0, 2**32 - 1),
    n_fill=st.integers(1, 10),
    size=st.floats(1e-3, 1e3),
)
def test_agrees_with_the_formulas_at_any_point(seed: int, n_fill: int, size: float) -> None:
    case = similar_case("wide", 2, n_fill, seed=5)
    problem = case.problem()
    rng = np.random.default_rng(seed)
    gamma = size * rng.normal(size=n_fill)
    multiplier = size * rng.normal(size=(problem.rank, problem.rank))
    multiplier = (multiplier + multiplier.T) / 2
    report = check_optimality(problem, gamma, multiplier)
    verdict = judge(case, problem.features, gamma, multiplier)
    for name in (*ERRORS, "min_eigenvalue"):
        scale = 1 + abs(getattr(verdict, name))
        # Energies are quotients by the eigenvalues of Q, of which the smallest are 1e-10.
        assert abs(float(getattr(report, name)) - getattr(verdict, name)) <= 1e-5 * scale
    gap = report.stationarity_gap + report.multiplier_violation + report.complementarity
    others = (report.constraint_violation, report.cost_mismatch, report.stationarity)
    largest = max(float(part) for part in (gap, *others))
    assert float(report.residual) == pytest.approx(largest + float(report.rounding))


def _point() -> tuple[Case, Problem, Array]:
    case = similar_case("wide", 2, 6, seed=6)
    return case, case.problem(), np.random.default_rng(0).normal(size=6)


def test_only_the_symmetric_part_of_the_multiplier_counts() -> None:
    _, problem, gamma = _point()
    rng = np.random.default_rng(1)
    symmetric = np.eye(6)
    skew = rng.normal(size=(6, 6))
    reports = [
        check_optimality(problem, gamma, matrix)
        for matrix in (symmetric, symmetric + skew - skew.T)
    ]
    for name in ERRORS:
        one, two = (float(getattr(report, name)) for report in reports)
        assert two == pytest.approx(one, rel=1e-12, abs=1e-14)


def test_each_violation_is_seen_alone() -> None:
    _, problem, _ = _point()
    gamma = np.zeros(6)  # strictly feasible: M = lambda_1 I
    report = check_optimality(problem, gamma, np.zeros((6, 6)))
    assert float(report.constraint_violation) == 0
    assert float(report.multiplier_violation) == 0
    assert float(report.complementarity) == 0
    assert float(report.stationarity) > 1e-2
    assert float(report.min_eigenvalue) == pytest.approx(problem.reg_sos)
    report = check_optimality(problem, gamma, -np.eye(6))
    # X + I = 0 is the multiplier of the bound: its trace with M, and what A(I) = diag K changes.
    assert float(report.multiplier_violation) > problem.reg_sos
    report = check_optimality(problem, np.full(6, -100.0), np.zeros((6, 6)))
    assert float(report.constraint_violation) > 0.5
    assert float(report.min_eigenvalue) < -1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["gamma", "multiplier", "linear", "quadratic", "features"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # inf - inf and inf * 0 are the point
def test_the_residual_is_never_small_at_a_non_finite_point(where: str, value: float) -> None:
    _, problem, gamma = _point()
    multiplier = np.eye(6)
    if where == "gamma":
        gamma[2] = value
    elif where == "multiplier":
        multiplier[2, 1] = multiplier[1, 2] = value
    else:  # which building refuses
        array = getattr(problem, where).copy()
        array[(0,) * array.ndim] = value
        object.__setattr__(problem, where, array)
    residual = float(check_optimality(problem, gamma, multiplier).residual)
    assert not residual <= 1e-8
    assert np.isnan(residual)


def test_eigenvalues_that_cannot_be_had_make_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    _, problem, gamma = _point()

    def fail(matrix: Array) -> Array:
        raise np.linalg.LinAlgError("Eigenvalues did not converge")

    monkeypatch.setattr(np.linalg, "eigvalsh", fail)
    report = check_optimality(problem, gamma, np.eye(6))
    assert np.isnan(float(report.residual))
    assert np.isnan(float(report.min_eigenvalue))
    assert np.isfinite(float(report.stationarity))


@given(
    seed=st.integers(0, 2**32 - 1),
    log_regs=st.tuples(st.floats(-6, 1), st.floats(-6, 1)),
    bandwidth=st.floats(0.1, 20),
    off=st.floats(1e-8, 1e2),
)
@settings(max_examples=40)
def test_bounds_the_error_of_the_objective_and_is_small_at_the_solution(
    seed: int, log_regs: tuple[float, float], bandwidth: float, off: float
) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(7, 2)), rng.normal(size=(7, 2)) + 1
    reg_sos, reg_potential = (10.0**power for power in log_regs)
    problem = Problem.from_samples(
        x, y, x, y, kernel=Gaussian(bandwidth), reg_sos=reg_sos, reg_potential=reg_potential
    )
    best = solve(problem, "interior_point")
    assert best.converged
    root = off * rng.normal(size=(problem.rank, 2))
    gamma = best.gamma + off * rng.normal(size=7) * np.abs(best.gamma).max()
    multiplier = best.multiplier + root @ root.T - off * 1e-3 * np.eye(problem.rank)
    report = check_optimality(problem, gamma, multiplier)
    objective = float(accurate_objective(problem, gamma))
    # best.objective itself is known to its residual.
    known = best.residual * (1 + abs(best.objective))
    bound = float(report.residual) * (1 + abs(objective))
    assert abs(objective - best.objective) <= 1.0001 * bound + known


def test_cost_of_the_point_is_seen_where_the_objective_hardly_depends_on_it() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 2)), rng.normal(size=(5, 2)) + 1
    problem = Problem.from_samples(
        x, y, x, y, kernel=Gaussian(20.0), reg_sos=1.0, reg_potential=1e-7
    )
    best = solve(problem, "interior_point")
    # Along w the cost moves most; so little of it costs the objective nothing.
    gamma = best.gamma + 1e-5 * problem.embedding / np.linalg.norm(problem.embedding)
    report = check_optimality(problem, gamma, best.multiplier)
    moved = abs(float(problem.cost(gamma)) - best.cost) / (1 + best.cost)
    assert moved > 1
    assert float(report.cost_mismatch) == pytest.approx(
        moved * (1 + best.cost) / (1 + abs(float(problem.cost(gamma)))), rel=1e-3
    )
    assert float(report.residual) >= float(report.cost_mismatch)


def test_a_constraint_missed_by_lambda_1_is_not_small_however_large_the_matrix() -> None:
    problem = Problem(
        quadratic=np.eye(2),
        linear=np.array([1e6, -1e-6]),
        constant=0.0,
        embedding=np.zeros(2),
        features=np.eye(2),
        reg_sos=1e-7,
        reg_potential=0.5,
    )
    gamma = np.array([1e6, -1e-6])  # stationary at X = 0, where M has eigenvalues 1e6, -9e-7
    report = check_optimality(problem, gamma, np.zeros((2, 2)))
    assert float(report.stationarity) == 0
    assert float(report.constraint_violation) > 0.1


def test_terms_of_the_objective_that_cancel_count_as_rounding() -> None:
    _, problem, gamma = _point()
    huge = 1e12 * gamma
    assert float(check_optimality(problem, gamma, np.eye(6)).rounding) <= 1e-15
    object.__setattr__(problem, "linear", 2 * problem.quadratic @ huge)  # f(2 huge) is about 0
    report = check_optimality(problem, 2 * (1 + 1e-9) * huge, np.eye(6))
    assert float(report.rounding) > 1e-3 * np.finfo(float).eps


def test_numpy_rounds_the_objective_only_once() -> None:
    gamma = np.array([1e8 + 1, -1e8])
    problem = Problem(
        quadratic=np.ones((2, 2)),
        linear=np.ones(2),
        constant=1.0,
        embedding=np.ones(2),
        features=np.eye(2),
        reg_sos=1.0,
        reg_potential=0.25,
    )
    assert accurate_objective(problem, gamma) == 0.0  # (sum - 1)^2
    assert accurate_cost(problem, gamma) == 0.0


def test_the_factor_of_q_is_made_once_and_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    _, problem, gamma = _point()
    made = []

    def factor(quadratic: Array) -> Array:
        made.append(quadratic)
        return np.linalg.cholesky(quadratic)

    monkeypatch.setattr(_potential_gram, "cholesky_with_ridge", factor)
    for _ in range(3):
        check_optimality(problem, gamma, np.eye(6))
    assert len(made) == 1
    check_optimality(replace(problem, reg_sos=1.0), gamma, np.eye(6))
    assert len(made) == 2


def test_float32_points_are_judged_in_float64() -> None:
    case = similar_case("wide", 2, 6, seed=6)
    single = case.problem(dtype="float32")
    gamma = np.full(6, 1 / 6, dtype=np.float32)
    report = check_optimality(single, gamma, np.eye(6, dtype=np.float32))
    double = replace(
        single,
        **{
            name: getattr(single, name).astype(np.float64)
            for name in ("quadratic", "linear", "embedding", "features")
        },
    )
    expected = check_optimality(double, gamma.astype(np.float64), np.eye(6))
    assert float(report.residual) == pytest.approx(float(expected.residual), rel=1e-9)
