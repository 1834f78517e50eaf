"""Starting points, reproducibility, arguments."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from helpers import similar_case
from kernel_ot import solve
from kernel_ot.solvers import FullRankInteriorPoint, InteriorPoint, SemismoothNewton

METHODS = ("auto", "ssn", "interior_point")
EVERY_METHOD = pytest.mark.parametrize("method", METHODS)
CASE = similar_case("wide", 2, 24, seed=2)


@EVERY_METHOD
@pytest.mark.parametrize("other", ["ssn", "interior_point"])
@pytest.mark.parametrize("family", ["narrow", "wide"])
def test_warm_start_from_the_solution(family: Any, other: str, method: str) -> None:
    problem = similar_case(family, 2, 24, seed=2).problem()
    solution = solve(problem, other)
    again = solve(problem, method, init=solution)
    assert again.converged
    assert again.iterations <= 2
    assert again.objective == pytest.approx(solution.objective, rel=1e-7)
    as_arrays = solve(problem, method, init=(solution.gamma, solution.multiplier))
    np.testing.assert_array_equal(as_arrays.gamma, again.gamma)


@EVERY_METHOD
def test_continuing_reaches_the_same_optimum(method: str) -> None:
    problem = CASE.problem()
    part = solve(problem, method, max_iter=4)
    rest = solve(problem, method, init=part)
    assert rest.converged
    assert rest.objective == pytest.approx(solve(problem, method).objective, rel=1e-7)


@EVERY_METHOD
@pytest.mark.parametrize("change", [{"reg_sos": 0.5}, {"reg_sos": 2.0}, {"reg_potential": 2.0}])
def test_warm_start_after_a_change_of_regularisation(method: str, change: dict[str, float]) -> None:
    solution = solve(CASE.problem(), method)
    changed = replace(CASE, **{name: by * getattr(CASE, name) for name, by in change.items()})
    warm, cold = solve(changed.problem(), method, init=solution), solve(changed.problem(), method)
    assert warm.converged
    assert warm.objective == pytest.approx(cold.objective, rel=1e-7)
    assert warm.iterations <= 1.5 * cold.iterations


@EVERY_METHOD
@pytest.mark.parametrize("size", [0.0, 1e-3, 1.0, 1e3])
@pytest.mark.parametrize("kind", ["gamma only", "indefinite", "negative", "zero", "low rank"])
def test_any_start_will_do(method: str, size: float, kind: str) -> None:
    problem = CASE.problem()
    rng = np.random.default_rng(5)
    gamma = size * rng.normal(size=24)
    matrix = rng.normal(size=(24, 24))
    multiplier = {
        "gamma only": None,
        "indefinite": size * (matrix + matrix.T),
        "negative": -size * (matrix @ matrix.T),
        "zero": np.zeros((24, 24)),
        "low rank": size * np.outer(matrix[0], matrix[0]),
    }[kind]
    before = gamma.copy()
    solution = solve(problem, method, init=(gamma, multiplier))
    np.testing.assert_array_equal(gamma, before)
    assert solution.converged, solution
    assert solution.objective == pytest.approx(solve(problem).objective, rel=1e-7)


@EVERY_METHOD
def test_a_start_that_is_infeasible_everywhere(method: str) -> None:
    problem = CASE.problem()
    gamma = np.full(24, -50.0)
    assert np.linalg.eigvalsh(problem.constraint_matrix(gamma))[-1] < 0
    solution = solve(problem, method, init=(gamma, None))
    assert solution.converged, solution
    assert solution.objective == pytest.approx(solve(problem).objective, rel=1e-7)


@EVERY_METHOD
@pytest.mark.parametrize("family", ["narrow", "wide"])
def test_the_same_answer_twice_to_the_bit(family: Any, method: str) -> None:
    case = similar_case(family, 2, 60, seed=3)
    one, two = solve(case.problem(), method), solve(case.problem(), method)
    assert one.iterations == two.iterations
    np.testing.assert_array_equal(one.gamma, two.gamma)
    np.testing.assert_array_equal(one.multiplier, two.multiplier)
    assert (one.objective, one.cost, one.residual) == (two.objective, two.cost, two.residual)


@EVERY_METHOD
def test_the_same_answer_with_one_and_two_threads(method: str) -> None:
    case = similar_case("wide", 2, 64, seed=4)
    solutions = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads, user_api="blas"):
            solutions.append(solve(case.problem(), method))
    one, two = solutions
    assert one.converged
    assert two.converged
    assert two.objective == pytest.approx(one.objective, rel=1e-7)
    assert two.cost == pytest.approx(one.cost, rel=1e-5)


@EVERY_METHOD
def test_float32_samples_are_solved_in_float64(method: str) -> None:
    names = ("x", "y", "x_fill", "y_fill")
    single = replace(CASE, **{name: getattr(CASE, name).astype(np.float32) for name in names})
    solution = solve(single.problem(), method)
    assert solution.converged
    assert solution.gamma.dtype == np.float64
    assert solution.objective == pytest.approx(solve(CASE.problem()).objective, rel=1e-4)


def test_methods_as_objects() -> None:
    problem = similar_case("narrow", 2, 16, seed=6).problem()
    objective = solve(problem).objective
    for method in (SemismoothNewton(), InteriorPoint(), FullRankInteriorPoint()):
        solution = solve(problem, method)
        assert solution.converged
        assert solution.method == method.name
        assert solution.objective == pytest.approx(objective, rel=1e-7)
    assert solve(problem, InteriorPoint(max_iter=2)).iterations == 2


def test_auto_follows_its_rule() -> None:
    well_conditioned = similar_case("narrow", 2, 24, seed=2).problem()
    smooth = replace(CASE, sigma=1e4 * CASE.sigma)
    singular, truncated = smooth.problem(), smooth.problem(rank_tol=1e-3)
    assert singular.rank > 0.7 * singular.n_fill
    assert truncated.rank < 0.7 * truncated.n_fill
    for problem, cold, close in (
        (well_conditioned, "interior_point", "interior_point"),
        (singular, "ssn", "ssn"),
        (truncated, "interior_point", "ssn"),
    ):
        solution = solve(problem)
        assert solution.method == cold
        almost = solve(problem, max_iter=solution.iterations - 2)
        assert almost.residual <= 1e-2
        assert solve(problem, init=almost).method == close
        far = 1e3 * almost.gamma, np.eye(problem.rank)
        assert solve(problem, init=far).method == cold


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "newton"}, r"method = 'newton' is unknown; use one of 'auto', .*'ssn'"),
        ({"tol": 0}, r"tol = 0\.0 must be positive"),
        ({"tol": -1e-8}, "tol = -1e-08 must be positive"),
        ({"tol": np.nan}, "tol = nan must be finite"),
        ({"tol": "tight"}, "tol = 'tight' is not a number"),
        ({"max_iter": -1}, "max_iter = -1 must be a non-negative integer"),
        ({"max_iter": 2.5}, r"max_iter = 2\.5 must be a non-negative integer"),
        ({"max_iter": True}, "max_iter = True must be a non-negative integer"),
        ({"max_iter": np.nan}, "max_iter = nan must be a non-negative integer"),
        ({"max_iter": np.inf}, "max_iter = inf must be a non-negative integer"),
        ({"max_iter": "many"}, "max_iter = 'many' must be a non-negative integer"),
        ({"time_limit": 0}, r"time_limit = 0\.0 must be positive"),
        ({"time_limit": -1}, r"time_limit = -1\.0 must be positive"),
        ({"init": (np.zeros(23), None)}, r"init has gamma of shape \(23,\).* needs \(24,\)"),
        ({"init": (np.zeros((24, 1)), None)}, r"init has gamma of shape \(24, 1\)"),
        ({"init": (np.zeros(24), np.zeros(24))}, r"init has a multiplier of shape \(24,\)"),
        ({"init": (np.zeros(24), np.eye(23))}, r"needs \(24, 24\), or None"),
        ({"init": (np.full(24, np.nan), None)}, "init has a gamma with NaN or infinity"),
        ({"init": (np.zeros(24), np.full((24, 24), np.inf))}, "init has a multiplier with NaN"),
        ({"init": (np.zeros(24) * 1j, None)}, "init"),
        ({"init": 3}, "init"),
        ({"init": np.zeros(24)}, "init"),
        ({"init": (np.zeros(24), None, None)}, "init"),
        ({"init": (["a"] * 24, None)}, "init"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        solve(CASE.problem(), **arguments)


def test_a_solution_of_another_problem_is_refused_by_its_shape() -> None:
    solution = solve(similar_case("wide", 2, 10, seed=7).problem())
    with pytest.raises(ValueError, match=r"init has gamma of shape \(10,\)"):
        solve(CASE.problem(), init=solution)
