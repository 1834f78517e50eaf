"""Two methods in one solve: one that opens it, and the one that goes on from there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from helpers import assert_honest, similar_case
from kernel_ot import Problem, Solution, Status, solve
from kernel_ot._arrays import Array, Scalar
from kernel_ot.solvers import Method, SemismoothNewton, StartingPoint
from kernel_ot.solvers._method import Opening
from kernel_ot.solvers.semismooth._central_path import CentralPath

CASE = similar_case("wide", 2, 24, seed=1)
ONES = np.ones(24)


@dataclass(frozen=True)
class Counted:
    """A state that says how many steps led to it; gamma is that many hundredths."""

    steps: int
    residual: float
    failure: int = 0

    @property
    def gamma(self) -> Array:
        """The number of steps."""
        return 1e-2 * self.steps * ONES


@dataclass(frozen=True)
class Script(Method[Counted]):
    """Claims one residual after the other."""

    residuals: tuple[float, ...]
    opening: Opening[Counted, Counted] | None = None
    name: str = "script"
    max_iter: int = 50
    patience: int = 20

    def init(self, problem: Problem, start: StartingPoint | None) -> Counted:
        return Counted(0, self.residuals[0])

    def step(self, problem: Problem, state: Counted, tol: Scalar) -> Counted:
        steps = state.steps + 1
        return Counted(steps, self.residuals[min(steps, len(self.residuals) - 1)])

    def multiplier(self, problem: Problem, state: Counted) -> Array:
        return np.zeros((problem.rank, problem.rank))


@dataclass(frozen=True)
class ScriptedOpening(Script, Opening[Counted, Counted]):
    """Arrives after its last residual."""

    failure: int = 0

    def is_needed(self, problem: Problem, start: StartingPoint) -> Array:
        return np.asarray(bool(start.gamma[0] < 0))

    def step(self, problem: Problem, state: Counted, tol: Scalar) -> Counted:
        following = super().step(problem, state, tol)
        return Counted(following.steps, following.residual, self.failure)

    def has_arrived(self, state: Counted) -> Array:
        return np.asarray(state.steps == len(self.residuals) - 1)

    def handed_over(self, problem: Problem, state: Counted) -> Counted:
        return state


def _run(method: Script, **options: object) -> Solution:
    problem = CASE.problem()
    solution = solve(problem, method, **options)  # type: ignore[arg-type]
    assert_honest(problem, solution)
    return solution


def _claims(solution: Solution) -> list[float]:
    return [record.residual for record in solution.history]


OPENING = ScriptedOpening((9.0, 8.0, 7.0))


def test_the_method_takes_the_step_after_the_openings_last() -> None:
    solution = _run(Script((0.1, 0.1, 0.1, 6.0, 5.0), opening=OPENING), max_iter=5)
    assert _claims(solution) == [9.0, 8.0, 7.0, 6.0, 5.0, 5.0]
    assert (solution.status, solution.method) == (Status.MAX_ITERATIONS, "script")


def test_a_budget_may_end_before_it_has_arrived() -> None:
    solution = _run(Script((0.1,), opening=OPENING), max_iter=1)
    assert _claims(solution) == [9.0, 8.0]
    assert solution.status is Status.MAX_ITERATIONS


def test_the_best_point_may_be_one_of_the_opening() -> None:
    problem = CASE.problem()
    bests = [ScriptedOpening(claims) for claims in ((9.0, 2.0, 7.0), (9.0, 7.0, 2.0))]
    gammas = [
        solve(problem, Script((9.0, 9.0, 9.0, 9.0), opening=opening), max_iter=4).gamma
        for opening in bests
    ]
    for steps, gamma in enumerate(gammas, start=1):
        np.testing.assert_allclose(gamma, 1e-2 * steps)


def test_its_patience_is_that_of_the_method() -> None:
    stuck = ScriptedOpening((1.0,) * 40, patience=2)
    solution = _run(Script((9.0,), opening=stuck, patience=5))
    assert (solution.status, solution.iterations) == (Status.NO_PROGRESS, 6)


def test_a_failure_of_the_opening_ends_the_solve() -> None:
    failing = ScriptedOpening((9.0, 8.0, 7.0), failure=Status.FACTORIZATION_FAILED.code)
    solution = _run(Script((0.1,), opening=failing))
    assert (solution.status, solution.iterations) == (Status.FACTORIZATION_FAILED, 1)


@pytest.mark.parametrize(("gamma", "first"), [(-1.0, 9.0), (1.0, 3.0)])
def test_a_start_that_is_of_use_needs_no_opening(gamma: float, first: float) -> None:
    solution = _run(Script((3.0,), opening=OPENING), init=(gamma * ONES, None), max_iter=1)
    assert solution.history[0].residual == first


def test_semismooth_steps_alone_reach_the_same_solution() -> None:
    problem = CASE.problem()
    alone = solve(problem, SemismoothNewton(opening=None))
    both = solve(problem, "ssn")
    assert alone.converged
    assert alone.objective == pytest.approx(both.objective, rel=1e-7)
    # They begin at the same point of the same path.
    assert alone.history[0].objective == both.history[0].objective


def test_a_useful_start_is_one_that_is_close() -> None:
    problem, opening = CASE.problem(), CentralPath()
    solution = solve(problem)
    close = StartingPoint(1.001 * solution.gamma, solution.multiplier)
    assert not opening.is_needed(problem, close)
    assert opening.is_needed(problem, StartingPoint(100 * solution.gamma, solution.multiplier))
    # What cannot be compared is of no use.
    assert opening.is_needed(problem, StartingPoint(np.nan * solution.gamma, solution.multiplier))
