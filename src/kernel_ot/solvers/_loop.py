"""The one loop that drives every method."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from kernel_ot.problem import OptimalityReport, Problem, check_optimality
from kernel_ot.solvers._method import Method, StartingPoint
from kernel_ot.solvers._solution import Progress, Solution
from kernel_ot.solvers._status import Status

# Once a method's own estimate proves optimistic it is held to a tenth of its tolerance, this often.
_TIGHTENINGS = 3

Callback = Callable[[Progress], Any]


@dataclass
class _Run:
    """What the loop remembers beside the method's state."""

    problem: Problem
    method: Method
    tol: float
    method_tol: float
    began: float
    best: Any = None
    best_residual: float = math.inf
    best_report: OptimalityReport | None = None
    landmark: float = math.inf
    last_fall: int = 0
    history: list[Progress] = field(default_factory=list)
    check_seconds: float = 0.0

    def record(self, iteration: int, state: Any) -> Progress:
        """Append to the history, and keep the state if it is the best so far."""
        progress = Progress(
            iteration=iteration,
            residual=float(state.residual),
            objective=float(self.problem.objective(state.gamma)),
            elapsed=perf_counter() - self.began,
        )
        self.history.append(progress)
        if self.best is None or (_is_finite(state) and progress.residual < self.best_residual):
            # Only a fall by a tenth in all counts: rounding makes smaller ones for ever.
            if not progress.residual > 0.9 * self.landmark:
                self.landmark, self.last_fall = progress.residual, iteration
            self.best, self.best_report = state, None
            self.best_residual = progress.residual if _is_finite(state) else math.inf
        return progress

    def check(self, state: Any) -> OptimalityReport:
        """Recompute the optimality conditions at `state` from the problem alone."""
        began = perf_counter()
        report = check_optimality(
            self.problem, state.gamma, self.method.multiplier(self.problem, state)
        )
        self.check_seconds += perf_counter() - began
        return report

    def is_solved(self, state: Any) -> bool:
        """Return whether the true residual is within tol; if not, hold the method to less."""
        while self.method.done(state, self.method_tol):
            report = self.check(state)
            if float(report.residual) <= self.tol:
                self.best, self.best_report = state, report
                return True
            if self.method_tol <= self.tol * 0.1**_TIGHTENINGS:
                return False
            self.method_tol *= 0.1
        return False


def run(
    problem: Problem,
    method: Method,
    *,
    tol: float,
    max_iter: int,
    start: StartingPoint | None = None,
    callback: Callback | None = None,
    time_limit: float = math.inf,
) -> Solution:
    """Drive `method` on `problem` until it is done or something ends it, and say which.

    The status is decided from the returned point: whatever the method believes, `CONVERGED` is
    reported only if the independently recomputed residual is finite and at most `tol`.
    """
    run = _Run(problem, method, tol=tol, method_tol=tol, began=perf_counter())
    iteration = 0
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        state = method.init(problem, start)
        init_seconds = perf_counter() - run.began
        try:
            while True:
                progress = run.record(iteration, state)
                asked_to_stop = callback is not None and callback(progress) is True
                if _is_finite(state) and run.is_solved(state):
                    status = Status.CONVERGED
                elif not _is_finite(state):
                    status = Status.NON_FINITE
                elif state.failure is not None:
                    status = state.failure
                elif asked_to_stop:
                    status = Status.CALLBACK_STOPPED
                elif iteration >= max_iter:
                    status = Status.MAX_ITERATIONS
                elif progress.elapsed >= time_limit:
                    status = Status.TIME_LIMIT
                elif iteration - run.last_fall > method.patience:
                    status = Status.NO_PROGRESS
                else:
                    state = method.step(problem, state, run.method_tol)
                    iteration += 1
                    continue
                break
        except KeyboardInterrupt:
            status = Status.INTERRUPTED
        except np.linalg.LinAlgError:
            status = Status.EIGENDECOMPOSITION_FAILED
        step_seconds = perf_counter() - run.began - init_seconds - run.check_seconds
        return _solution(run, status, iteration, init_seconds, step_seconds)


def _is_finite(state: Any) -> bool:
    return math.isfinite(state.residual) and bool(np.isfinite(state.gamma).all())


def _solution(
    run: _Run, status: Status, iterations: int, init_seconds: float, step_seconds: float
) -> Solution:
    problem, gamma = run.problem, run.best.gamma
    multiplier = run.method.multiplier(problem, run.best)
    report = run.best_report if run.best_report is not None else run.check(run.best)
    given_up = (Status.CALLBACK_STOPPED, Status.INTERRUPTED)
    if float(report.residual) <= run.tol and status not in given_up:
        status = Status.CONVERGED
    return Solution(
        status=status,
        gamma=gamma,
        multiplier=multiplier,
        objective=float(problem.objective(gamma)),
        cost=float(problem.cost(gamma)),
        optimality=report,
        iterations=iterations,
        method=run.method.name,
        seconds=perf_counter() - run.began,
        timings={"init": init_seconds, "steps": step_seconds, "check": run.check_seconds},
        history=tuple(run.history),
    )
