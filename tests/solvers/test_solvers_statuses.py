"""Every way a solve can end: the best point so far, its own status, a true residual."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from benchmarks.fuzz._problems import tame_problem
from scipy.linalg import get_lapack_funcs

from helpers import assert_best_so_far, assert_honest, judge, similar_case
from kernel_ot import Problem, Status, solve
from kernel_ot._arrays import Array
from kernel_ot.problem import check_optimality
from kernel_ot.solvers import FullRankInteriorPoint, InteriorPoint, Progress, _loop

METHODS = ("ssn", "interior_point")
CASE = similar_case("wide", 2, 24, seed=1)  # K is ill-conditioned
WELL_CONDITIONED = similar_case("narrow", 2, 24, seed=1)  # its interior point is another one
CASES = pytest.mark.parametrize("case", [CASE, WELL_CONDITIONED], ids=["wide", "narrow"])
EVERY_METHOD = pytest.mark.parametrize("method", METHODS)


def _failing_after(
    function: Callable[..., Any], calls: int, outcome: Callable[..., Any]
) -> Callable[..., Any]:
    """Return `function`, replaced by `outcome` from the given call on."""
    count = 0

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        nonlocal count
        count += 1
        return outcome(*args, **kwargs) if count > calls else function(*args, **kwargs)

    return wrapped


def _no_eigenvalues(*args: Any, **kwargs: Any) -> Any:
    raise np.linalg.LinAlgError("Eigenvalues did not converge")


def _with_failing_potrf(monkeypatch: pytest.MonkeyPatch, calls: int) -> None:
    """Let LAPACK's Cholesky factorisation report failure from the given call on."""
    potrf = _failing_after(
        get_lapack_funcs("potrf", dtype=np.float64), calls, lambda matrix, **_: (matrix, 1)
    )

    def functions(name: str, arrays: Any) -> Any:
        return potrf if name == "potrf" else get_lapack_funcs(name, arrays)

    monkeypatch.setattr("kernel_ot._linalg._dense.get_lapack_funcs", functions)


@CASES
@EVERY_METHOD
@pytest.mark.parametrize("calls", [0, 1, 5])
def test_a_failing_cholesky(
    case: Any, method: str, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = case.problem()
    _with_failing_potrf(monkeypatch, calls)
    solution = solve(problem, method)
    monkeypatch.undo()
    assert_honest(problem, solution)
    assert solution.status in (Status.FACTORIZATION_FAILED, Status.NON_FINITE)
    assert np.isfinite(solution.gamma).all()
    if calls == 5:
        assert_best_so_far(problem, solution)


@CASES
@EVERY_METHOD
@pytest.mark.parametrize("calls", [0, 1, 4])
def test_a_failing_eigendecomposition(
    case: Any, method: str, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = case.problem()
    for name in ("eigh", "eigvalsh"):
        function = getattr(np.linalg, name)
        monkeypatch.setattr(np.linalg, name, _failing_after(function, calls, _no_eigenvalues))
    solution = solve(problem, method)  # also the final check has no eigenvalues to look at
    monkeypatch.undo()
    assert solution.status is Status.EIGENDECOMPOSITION_FAILED
    assert not solution.converged
    assert np.isfinite(solution.gamma).all()
    assert np.isfinite(solution.multiplier).all()
    # The residual is either the true one or says that it could not be had.
    report = check_optimality(problem, solution.gamma, solution.multiplier)
    assert math.isnan(solution.residual) or solution.residual == pytest.approx(
        float(report.residual), rel=1e-9
    )


@CASES
@EVERY_METHOD
def test_an_eigendecomposition_that_fails_once(
    case: Any, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = case.problem()
    count = 0

    def once(function: Any, matrix: Array) -> Any:
        nonlocal count
        count += 1
        return _no_eigenvalues() if count == 5 else function(matrix)

    for name in ("eigh", "eigvalsh"):
        monkeypatch.setattr(np.linalg, name, partial(once, getattr(np.linalg, name)))
    solution = solve(problem, method)
    monkeypatch.undo()
    assert count >= 5
    assert_honest(problem, solution)
    assert_best_so_far(problem, solution)
    assert solution.status is Status.EIGENDECOMPOSITION_FAILED


@CASES
@EVERY_METHOD
@pytest.mark.parametrize("calls", [3, 6])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_number_that_is_not_finite_in_a_step(
    case: Any, method: str, calls: int, value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = case.problem()
    spoilt = _failing_after(Problem.gradient, calls, lambda p, gamma: np.full_like(gamma, value))
    monkeypatch.setattr(Problem, "gradient", spoilt)
    solution = solve(problem, method)
    monkeypatch.undo()
    assert not solution.converged
    assert solution.status is not Status.CONVERGED
    assert np.isfinite(solution.gamma).all()


@EVERY_METHOD
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["quadratic", "linear", "features"])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # in judging the point, below
def test_data_that_is_not_finite(method: str, name: str, value: float) -> None:
    problem = CASE.problem()
    array = getattr(problem, name).copy()
    array[(-1,) * array.ndim] = value
    object.__setattr__(problem, name, array)  # building a problem refuses it
    solution = solve(problem, method)
    assert not solution.converged
    assert not solution.residual <= 1e-8
    assert solution.iterations <= 1


@CASES
@EVERY_METHOD
@pytest.mark.parametrize("k", [0, 1, 3])
def test_callback_stop_at_k_is_max_iter_k(case: Any, method: str, k: int) -> None:
    problem = case.problem()
    stopped = solve(problem, method, callback=lambda progress: progress.iteration == k)
    limited = solve(problem, method, max_iter=k)
    assert stopped.status is Status.CALLBACK_STOPPED
    assert limited.status is Status.MAX_ITERATIONS
    assert stopped.iterations == limited.iterations == k
    np.testing.assert_array_equal(stopped.gamma, limited.gamma)
    np.testing.assert_array_equal(stopped.multiplier, limited.multiplier)
    for solution in (stopped, limited):
        assert_honest(problem, solution)
        assert_best_so_far(problem, solution)


@EVERY_METHOD
@pytest.mark.parametrize("value", [None, False, 1, "stop", np.array([True, False])])
def test_only_true_stops(method: str, value: Any) -> None:
    assert solve(CASE.problem(), method, callback=lambda progress: value).converged


@EVERY_METHOD
def test_the_callback_sees_the_history(method: str) -> None:
    seen: list[Progress] = []
    solution = solve(CASE.problem(), method, callback=seen.append)
    assert tuple(seen) == solution.history
    elapsed = [progress.elapsed for progress in seen]
    assert elapsed == sorted(elapsed)
    assert seen[-1].residual <= 1e-8


@CASES
@EVERY_METHOD
@pytest.mark.parametrize("k", [0, 3])
def test_keyboard_interrupt_in_the_callback(case: Any, method: str, k: int) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.iteration == k:
            raise KeyboardInterrupt

    problem = case.problem()
    solution = solve(problem, method, callback=interrupt)
    assert solution.status is Status.INTERRUPTED
    assert_honest(problem, solution)
    assert_best_so_far(problem, solution)
    np.testing.assert_array_equal(solution.gamma, solve(problem, method, max_iter=k).gamma)


def test_a_keyboard_interrupt_after_the_last_step_leaves_the_point(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = vars(_loop)["accurate_objective"]
    pressed: list[bool] = []

    def interrupt(*args: Any) -> Any:
        if pressed:
            return whole(*args)
        pressed.append(True)
        raise KeyboardInterrupt

    problem = tame_problem(np.random.default_rng(0))[0]
    expected = solve(problem)
    monkeypatch.setattr(_loop, "accurate_objective", interrupt)
    solution = solve(problem)
    assert solution.status is Status.INTERRUPTED
    np.testing.assert_array_equal(solution.gamma, expected.gamma)


@CASES
@EVERY_METHOD
def test_keyboard_interrupt_anywhere_in_a_step(
    case: Any, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gradient = Problem.gradient
    pressed: list[bool] = []

    def interrupt(*args: Any) -> Any:
        if pressed:
            return gradient(*args)
        pressed.append(True)
        raise KeyboardInterrupt

    problem = case.problem()
    monkeypatch.setattr(Problem, "gradient", _failing_after(gradient, 8, interrupt))
    solution = solve(problem, method, max_iter=20)
    monkeypatch.undo()
    assert solution.status is Status.INTERRUPTED
    assert_honest(problem, solution)


@EVERY_METHOD
def test_an_error_in_the_callback_is_the_callers(method: str) -> None:
    def fail(progress: Progress) -> None:
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        solve(CASE.problem(), method, callback=fail)


@EVERY_METHOD
def test_max_iter_zero_checks_the_start(method: str) -> None:
    problem = CASE.problem()
    solution = solve(problem, method, max_iter=0)
    assert (solution.status, solution.iterations) == (Status.MAX_ITERATIONS, 0)
    assert_honest(problem, solution)
    np.testing.assert_array_equal(solution.gamma, solution.gamma[0])  # the uniform plan, or 0
    assert solution.gamma[0] >= 0


@EVERY_METHOD
def test_an_exhausted_time_limit(method: str) -> None:
    problem = CASE.problem()
    solution = solve(problem, method, time_limit=1e-9)
    assert (solution.status, solution.iterations) == (Status.TIME_LIMIT, 0)
    assert_honest(problem, solution)


@CASES
@EVERY_METHOD
def test_a_tolerance_below_rounding(case: Any, method: str) -> None:
    problem = case.problem()
    solution = solve(problem, method, tol=1e-18)
    assert solution.status in (Status.NO_PROGRESS, Status.FACTORIZATION_FAILED)
    assert_honest(problem, solution)
    # What can be had is returned, and is no worse than what a looser tolerance gets.
    assert solution.residual <= 1e-8
    assert solution.residual <= solve(problem, method, tol=1e-8).residual


@EVERY_METHOD
@pytest.mark.parametrize("tol", [1e-1, 1e-3, 1e-5])
def test_a_loose_tolerance_stops_earlier(method: str, tol: float) -> None:
    problem = CASE.problem()
    solution = solve(problem, method, tol=tol)
    assert solution.converged
    assert solution.residual <= tol
    assert solution.iterations < solve(problem, method).iterations


@CASES
@EVERY_METHOD
def test_a_problem_in_float32_ends_honestly(case: Any, method: str) -> None:
    double = case.problem()
    names = ("quadratic", "linear", "embedding", "features")
    single = replace(double, **{n: getattr(double, n).astype(np.float32) for n in names})
    for tol in (1e-8, 1e-3):
        solution = solve(single, method, tol=tol)
        assert solution.gamma.dtype == solution.multiplier.dtype == np.float32
        # Judged in float64 against what float32 arithmetic can tell.
        verdict = judge(
            case, double.features, solution.gamma.astype(float), solution.multiplier.astype(float)
        )
        if solution.converged:
            assert verdict.residual <= tol + 1e-4
        else:
            assert solution.status in (Status.NO_PROGRESS, Status.FACTORIZATION_FAILED)
        assert math.isfinite(solution.residual)
    assert solution.residual <= 1e-2


@pytest.mark.parametrize("method", [InteriorPoint(), FullRankInteriorPoint()])
def test_a_newton_matrix_without_a_factor_leaves_the_iterate_where_it_is(method: Any) -> None:
    problem = similar_case("narrow", 2, 24, seed=1).problem()
    state = method.init(problem, None)
    indefinite = replace(problem, quadratic=-1e6 * np.eye(24))
    after = method.step(indefinite, state, 1e-8)
    assert Status.from_code(after.failure) is Status.FACTORIZATION_FAILED
    np.testing.assert_array_equal(after.gamma, state.gamma)
    np.testing.assert_array_equal(
        method.multiplier(problem, after), method.multiplier(problem, state)
    )
