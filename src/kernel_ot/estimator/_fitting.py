"""The steps of a fit: choose what is "auto", place filling points, solve, certify."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from kernel_ot._arrays import Array, check_positive
from kernel_ot.cutting_planes import FillingRound, StopRule, fill_by_cutting_planes
from kernel_ot.diagnostics import outlier_caution
from kernel_ot.estimator._checks import check_potential_kernel
from kernel_ot.estimator._progress import Watch
from kernel_ot.kernels import Gaussian, Kernel
from kernel_ot.preconditioning import Conjugation
from kernel_ot.problem import Problem
from kernel_ot.samples import Samples
from kernel_ot.selection import (
    MAX_SEMI_DUAL_DIMENSION,
    REG_SOS,
    Candidate,
    Combination,
    Filling,
    OnRound,
    Selection,
    Settings,
    bandwidth_factors,
    best_candidate,
    combine,
    default_kernel,
    is_auto,
    least_regularised,
    make_problem,
    reg_potentials,
    select,
    share_in_splits,
    typical_distance,
)
from kernel_ot.solvers import Progress, Solution, Status, solve

# Without adaptive filling the constraint is felt at few points, which wide kernels reach across.
_STATIC_BANDWIDTH_FACTOR, _STATIC_REG_POTENTIAL = 2.0, 1e-3
# Where selection finds nothing that beats the preconditioner alone: strong regularisation, whose
# small step away from it was still an improvement, or no loss, in the cases measured.
_CAUTIOUS_FACTOR, _CAUTIOUS_REG_POTENTIAL = 0.5, 1e-1
_MIN_SELECTION_POINTS = 12
_MAX_FILL, _MAX_ROUNDS = 4000, 60
# What a fit that was ended can do, which is not what `solve` can.
_UNFINISHED = {
    Status.MAX_ITERATIONS: "Stopped at max_iter before the residual came down to tol; "
    "raise max_iter or loosen tol.",
    Status.TIME_LIMIT: "Stopped at time_limit with the best point so far; raise time_limit, or "
    "give kernel and reg_potential, so that no settings are compared.",
    Status.CALLBACK_STOPPED: "Stopped by the callback with the best point so far.",
}
# Where a sample is one point the Gaussian part is the exact map; this leaves nothing beside it.
_REG_POTENTIAL_OF_ONE_POINT = 1e3


class OutlierWarning(UserWarning):
    """Rows far outside of their sample were left out of a fit.

    Examples
    --------
    >>> import warnings
    >>> warnings.simplefilter("error", OutlierWarning)  # where nothing may be left out
    """


def find_outliers(samples: Samples, outliers: str) -> tuple[Array, Array]:
    """Return the rows of x and of y that a fit with this `outliers` leaves out."""
    nothing = np.zeros(0, dtype=np.intp)
    return samples.outliers() if outliers == "exclude" else (nothing, nothing)


def warn_of_outliers(samples: Samples, outliers: tuple[Array, Array]) -> None:
    """Warn, once for both samples, which rows were left out and why."""
    found = outlier_caution(samples, outliers)
    if found is not None:
        warnings.warn(str(found), OutlierWarning, stacklevel=3)


def given_settings(parameters: dict[str, Any]) -> tuple[Kernel | None, float, float | None]:
    """Return kernel, lambda_1 and lambda_2 as they were given, None for what is to be chosen."""
    kernel, reg_potential = parameters["kernel"], parameters["reg_potential"]
    reg_sos = parameters["reg_sos"]
    if not is_auto(kernel) and not isinstance(kernel, Kernel):
        raise ValueError(f"kernel = {kernel!r} must be 'auto' or a kernel of kernel_ot.kernels.")
    if isinstance(kernel, Kernel):
        check_potential_kernel(kernel, "kernel")
    return (
        kernel if isinstance(kernel, Kernel) else None,
        REG_SOS if is_auto(reg_sos) else check_positive(reg_sos, "reg_sos"),
        None
        if is_auto(reg_potential)
        else check_positive(reg_potential, "reg_potential", "A sensible start is 1e-3."),
    )


def largest_fill(n_fill: Any) -> int:
    """Return how many filling points may be held at once where they are adaptive."""
    return _MAX_FILL if is_auto(n_fill) else int(n_fill)


def most_rounds(max_iter: int | None) -> int:
    """Return how many rounds of filling a fit may take."""
    return _MAX_ROUNDS if max_iter is None else max(1, max_iter)


def choose_settings(
    samples: Samples,
    changed: Samples,
    parameters: dict[str, Any],
    *,
    rng: np.random.Generator,
    watch: Watch,
) -> tuple[Settings, tuple[Candidate, ...], Combination]:
    """Return the settings, those given as they are, the automatic ones chosen from the samples.

    Also what was compared, and the weights of what is combined.
    """
    alone = Combination()
    given, reg_sos, given_reg = given_settings(parameters)
    kernel: Any = parameters["kernel"]
    reg_potential: Any = "auto" if given_reg is None else given_reg
    fixed = given is not None
    if fixed and not is_auto(reg_potential):
        return Settings(kernel, reg_sos, reg_potential), (), alone
    if not Filling(parameters["filling"]).adaptive:
        wide = _STATIC_BANDWIDTH_FACTOR
        chosen = kernel if fixed else Gaussian(wide * typical_distance(changed, rng))
        reg = _STATIC_REG_POTENTIAL if is_auto(reg_potential) else reg_potential
        return Settings(chosen, reg_sos, reg), (), alone
    exact = parameters["preconditioner"] is not None and samples.one_is_a_point
    if is_auto(reg_potential) and exact:
        chosen = kernel if fixed else default_kernel(1.0, changed, rng)
        return Settings(chosen, reg_sos, _REG_POTENTIAL_OF_ONE_POINT), (), alone
    selection = Selection()
    dimension = samples.x.shape[1]
    best = Candidate(1.0, 1e-2 if is_auto(reg_potential) else reg_potential, ())
    if min(len(samples.x), len(samples.y)) >= _MIN_SELECTION_POINTS:
        selection = select(
            samples,
            parameters["preconditioner"],
            (kernel,) if fixed else bandwidth_factors(dimension),
            reg_potentials(dimension) if is_auto(reg_potential) else (reg_potential,),
            rng,
            n_splits=parameters["n_splits"],
            on_score=watch.on_score,
            on_round=_on_selection_round(watch, parameters["n_jobs"]),
            n_jobs=parameters["n_jobs"],
        )
        choose = least_regularised if dimension > MAX_SEMI_DUAL_DIMENSION else best_candidate
        offered = selection.candidates
        allowed = tuple(c for c in offered if is_auto(reg_potential) or not c.is_baseline)
        if watch.selection_is_over(None):
            _warn_of_few_settings(len(allowed), parameters["time_limit"])
        best = choose(allowed) if allowed else best
    kernels = tuple(c for c in selection.candidates if not c.is_baseline)
    combined = alone
    automatic = is_auto(kernel) and is_auto(reg_potential) and dimension <= MAX_SEMI_DUAL_DIMENSION
    if parameters["combine"] and automatic and kernels:
        # The Gaussian map is combined, so the best kernel comes in whether it beats it or not.
        best = best_candidate(kernels)
        combined = combine(selection.trials_of(best))
    if best.is_baseline:
        best = Candidate(_CAUTIOUS_FACTOR, _CAUTIOUS_REG_POTENTIAL, ())
    chosen_reg = best.reg_potential
    if is_auto(reg_potential) and best.semi_dual:
        # Chosen on a part of the points: all of them need less regularisation.
        chosen_reg *= share_in_splits(samples)
    chosen = kernel if fixed else default_kernel(best.bandwidth_factor, changed, rng)
    return Settings(chosen, reg_sos, chosen_reg), selection.candidates, combined


def _on_selection_round(watch: Watch, n_jobs: int | None) -> OnRound:
    # A user's callback stays in this process; the time limit goes along.
    return watch.on_selection_round if n_jobs in (None, 1) else watch.selection_is_over


def _warn_of_few_settings(count: int, time_limit: float | None) -> None:
    warnings.warn(
        f"time_limit = {time_limit} ended the comparison of settings after {count}; the best of "
        "them is used. Raise time_limit, or give kernel and reg_potential.",
        ConvergenceWarning,
        stacklevel=5,
    )


def fill_and_solve(
    changed: Samples,
    change: Conjugation,
    settings: Settings,
    parameters: dict[str, Any],
    *,
    rng: np.random.Generator,
    watch: Watch,
) -> tuple[Problem, Solution, tuple[FillingRound, ...]]:
    """Place filling points and solve, as `KernelOT`'s parameters ask; rounds if adaptive."""
    filling = Filling(parameters["filling"], parameters["n_fill"])
    method, tol, max_iter = (parameters[name] for name in ("method", "tol", "max_iter"))
    if filling.adaptive:
        violation_tol = parameters["violation_tol"]
        filled = fill_by_cutting_planes(
            changed,
            settings.kernel,
            settings.reg_sos,
            settings.reg_potential,
            violation_tol=violation_tol,
            max_fill=largest_fill(filling.count),
            max_rounds=most_rounds(max_iter),
            stop=_stop_rule(violation_tol, watch),
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
            f"Adaptive filling stopped after {len(rounds)} rounds with {last.n_fill} "
            f"points and a violation of {last.violation:.1e} of the mean cost (violation_tol "
            f"= {violation_tol:.1e}); raise reg_potential, n_fill or max_iter.",
            ConvergenceWarning,
            stacklevel=3,
        )
        return True
    return False
