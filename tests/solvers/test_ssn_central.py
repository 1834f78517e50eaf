"""The first phase of `ssn`: points of the central path, without eigen-decompositions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from helpers import similar_case
from kernel_ot import Problem, solve
from kernel_ot.solvers import Progress, SemismoothNewton
from kernel_ot.solvers.semismooth._central_path import CentralPath

CASES = pytest.mark.parametrize(
    ("family", "d"), [("wide", 1), ("wide", 5), ("narrow", 2), ("narrow", 10)]
)


def _problem(family: Any, d: int) -> Problem:
    return similar_case(family, d, 40, seed=3).problem()


@CASES
def test_every_point_of_it_is_central(family: Any, d: int) -> None:
    problem, method = _problem(family, d), CentralPath()
    state = method.init(problem, None)
    while not method.has_arrived(state):
        constraint = problem.constraint_matrix(state.gamma)
        assert np.linalg.eigvalsh(constraint)[0] > 0
        product = method.multiplier(problem, state) @ constraint
        mu = float(state.mu)
        np.testing.assert_allclose(product, mu * np.eye(problem.rank), atol=1e-6 * mu)
        following = method.step(problem, state, 1e-8)
        assert following.mu <= state.mu
        state = following
    assert state.gap <= 1e-5
    same = method.handed_over(problem, state)
    np.testing.assert_array_equal(same.gamma, state.gamma)
    product = SemismoothNewton().multiplier(problem, same) @ problem.constraint_matrix(same.gamma)
    mu = float(state.mu)
    np.testing.assert_allclose(product, mu * np.eye(problem.rank), atol=1e-3 * mu)


@CASES
def test_it_does_most_of_the_work(family: Any, d: int, monkeypatch: pytest.MonkeyPatch) -> None:
    decompositions: list[Any] = []
    eigh = np.linalg.eigh

    def counted(matrix: Any) -> Any:
        if len(matrix) == problem.rank:
            decompositions.append(matrix.shape)
        return eigh(matrix)

    problem = _problem(family, d)
    monkeypatch.setattr(np.linalg, "eigh", counted)
    solution = solve(problem, "ssn")
    assert solution.converged
    assert 2 <= len(decompositions) <= solution.iterations / 2


def test_a_loose_tolerance_is_reached_within_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(matrix: Any) -> Any:
        raise AssertionError("no eigenvectors are needed")

    problem = _problem("wide", 5)
    monkeypatch.setattr(np.linalg, "eigh", forbidden)
    solution = solve(problem, "ssn", tol=0.1)
    assert solution.converged


def test_the_best_point_is_returned_after_a_worse_one() -> None:
    # From the uniform plan the residual first rises: the loop holds one triangle of the best X.
    problem = _problem("wide", 1)
    residuals: list[float] = []

    def stop_when_worse(progress: Progress) -> bool:
        residuals.append(progress.residual)
        return progress.residual > min(residuals)

    solution = solve(problem, "ssn", callback=stop_when_worse)
    assert residuals[-1] > min(residuals)
    assert solution.status.name == "CALLBACK_STOPPED"
    assert solution.residual == pytest.approx(min(residuals), rel=1e-4)
    np.testing.assert_array_equal(solution.multiplier, solution.multiplier.T)
