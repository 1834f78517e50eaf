"""The loop, driven by a method whose every iterate is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from helpers import assert_honest, similar_case
from kernel_ot import Problem, Solution, Status, solve
from kernel_ot._arrays import Array, Scalar
from kernel_ot._linalg import _threads
from kernel_ot.solvers import Method, StartingPoint, State, _loop

CASE = similar_case("wide", 2, 24, seed=1)
WELL_CONDITIONED = similar_case("narrow", 2, 24, seed=1)


@dataclass(frozen=True)
class Point:
    """An iterate of `Scripted`: its claim need not be true."""

    gamma: Array
    residual: float
    failure: int = 0


@dataclass(frozen=True)
class Scripted(Method[Point]):
    """Goes through given points; an exception among them is raised."""

    points: tuple[Point | BaseException, ...]
    name: str = "scripted"
    max_iter: int = 50
    patience: int = 4

    def init(self, problem: Problem, start: StartingPoint | None) -> Any:
        return self._at(0)

    def step(self, problem: Problem, state: Any, tol: Scalar) -> Any:
        return self._at(state.index + 1)

    def multiplier(self, problem: Problem, state: State) -> Array:
        return np.zeros((problem.rank, problem.rank))

    def _at(self, index: int) -> Any:
        point = self.points[min(index, len(self.points) - 1)]
        if isinstance(point, BaseException):
            raise point
        return _Indexed(point.gamma, point.residual, point.failure, index)


@dataclass(frozen=True)
class _Indexed(Point):
    index: int = 0


def _points(*residuals: float) -> list[Point | BaseException]:
    return [Point(np.full(24, 1e-3 * i), r) for i, r in enumerate(residuals)]


def _run(points: list[Point | BaseException], **options: Any) -> Solution:
    problem = CASE.problem()
    solution = solve(problem, Scripted(tuple(points)), **options)
    assert_honest(problem, solution)
    return solution


def test_max_iterations_returns_the_best_not_the_last() -> None:
    solution = _run(_points(1.0, 0.5, 0.1, 0.4, 0.3), max_iter=4)
    assert solution.status is Status.MAX_ITERATIONS
    assert solution.iterations == 4
    np.testing.assert_array_equal(solution.gamma, np.full(24, 2e-3))


def test_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(np.arange(0.0, 1e6))  # each look at the clock finds it a second later
    monkeypatch.setattr("kernel_ot.solvers._loop.perf_counter", lambda: float(next(clock)))
    solution = _run(_points(*np.geomspace(1, 1e-3, 40)), time_limit=5)
    assert solution.status is Status.TIME_LIMIT
    assert 0 < solution.iterations < 10
    assert solution.history[-1].elapsed >= 5
    assert solution.history[-2].elapsed < 5
    np.testing.assert_array_equal(solution.gamma, np.full(24, 1e-3 * solution.iterations))


def test_no_progress_counts_only_falls_by_a_tenth() -> None:
    falling = [1.0, 0.5, 0.499, 0.498, 0.497, 0.496, 0.495]
    solution = _run(_points(*falling, 0.1))
    assert solution.status is Status.NO_PROGRESS
    assert solution.iterations == 6  # patience is 4, the last real fall was step 1
    np.testing.assert_array_equal(solution.gamma, np.full(24, 6e-3))


def test_a_slow_but_steady_fall_is_progress() -> None:
    solution = _run(_points(*(0.96 ** np.arange(40))), max_iter=39)
    assert solution.status is Status.MAX_ITERATIONS


@pytest.mark.parametrize("failure", [Status.FACTORIZATION_FAILED, Status.NO_PROGRESS])
def test_a_method_may_say_why_it_cannot_go_on(failure: Status) -> None:
    points = _points(1.0, 0.2)
    points.append(Point(np.full(24, 9.0), 0.9, failure.code))
    solution = _run(points)
    assert solution.status is failure
    np.testing.assert_array_equal(solution.gamma, np.full(24, 1e-3))


@pytest.mark.parametrize(
    ("gamma_value", "residual"),
    [(np.nan, np.nan), (np.nan, 0.0), (np.inf, 0.0), (0.0, np.nan), (0.0, np.inf)],
)
def test_non_finite_points_are_never_returned(gamma_value: float, residual: float) -> None:
    points = _points(1.0, 0.5)
    points.append(Point(np.full(24, gamma_value), residual))
    solution = _run(points)
    assert solution.status is Status.NON_FINITE
    np.testing.assert_array_equal(solution.gamma, np.full(24, 1e-3))
    assert math.isfinite(solution.residual)


def test_a_method_that_lies_is_not_believed() -> None:
    # Claims 1e-12 at points that are far from optimal.
    solution = _run(_points(1.0, 1e-12, 1e-12, 1e-12), max_iter=3)
    assert not solution.converged
    assert solution.residual > 1e-3


def test_a_first_point_that_is_not_finite() -> None:
    solution = _run([Point(np.full(24, np.nan), np.nan)])
    assert solution.status is Status.NON_FINITE
    assert solution.iterations == 0
    assert np.isfinite(solution.gamma).all()  # nothing better than zero was reached
    assert not solution.converged


def test_a_claim_that_is_refuted_does_not_outrank_a_true_residual() -> None:
    # Step 1 is the solution and claims little; step 2 is far off and claims the most.
    problem = WELL_CONDITIONED.problem()
    gamma = np.maximum(solve(problem).gamma, -1.0)
    points = [Point(0.5 * gamma, 1.0), Point(gamma, 1e-2), Point(np.full(24, -9.0), 1e-12)]
    solution = solve(problem, Scripted(tuple(points)), max_iter=2)
    assert_honest(problem, solution)
    np.testing.assert_array_equal(solution.gamma, gamma)


def test_linear_algebra_errors_in_a_step() -> None:
    solution = _run([*_points(1.0, 0.5, 0.7), np.linalg.LinAlgError("no convergence")])
    assert solution.status is Status.EIGENDECOMPOSITION_FAILED
    np.testing.assert_array_equal(solution.gamma, np.full(24, 1e-3))


def test_keyboard_interrupt_in_a_step() -> None:
    solution = _run([*_points(1.0, 0.5, 0.7), KeyboardInterrupt()])
    assert solution.status is Status.INTERRUPTED
    np.testing.assert_array_equal(solution.gamma, np.full(24, 1e-3))


def test_a_late_interrupt_leaves_nothing_half_done(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = CASE.problem()
    before = solve(problem, "interior_point")
    held = dict(_threads._held)
    threads = [library.num_threads for library in _threads._libraries(of_scipy_alone=False)]

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_loop, "accurate_cost", interrupted)
        with pytest.raises(KeyboardInterrupt):
            solve(problem, "interior_point")
    assert _threads._held == held
    assert threads == [library.num_threads for library in _threads._libraries(of_scipy_alone=False)]
    after = solve(problem, "interior_point")
    np.testing.assert_array_equal(after.gamma, before.gamma)
    assert (after.cost, after.iterations) == (before.cost, before.iterations)


@pytest.mark.parametrize("at", range(12))
def test_an_interrupt_anywhere_in_the_steps_gives_the_best_point(
    at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem, calls = CASE.problem(), []
    objective = Problem.objective

    def counted(self: Problem, gamma: Array) -> Any:
        calls.append(gamma)
        if len(calls) == 5 * at + 13:
            raise KeyboardInterrupt
        return objective(self, gamma)

    with monkeypatch.context() as patch:
        patch.setattr(Problem, "objective", counted)
        solution = solve(problem, "interior_point")
    assert solution.status in (Status.INTERRUPTED, Status.CONVERGED)
    assert_honest(problem, solution)


def test_other_errors_are_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        _run([*_points(1.0, 0.5), ZeroDivisionError()])


def test_every_status_is_a_sentence_of_cause_and_advice() -> None:
    for status in Status:
        assert status.message.endswith(".")
        assert len(status.message) > 40
    assert len({status.message for status in Status}) == len(Status)
