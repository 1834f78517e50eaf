"""check_optimality: each error against its formula, and no number where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import Case, judge, similar_case
from kernel_ot import Problem
from kernel_ot._arrays import Array
from kernel_ot.problem import check_optimality

ERRORS = ("stationarity", "constraint_violation", "multiplier_violation", "complementarity")


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
        assert abs(float(getattr(report, name)) - getattr(verdict, name)) <= 1e-9 * scale
    assert float(report.residual) == max(float(getattr(report, name)) for name in ERRORS)


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
    assert float(report.multiplier_violation) == pytest.approx(1 / 2)  # 1 / (1 + |-1|)
    report = check_optimality(problem, np.full(6, -100.0), np.zeros((6, 6)))
    assert float(report.constraint_violation) > 1
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
    else:
        array = getattr(problem, where).copy()
        array[(0,) * array.ndim] = value
        problem = replace(problem, **{where: array})
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
