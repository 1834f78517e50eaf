"""Solves on every array library: same answers, as honest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from helpers import OPTIMA, Backend, judge, reference_case
from kernel_ot import Problem, Solution, Status, kernels, solve, solve_batch
from kernel_ot.solvers import FullRankInteriorPoint, InteriorPoint, Progress


def _problem(backend: Backend, name: str, **options: Any) -> Problem:
    case = reference_case(name)
    arrays = (backend.array(a) for a in (case.x, case.y, case.x_fill, case.y_fill))
    return Problem.from_samples(
        *arrays,
        kernel=kernels.Gaussian(float(np.sqrt(case.sigma / 2))),
        reg_sos=case.reg_sos,
        reg_potential=case.reg_potential,
        **options,
    )


@pytest.mark.parametrize("method", ["auto", "ssn", InteriorPoint(), FullRankInteriorPoint()])
def test_reference(backend: Backend, method: Any) -> None:
    name = "narrow_d2_n50"
    problem = _problem(backend, name)
    solution = solve(problem, method)
    assert solution.status is Status.CONVERGED
    assert bool(solution.converged)
    assert backend.owns(solution.gamma)
    assert backend.owns(solution.cost)
    case = reference_case(name)
    features, gamma, multiplier = (
        np.asarray(a) for a in (problem.features, solution.gamma, solution.multiplier)
    )
    verdict = judge(case, features, gamma, multiplier)
    assert verdict.residual <= 1e-8 * (1 + 1e-6)
    assert verdict.residual == pytest.approx(float(solution.residual), rel=1e-3, abs=1e-12)
    assert float(solution.objective) == pytest.approx(OPTIMA[name]["objective"], rel=1e-7)
    assert float(solution.cost) == pytest.approx(OPTIMA[name]["ot_cost"], rel=1e-5)


def test_both_take_the_same_steps(jax_backend: Backend) -> None:
    name, numpy = "narrow_d2_n50", Backend("numpy", np)
    mine, expected = (solve(_problem(b, name), InteriorPoint()) for b in (jax_backend, numpy))
    assert int(mine.iterations) == expected.iterations
    assert len(mine.history) == len(expected.history)
    for one, other in list(zip(mine.history, expected.history, strict=True))[:-2]:
        assert one.iteration == other.iteration
        assert one.residual == pytest.approx(other.residual, rel=1e-3)
        assert one.objective == pytest.approx(other.objective, rel=1e-6)
        assert np.isnan(one.elapsed)
    assert np.isnan(mine.records.residual[len(mine.history) :]).all()


def test_wherever_both_phases_of_ssn_are_stopped_the_same_point_is_returned(
    jax_backend: Backend,
) -> None:
    name, numpy = "narrow_d2_n50", Backend("numpy", np)
    ours, expected = _problem(jax_backend, name), _problem(numpy, name)
    last = solve(expected, "ssn").iterations
    for max_iter in range(last + 1):
        mine, theirs = (solve(problem, "ssn", max_iter=max_iter) for problem in (ours, expected))
        assert mine.status is theirs.status
        assert int(mine.iterations) == theirs.iterations
        assert float(mine.objective) == pytest.approx(theirs.objective, rel=1e-6), max_iter


def test_what_the_opening_of_ssn_claims_is_checked(jax_backend: Backend) -> None:
    name, numpy = "narrow_d2_n50", Backend("numpy", np)
    mine, theirs = (solve(_problem(b, name), "ssn", tol=0.1) for b in (jax_backend, numpy))
    assert bool(mine.converged)
    assert int(mine.iterations) == theirs.iterations
    assert float(mine.residual) == pytest.approx(theirs.residual, rel=1e-4)


@pytest.mark.parametrize("share", [1.001, 50.0])
def test_a_start_leads_ssn_to_the_same_phase(jax_backend: Backend, share: float) -> None:
    name, numpy = "narrow_d2_n50", Backend("numpy", np)
    ours, expected = _problem(jax_backend, name), _problem(numpy, name)
    solution = solve(expected, "ssn")
    start = (share * solution.gamma, solution.multiplier)
    mine, theirs = (solve(problem, "ssn", init=start) for problem in (ours, expected))
    assert bool(mine.converged)
    assert int(mine.iterations) == theirs.iterations
    assert mine.history[0].residual == pytest.approx(theirs.history[0].residual, rel=1e-5)


def test_baselines_run_on_jax(jax_backend: Backend) -> None:
    problem = _problem(jax_backend, "narrow_d2_n50")
    for method in ("accelerated_gradient", "ssn_extragradient"):  # decisions and an inner loop
        solution = solve(problem, method, max_iter=20)
        expected = solve(_problem(Backend("numpy", np), "narrow_d2_n50"), method, max_iter=20)
        assert solution.status is expected.status, method
        assert float(solution.objective) == pytest.approx(expected.objective, rel=1e-3), method


def test_a_solution_is_a_start(backend: Backend) -> None:
    problem = _problem(backend, "narrow_d2_n50")
    cold = solve(problem, InteriorPoint())
    again = solve(problem, InteriorPoint(), init=cold)
    assert again.status is Status.CONVERGED
    assert int(again.iterations) == 0
    rough = solve(
        problem, InteriorPoint(), init=(np.asarray(cold.gamma) * 0.9, np.asarray(cold.multiplier))
    )
    assert rough.status is Status.CONVERGED
    np.testing.assert_allclose(rough.cost, cold.cost, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"max_iter": 3}, Status.MAX_ITERATIONS),
        ({"max_iter": 0}, Status.MAX_ITERATIONS),
        ({"tol": 1e-25}, Status.NO_PROGRESS),
    ],
    ids=str,
)
def test_statuses(backend: Backend, options: dict[str, Any], status: Status) -> None:
    problem = _problem(backend, "narrow_d2_n50")
    solution = solve(problem, InteriorPoint(), **options)
    expected = {status, Status.FACTORIZATION_FAILED} if "tol" in options else {status}
    assert solution.status in expected
    assert not bool(solution.converged)
    assert np.isfinite(solution.gamma).all()
    assert float(solution.residual) == pytest.approx(
        judge(
            reference_case("narrow_d2_n50"),
            np.asarray(problem.features),
            np.asarray(solution.gamma),
            np.asarray(solution.multiplier),
        ).residual,
        rel=1e-3,
        abs=1e-11,
    )


def test_float32_when_asked_ends_with_an_honest_status(backend: Backend) -> None:
    problem = _problem(backend, "narrow_d2_n50", dtype="float32")
    assert problem.features.dtype == np.float32
    solution = solve(problem, InteriorPoint())
    assert solution.gamma.dtype == np.float32
    assert solution.status in (Status.NO_PROGRESS, Status.FACTORIZATION_FAILED)
    assert 1e-8 < float(solution.residual) < 1e-2
    assert float(solution.cost) == pytest.approx(OPTIMA["narrow_d2_n50"]["ot_cost"], rel=0.05)


@pytest.mark.parametrize("dtype", ["float16", "int64"])
def test_other_precisions_are_refused(backend: Backend, dtype: str) -> None:
    with pytest.raises(ValueError, match="must be float64 or float32"):
        _problem(backend, "narrow_d2_n50", dtype=dtype)


def test_a_batch_of_unequal_problems(backend: Backend) -> None:
    rng = np.random.default_rng(3)
    problems = []
    for n in (12, 20, 16):
        x, y = (backend.array(rng.normal(size=(n, 1)) + shift) for shift in (0, 1))
        problems.append(
            Problem.from_samples(
                x, y, x, y, kernel=kernels.Gaussian(0.5), reg_sos=1e-2, reg_potential=1e-2
            )
        )
    solutions = solve_batch(problems)
    for problem, solution in zip(problems, solutions, strict=True):
        assert bool(solution.converged)
        assert solution.gamma.shape == (problem.n_fill,)
        assert solution.multiplier.shape == (problem.rank, problem.rank)
        assert backend.owns(solution.gamma)
        arrays: dict[str, Any] = {
            name: np.asarray(getattr(problem, name))
            for name in ("quadratic", "linear", "constant", "embedding", "features")
        }
        case = Problem(**arrays, reg_sos=1e-2, reg_potential=1e-2)
        alone = solve(case)
        assert float(solution.cost) == pytest.approx(alone.cost, rel=1e-6)
        assert float(solution.residual) <= 1e-8


def test_one_type_of_solution(backend: Backend) -> None:
    solution = solve(_problem(backend, "narrow_d2_n50"), InteriorPoint())
    assert type(solution) is Solution
    number = float if backend.namespace is np else type(solution.gamma)
    for value in (solution.objective, solution.cost, solution.residual, solution.min_eigenvalue):
        assert type(value) is number
    assert repr(solution).startswith("Solution(CONVERGED, cost=")
    assert isinstance(solution.history[0], Progress)
    assert solution.history[-1].residual <= 1e-8


def test_a_batch_is_of_one_kind(jax_backend: Backend) -> None:
    problems = [_problem(b, "narrow_d2_n50") for b in (jax_backend, Backend("numpy", np))]
    with pytest.raises(ValueError, match="of several kinds"):
        solve_batch(problems)
    with pytest.raises(ValueError, match="problems is empty"):
        solve_batch([])


@pytest.mark.parametrize("option", ["callback", "time_limit"])
def test_what_compiled_code_cannot_do_is_refused(jax_backend: Backend, option: str) -> None:
    problem = _problem(jax_backend, "narrow_d2_n50")
    with pytest.raises(ValueError, match=f"{option} cannot be used with JAX arrays"):
        solve(problem, **{option: 1.0})  # type: ignore[arg-type]
