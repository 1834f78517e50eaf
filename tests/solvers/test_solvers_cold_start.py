"""Where solves begin, what the loop keeps of a state, and how much memory a solve takes."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from helpers import similar_case
from kernel_ot import Problem, solve
from kernel_ot.solvers import (
    FullRankInteriorPoint,
    InteriorPoint,
    SemismoothNewton,
)
from kernel_ot.solvers._scaling import ScaledStart, central_weight, start_distance, uniform_plan
from kernel_ot.solvers.semismooth._line import Change, Line, boldest_cut

CASES = pytest.mark.parametrize(
    ("family", "d"), [("wide", 2), ("wide", 5), ("narrow", 2), ("narrow", 5)]
)
PATH_METHODS = (SemismoothNewton(), InteriorPoint(), FullRankInteriorPoint())
EVERY_PATH_METHOD = pytest.mark.parametrize("method", PATH_METHODS, ids=lambda m: type(m).__name__)


def _problem(family: Any, d: int, n: int = 40, **options: Any) -> Problem:
    return similar_case(family, d, n, seed=d).problem(**options)


@CASES
def test_the_uniform_plan_is_feasible_and_the_best_of_its_kind(family: Any, d: int) -> None:
    problem = _problem(family, d)
    gamma = uniform_plan(problem)
    assert np.ptp(gamma) == 0
    assert gamma[0] >= 0
    assert np.linalg.eigvalsh(problem.constraint_matrix(gamma))[0] > 0
    best = float(problem.objective(gamma))
    for factor in (0.9, 1.1):
        assert best <= float(problem.objective(factor * gamma)) + 1e-12
    if gamma[0] > 0:
        assert best < float(problem.objective(np.zeros_like(gamma)))


def test_the_uniform_plan_of_a_problem_that_wants_less_than_nothing() -> None:
    problem = _problem("wide", 2)
    reluctant = replace(problem, linear=-np.abs(problem.linear))
    np.testing.assert_array_equal(uniform_plan(reluctant), 0)
    assert solve(reluctant).converged
    assert solve(reluctant, "ssn").converged


@CASES
@EVERY_PATH_METHOD
def test_a_cold_start_is_on_the_central_path(method: Any, family: Any, d: int) -> None:
    problem = _problem(family, d)
    state = method.init(problem, None)
    X = method.multiplier(problem, state)
    constraint = problem.constraint_matrix(state.gamma)
    product = X @ constraint
    mu = np.trace(product) / problem.rank
    np.testing.assert_allclose(product, mu * np.eye(problem.rank), atol=1e-6 * mu)
    values = problem.operator(X)
    gradient = problem.gradient(state.gamma)
    assert np.linalg.norm(values) == pytest.approx(np.linalg.norm(gradient), rel=1e-6)
    inverse_values = problem.operator(np.linalg.inv(constraint))
    assert mu == pytest.approx(central_weight(problem, state.gamma, inverse_values), rel=1e-6)


@EVERY_PATH_METHOD
def test_what_is_kept_gives_the_same_multiplier(method: Any) -> None:
    problem = _problem("narrow", 2)
    state = method.init(problem, None)
    for _ in range(4):
        kept = method.kept(state)
        np.testing.assert_array_equal(kept.gamma, state.gamma)
        np.testing.assert_array_equal(
            method.multiplier(problem, kept), method.multiplier(problem, state)
        )
        state = method.step(problem, state, 1e-8)


def test_the_distance_of_a_start() -> None:
    problem = _problem("wide", 2)
    solution = solve(problem, tol=1e-9)

    def distance(share: float) -> float:
        X = share * solution.multiplier
        start = ScaledStart(solution.gamma, X, problem.operator(X))
        return float(start_distance(problem, start))

    assert distance(1) < 1e-5
    # Ten times as large a multiplier is wrong by as much as it is large.
    assert distance(10) > 0.5
    assert distance(0) == distance(-1) == np.inf


@pytest.mark.parametrize(("method", "most"), [("auto", 6.5), ("ssn", 6.5)])
def test_memory(method: str, most: float) -> None:
    # In l x l arrays beyond the problem; benchmarks/results/ says what they are.
    size = 300
    problem = similar_case("narrow", 2, size, seed=1).problem()
    solve(problem, method, max_iter=1)
    tracemalloc.start()
    try:
        assert solve(problem, method, max_iter=6).iterations == 6
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak / (8 * size**2) <= most


@pytest.mark.parametrize("size", [1.0, 10.0, 100.0])
def test_a_point_on_the_path_can_always_be_left(size: float) -> None:
    # There the change to the path itself is none; with a steep path only cuts close to 1 are safe.
    slope = size * np.random.default_rng(0).normal(size=20) / 20
    change = Change(np.eye(20), np.ones(20), np.zeros(20))
    cut, found = boldest_cut(change, Line(-slope, np.zeros((20, 20))), slope, 1e-3)
    assert found
    assert cut < 1
