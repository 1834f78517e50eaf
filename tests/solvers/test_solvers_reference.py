"""The reference problems and others of their kind, judged by formulas, not by the solver."""

from __future__ import annotations

import numpy as np
import pytest

from helpers import OPTIMA, Case, Family, judge, reference_case, reference_names, similar_case
from kernel_ot import Solution, solve

METHODS = ("auto", "ssn", "interior_point")
FAMILIES: tuple[Family, ...] = ("narrow", "wide")


def _check(case: Case, solution: Solution, objective: float) -> None:
    problem = case.problem()
    verdict = judge(case, problem.features, solution.gamma, solution.multiplier)
    assert solution.converged
    assert verdict.residual <= 1e-8 * (1 + 1e-6)
    assert verdict.min_eigenvalue >= -1e-8
    assert verdict.objective == pytest.approx(objective, rel=1e-7, abs=1e-8)
    # The jitter on Q that is part of the problem hardly shows in the problem without it, whose Q
    # may be singular: then no dual value is finite, and the conditions are all there is.
    plain = judge(case, problem.features, solution.gamma, solution.multiplier, potential_jitter=0.0)
    assert plain.stationarity <= 2e-8
    assert plain.complementarity <= 2e-8
    assert plain.objective == pytest.approx(objective, rel=1e-7, abs=1e-8)
    # What the solution says of itself is true.
    assert solution.residual == pytest.approx(verdict.residual, rel=1e-3, abs=1e-12)
    assert solution.min_eigenvalue == pytest.approx(verdict.min_eigenvalue, abs=1e-12)
    assert solution.objective == pytest.approx(verdict.objective, rel=1e-12)
    assert solution.cost == pytest.approx(verdict.cost, rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", reference_names(200))
def test_reference(name: str, method: str) -> None:
    case = reference_case(name)
    solution = solve(case.problem(), method)
    _check(case, solution, OPTIMA[name]["objective"])
    assert solution.cost == pytest.approx(OPTIMA[name]["ot_cost"], rel=1e-5)


@pytest.mark.parametrize("name", sorted(set(reference_names(800)) - set(reference_names(200))))
def test_large_reference(name: str) -> None:
    case = reference_case(name)
    _check(case, solve(case.problem()), OPTIMA[name]["objective"])


@pytest.mark.parametrize("n", [1, 2, 9, 40, 100])
@pytest.mark.parametrize("d", [1, 2, 3, 5, 10])
@pytest.mark.parametrize("family", FAMILIES)
def test_other_seeds_and_sizes(family: Family, d: int, n: int) -> None:
    case = similar_case(family, d, n, seed=1000 * d + n)
    problem = case.problem()
    solutions = [solve(problem, method) for method in ("interior_point", "ssn")]
    for solution in solutions:
        _check(case, solution, solutions[0].objective)


@pytest.mark.parametrize("name", ["narrow_d2_n50", "wide_d2_n50", "wide_d3_n100"])
@pytest.mark.parametrize("method", METHODS)
def test_slack_is_the_sum_of_squares_at_the_filling_points(name: str, method: str) -> None:
    case = reference_case(name)
    problem = case.problem()
    solution = solve(problem, method)
    potentials = problem.potentials(solution.gamma)
    cost = ((case.x_fill - case.y_fill) ** 2).sum(axis=1) / 2
    slack = cost - potentials.u(case.x_fill) - potentials.v(case.y_fill)
    squares = np.einsum(
        "ri,rs,si->i", problem.features, solution.multiplier, problem.features, optimize=True
    )
    np.testing.assert_allclose(slack, squares, atol=1e-6)
    assert slack.min() >= -1e-6  # u + v <= c where it is asked for
    # And that is no coincidence of a trivial potential.
    assert np.ptp(potentials.u(case.x_fill)) > 1e-2


@pytest.mark.parametrize("method", ["ssn", "interior_point"])
def test_rank_of_the_multiplier(method: str) -> None:
    for name in ("wide_d2_n50", "wide_d5_n100"):
        problem = reference_case(name).problem()
        eigenvalues = np.linalg.eigvalsh(solve(problem, method).multiplier)
        rank = int((eigenvalues > 1e-4 * eigenvalues[-1]).sum())
        assert rank == OPTIMA[name]["rank_of_multiplier"]
