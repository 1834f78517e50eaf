"""The steps of a fit whose settings are known: leave out, fill, solve, warn."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from kernel_ot._arrays import Array, counted
from kernel_ot.cutting_planes import (
    FillingRound,
    Settings,
    StopRule,
    fill_by_cutting_planes,
    make_problem,
)
from kernel_ot.diagnostics import outlier_caution
from kernel_ot.estimator._parameters import FitParameters
from kernel_ot.estimator._progress import Watch
from kernel_ot.preconditioning import Conjugation
from kernel_ot.problem import Problem
from kernel_ot.samples import Samples
from kernel_ot.selection import Filling, is_auto
from kernel_ot.solvers import Progress, Solution, Status, solve

_MAX_FILL, _MAX_ROUNDS = 4000, 60
# What a fit that was ended can do, which is not what `solve` can.
_UNFINISHED = {
    Status.MAX_ITERATIONS: "Stopped at max_iter before the residual came down to tol; "
    "raise max_iter or loosen tol.",
    Status.TIME_LIMIT: "Stopped at time_limit with the best point so far; raise time_limit, or "
    "give kernel and reg_potential, so that no settings are compared.",
    Status.CALLBACK_STOPPED: "Stopped by the callback with the best point so far.",
}


class OutlierWarning(UserWarning):
    """Rows far outside of their sample were left out of a fit.

    Examples
    --------
    >>> import warnings
    >>> warnings.simplefilter("error", OutlierWarning)  # where nothing may be left out
    """


def without_outliers(samples: Samples, outliers: str) -> tuple[Samples, tuple[Array, Array]]:
    """Return the samples with no mass on what a fit leaves out, and those rows of x and of y."""
    if outliers == "keep":
        return samples, (np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp))
    rows = samples.outliers()
    return samples.without(*rows), rows


def warn_of_outliers(sizes: tuple[int, int], outliers: tuple[Array, Array]) -> None:
    """Warn, once for both samples, which rows were left out and why."""
    found = outlier_caution(sizes, outliers)
    if found is not None:
        warnings.warn(str(found), OutlierWarning, stacklevel=3)


def largest_fill(n_fill: str | int) -> int:
    """Return how many filling points may be held at once where they are adaptive."""
    return _MAX_FILL if is_auto(n_fill) else int(n_fill)


def most_rounds(max_iter: int | None) -> int:
    """Return how many rounds of filling a fit may take."""
    return _MAX_ROUNDS if max_iter is None else max(1, max_iter)


def fill_and_solve(
    changed: Samples,
    change: Conjugation,
    settings: Settings,
    parameters: FitParameters,
    *,
    rng: np.random.Generator,
    watch: Watch,
    contacts: tuple[Array, Array] | None = None,
) -> tuple[Problem, Solution, tuple[FillingRound, ...]]:
    """Place filling points and solve, as `KernelOT`'s parameters ask; rounds if adaptive.

    Adaptive filling starts from `contacts`, pairs in the user's coordinates, where they are known.
    """
    filling = Filling(parameters.filling, parameters.n_fill)
    method, tol, max_iter = parameters.method, parameters.tol, parameters.max_iter
    if filling.adaptive:
        filled = fill_by_cutting_planes(
            changed,
            settings,
            violation_tol=parameters.violation_tol,
            max_fill=largest_fill(parameters.n_fill),
            max_rounds=most_rounds(max_iter),
            stop=_stop_rule(parameters.violation_tol, watch),
            contacts=contacts and (change.forward_x(contacts[0]), change.forward_y(contacts[1])),
        )
        if method != "auto" and filled.stopped is None:
            solution = solve_watched(filled.problem, method, tol, None, watch)
        else:
            solution = filled.solution(tol)
            watch.tell(solution.history[-1], "solve")
        return filled.problem, solution, filled.fit.rounds
    problem = make_problem(changed, *filling.place(changed, change, rng), settings)
    return problem, solve_watched(problem, method, tol, max_iter, watch), ()


def _stop_rule(violation_tol: float, watch: Watch) -> StopRule:
    """Return the rule that ends filling where the user or the clock asks for it."""
    before = 0.0

    def stop(step: FillingRound, record: Progress) -> Status | None:
        nonlocal before
        seconds, before = record.elapsed - before, record.elapsed
        if watch.tell(record, "filling"):
            return Status.CALLBACK_STOPPED
        if step.violation > violation_tol and watch.is_late(seconds):
            return Status.TIME_LIMIT
        return None

    return stop


def solve_watched(
    problem: Problem, method: str, tol: float, max_iter: int | None, watch: Watch
) -> Solution:
    """Return the solution of a problem whose filling points are fixed."""
    solution = solve(
        problem,
        method,
        tol,
        max_iter,
        callback=lambda record: watch.tell(record, "solve"),
        time_limit=watch.seconds_left(),
    )
    if solution.status is Status.INTERRUPTED:
        raise KeyboardInterrupt  # a fit is done or it is not
    return solution


def warn_if_unfinished(
    solution: Solution, rounds: tuple[FillingRound, ...], violation_tol: float
) -> bool:
    """Warn, at the caller of `fit`, of a solve or rounds that ended early; say whether."""
    if not solution.converged:
        message = _UNFINISHED.get(solution.status, solution.status.message)
        warnings.warn(message, ConvergenceWarning, stacklevel=3)
        return True
    if rounds and min(step.violation for step in rounds) > violation_tol:
        last = min(rounds, key=lambda step: step.violation)
        warnings.warn(
            f"Adaptive filling stopped after {counted(len(rounds), 'round')} with {last.n_fill} "
            f"points and a violation of {last.violation:.1e} of the mean cost (violation_tol "
            f"= {violation_tol:.1e}); raise reg_potential, n_fill or max_iter.",
            ConvergenceWarning,
            stacklevel=3,
        )
        return True
    return False
