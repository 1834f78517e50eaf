"""Solutions lifted to more filling points."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from helpers import Case, similar_case
from kernel_ot import Problem, solve
from kernel_ot.solvers import lift

CASE = similar_case("wide", 2, 33, seed=8)


def _problem(n_fill: int, case: Case = CASE, rank_tol: float | None = None) -> Problem:
    part = replace(case, x_fill=case.x_fill[:n_fill], y_fill=case.y_fill[:n_fill])
    return part.problem(rank_tol=rank_tol)


@pytest.mark.parametrize("rank_tol", [None, 1e-6])
def test_keeps_gamma_and_the_sum_of_squares(rank_tol: float | None) -> None:
    smaller, larger = _problem(30, rank_tol=rank_tol), _problem(33, rank_tol=rank_tol)
    solution = solve(smaller)
    gamma, multiplier = lift(solution, smaller, larger)
    np.testing.assert_array_equal(gamma, [*solution.gamma, 0, 0, 0])
    values = smaller.operator(solution.multiplier)
    tolerance = 1e-8 if rank_tol is None else 1e-3
    np.testing.assert_allclose(
        larger.operator(multiplier)[:30], values, atol=tolerance * np.abs(values).max()
    )
    assert np.linalg.eigvalsh(multiplier)[0] >= -1e-10 * np.linalg.eigvalsh(multiplier)[-1]


@pytest.mark.parametrize("method", ["ssn", "interior_point"])
def test_is_a_start(method: str) -> None:
    smaller, larger = _problem(30), _problem(33)
    warm = solve(larger, method, init=lift(solve(smaller), smaller, larger))
    assert warm.converged
    assert warm.objective == pytest.approx(solve(larger).objective, rel=1e-7)


def test_same_points_give_the_same_start() -> None:
    problem = _problem(30)
    weaker = _problem(30, replace(CASE, reg_sos=CASE.reg_sos / 2))
    solution = solve(problem)
    gamma, multiplier = lift(solution, problem, weaker)
    np.testing.assert_array_equal(gamma, solution.gamma)
    np.testing.assert_array_equal(multiplier, solution.multiplier)


def test_bad_arguments_are_named() -> None:
    smaller, larger = _problem(30), _problem(33)
    with pytest.raises(ValueError, match="larger has 30 filling points and smaller has 33"):
        lift(solve(larger), larger, smaller)
    with pytest.raises(ValueError, match=r"must be a solution of smaller, of 30 filling points"):
        lift(solve(larger), smaller, larger)
