"""Random problems, solved by every method: what converges is right, and tame ones converge."""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import pytest

from kernel_ot import Problem, kernels, solve
from kernel_ot.problem import accurate_objective
from kernel_ot.problem._potential_gram import in_double

FIRST_ORDER = ("extragradient", "ssn_extragradient", "accelerated_gradient")


def _tame(seed: int) -> Problem:
    rng = np.random.default_rng(seed)
    n, m, d, n_fill = (int(rng.integers(*ends)) for ends in ((5, 60), (5, 60), (1, 6), (2, 41)))
    x, y = rng.normal(size=(n, d)), rng.normal(size=(m, d)) + rng.normal(size=d)
    x_fill, y_fill = x[rng.integers(n, size=n_fill)], y[rng.integers(m, size=n_fill)]
    if rng.random() < 0.5:
        x_fill, y_fill = rng.normal(size=(n_fill, d)), rng.normal(size=(n_fill, d))
    median = np.median(np.linalg.norm(x[:, None] - y[None], axis=2))
    bandwidth = np.exp(rng.uniform(np.log(0.3), np.log(5))) * median
    reg_sos, reg_potential = 10 ** rng.uniform(-5, 0), 10 ** rng.uniform(-5, 0)
    return Problem.from_samples(
        x,
        y,
        x_fill,
        y_fill,
        kernel=kernels.Gaussian(bandwidth),
        reg_sos=reg_sos,
        reg_potential=reg_potential,
    )


# The first seeds, and those that did not converge before the smoothing could rise, before methods
# had successors, or by a rounding error.
SEEDS = (*range(20), 40, 45, 50, 55, 84, 87, 95, 107, 126, 132, 179, 182, 200, 268, 315, 854)


@pytest.mark.parametrize("method", ["auto", "interior_point", "ssn"])
def test_tame_problems_are_solved(method: str) -> None:
    ended = Counter(solve(_tame(seed), method).status.name for seed in SEEDS)
    # Of a thousand the semismooth Newton method alone solves 99.7 percent.
    least = len(SEEDS) - (1 if method == "ssn" else 0)
    assert ended["CONVERGED"] >= least, ended


def _hardly_determined() -> Problem:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 2)), rng.normal(size=(5, 2)) + 1
    return Problem.from_samples(
        x, y, x, y, kernel=kernels.Gaussian(20.0), reg_sos=1.0, reg_potential=1e-7
    )


@pytest.mark.parametrize("method", [*FIRST_ORDER, "interior_point", "ssn", "short_step"])
def test_a_cost_that_the_objective_hardly_determines_is_right_or_not_converged(
    method: str,
) -> None:
    solution = solve(_hardly_determined(), method, tol=1e-4, max_iter=2000)
    assert not solution.converged or solution.cost == pytest.approx(2.206, abs=2e-3)


@cache
def _wild(seed: int, dtype: str) -> tuple[Problem, float, float]:
    """Return a problem far from tame, its optimal value, and what that is known to."""
    rng = np.random.default_rng(seed)
    n, n_fill, d = int(rng.integers(2, 20)), int(rng.integers(1, 12)), int(rng.integers(1, 4))
    scale = 10 ** rng.uniform(-3, 3)
    x, y = scale * rng.normal(size=(n, d)), scale * (rng.normal(size=(n, d)) + 1)
    x = x[rng.integers(n, size=n)]
    offset = 1e6 if seed % 5 == 0 else 0.0
    chosen = rng.integers(n, size=(2, n_fill))
    bandwidth = 10 ** rng.uniform(-3, 3) * scale
    kernel = kernels.Linear() if seed % 3 == 0 else kernels.Gaussian(bandwidth)
    problem = Problem.from_samples(
        x + offset,
        y + offset,
        x[chosen[0]] + offset,
        y[chosen[1]] + offset,
        kernel=kernel,
        reg_sos=10 ** rng.uniform(-9, 3),
        reg_potential=10 ** rng.uniform(-9, 3),
        dtype=dtype,
    )
    exact = in_double(problem)
    best = min(
        (solve(exact, method, tol=1e-12) for method in ("interior_point", "ssn")),
        key=lambda solution: np.nan_to_num(solution.residual, nan=np.inf),
    )
    return problem, best.objective, best.residual


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("method", ["interior_point", "ssn", *FIRST_ORDER])
def test_what_converges_has_the_optimal_value_within_tol(method: str, dtype: str) -> None:
    converged = 0
    for seed in range(10):
        problem, optimum, known = _wild(seed, dtype)
        tol = 10 ** -np.random.default_rng(seed).uniform(4, 9)
        solution = solve(problem, method, tol=tol, max_iter=200)
        if solution.converged:
            converged += 1
            error = abs(solution.objective - optimum) / (1 + abs(optimum))
            assert error <= 1.01 * tol + known, (seed, solution)
            again = accurate_objective(problem, solution.gamma)
            assert solution.objective == pytest.approx(float(again), rel=1e-6)
    assert converged >= 1  # in float32 too
