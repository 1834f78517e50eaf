"""The same problem through CVXPY and Clarabel, which share nothing with ours but its data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from helpers import Family, similar_case
from kernel_ot import Problem, solve
from kernel_ot._arrays import Array
from kernel_ot.kernels import Gaussian

ACCURATE: dict[str, Any] = {
    "solver": "CLARABEL",
    "tol_gap_abs": 1e-10,
    "tol_gap_rel": 1e-10,
    "tol_feas": 1e-10,
}


def _by_clarabel(problem: Problem) -> tuple[float, Array]:
    generic = problem.to_cvxpy()
    generic.solve(**ACCURATE)
    assert generic.status == "optimal"
    (gamma,) = generic.variables()
    assert gamma.name() == "gamma"
    return float(generic.value), np.asarray(gamma.value)


@pytest.mark.parametrize(
    ("family", "d", "n"),
    [("narrow", 1, 12), ("narrow", 2, 30), ("narrow", 5, 16), ("wide", 1, 10), ("wide", 2, 30),
     ("wide", 3, 16), ("wide", 10, 16), ("wide", 2, 1)],
)  # fmt: skip
def test_same_optimum_as_clarabel(family: Family, d: int, n: int) -> None:
    problem = similar_case(family, d, n, seed=20 + d).problem()
    objective, gamma = _by_clarabel(problem)
    for method in ("auto", "ssn", "interior_point"):
        solution = solve(problem, method)
        assert solution.converged
        assert solution.objective == pytest.approx(objective, rel=1e-7, abs=1e-8)
        assert solution.cost == pytest.approx(float(problem.cost(gamma)), rel=1e-5, abs=1e-6)


def test_weighted_samples() -> None:
    case = similar_case("wide", 2, 14, seed=30)
    counts = np.array([1, 3, 2, 1, 5])
    few = replace(case, x=case.x[:5], y=case.y[:5])
    weighted = few.problem(weights_x=counts, weights_y=counts[::-1])
    repeated = replace(
        few, x=np.repeat(few.x, counts, axis=0), y=np.repeat(few.y, counts[::-1], axis=0)
    ).problem()
    objective, _ = _by_clarabel(repeated)
    unweighted, _ = _by_clarabel(few.problem())
    assert abs(objective - unweighted) > 1e-3  # the weights matter
    assert solve(weighted).objective == pytest.approx(objective, rel=1e-7)
    assert solve(repeated).objective == pytest.approx(objective, rel=1e-7)


def test_truncated_features() -> None:
    case = replace(similar_case("wide", 1, 20, seed=31), sigma=0.2)
    problem = case.problem(rank_tol=1e-3, kernel=Gaussian(0.1), kernel_pair=Gaussian(0.5))
    assert problem.rank < 20
    objective, _ = _by_clarabel(problem)
    assert solve(problem).objective == pytest.approx(objective, rel=1e-7)
