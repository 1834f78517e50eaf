"""The one loop that drives every method."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot._linalg import from_lower_triangle, lower_triangle, scipy_on_one_thread
from kernel_ot.problem import (
    OptimalityReport,
    Problem,
    accurate_cost,
    accurate_objective,
    check_optimality,
)
from kernel_ot.solvers._method import Method, StartingPoint
from kernel_ot.solvers._solution import Progress, Solution
from kernel_ot.solvers._status import Status
from kernel_ot.solvers._stopping import RUNNING, is_fall, stopping_code, tightened

# A method that ends so may be followed by another.
_LEFT_TO_A_SUCCESSOR = (Status.NO_PROGRESS, Status.FACTORIZATION_FAILED)

Callback = Callable[[Progress], Any]


@dataclass(frozen=True, eq=False)
class _GivenPoint:
    """A point that no method made: what is returned if not even a first state can be."""

    gamma: Array
    multiplier: Array | None


@dataclass(frozen=True, eq=False)
class _StoredPoint:
    """A point that the method has left: gamma, and one triangle of X."""

    gamma: Array
    triangle: Array


@dataclass
class _Run:
    """What the loop remembers beside the method's state.

    Of states it holds what `Method.kept` leaves of them: `current` is the latest. Of the best one,
    once the method has gone on to a worse, it holds X itself, half of it since it is symmetric.
    """

    problem: Problem
    method: Method
    tol: float
    method_tol: float
    began: float
    best: Any
    current: Any = None
    best_residual: float = math.inf
    runner_up: tuple[Any, float] = (None, math.inf)
    checked: tuple[Any, OptimalityReport] | None = None
    refusals: int = 0
    landmark: float = math.inf
    last_fall: int = 0
    history: list[Progress] = field(default_factory=list)
    init_seconds: float = 0.0
    check_seconds: float = 0.0

    def hand_over(self, successor: Method, iteration: int) -> Any:
        """Return the first state of another method, which begins at the best point so far."""
        self.best = self._stored(self.best)
        if self.checked is None or self.checked[0] is not self.best:
            self.check(self.best)
        assert self.checked is not None
        point, report = self.checked
        self.best, self.best_residual = self._stored(point), float(report.residual)
        self.checked = self.best, report
        self.current, self.runner_up = None, (None, math.inf)
        start = StartingPoint(self.best.gamma, self.multiplier(self.best))
        self.method, self.method_tol, self.refusals = successor, self.tol, 0
        self.landmark, self.last_fall = math.inf, iteration
        return successor.init(self.problem, start if successor.warm else None)

    def record(self, iteration: int, state: Any) -> Progress:
        """Append to the history, and keep the state if it claims to be the best so far."""
        progress = Progress(
            iteration=iteration,
            residual=float(state.residual),
            objective=float(self.problem.objective(state.gamma)),
            elapsed=perf_counter() - self.began,
        )
        self.history.append(progress)
        self.current = self.method.kept(state)
        if _is_finite(state) and progress.residual < self.best_residual:
            if is_fall(progress.residual, self.landmark):
                self.landmark, self.last_fall = progress.residual, iteration
            self.runner_up = (self.best, self.best_residual)
            self.best, self.best_residual = self.current, progress.residual
        else:
            self.best = self._stored(self.best)
        return progress

    def _stored(self, kept: Any) -> Any:
        """Return the point of which `kept` is left, in as little memory as it takes."""
        if isinstance(kept, _GivenPoint | _StoredPoint):
            return kept
        return _StoredPoint(kept.gamma, lower_triangle(self.multiplier(kept)))

    def multiplier(self, kept: Any) -> Array:
        """Return X at a state of which `kept` is left."""
        if isinstance(kept, _GivenPoint):
            if kept.multiplier is None:
                return np.zeros((self.problem.rank, self.problem.rank))
            return kept.multiplier
        if isinstance(kept, _StoredPoint):
            return from_lower_triangle(kept.triangle, self.problem.rank)
        return self.method.multiplier(self.problem, kept)

    def check(self, kept: Any) -> OptimalityReport:
        """Recompute the optimality conditions there; remember the truly best point."""
        began = perf_counter()
        report = check_optimality(self.problem, kept.gamma, self.multiplier(kept))
        known = math.nan if self.checked is None else float(self.checked[1].residual)
        if math.isnan(known) or float(report.residual) < known:
            self.checked = (kept, report)
        self.check_seconds += perf_counter() - began
        return report

    def is_solved(self, state: Any) -> bool:
        """Return whether the method is done and right; refuted too often, it is held to less.

        `state` is the current one.
        """
        # Only a refuted claim needs it, and it holds several matrices.
        runner_up, self.runner_up = self.runner_up, (None, math.inf)
        if not bool(self.method.done(state, self.method_tol)):
            return False
        report = self.check(self.current)
        if float(report.residual) <= self.tol:
            return True
        if self.current is self.best:
            self.best, self.best_residual = runner_up
        self.refusals += 1
        self.method_tol = float(tightened(self.method_tol, self.tol, self.refusals))
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
    reported only if the independently recomputed residual is finite and at most `tol`. A start
    that already is within `tol` is returned as it is. Where a method can go no further, its
    successor goes on from the best point.
    """
    run = _Run(problem, method, tol, tol, perf_counter(), best=_given_point(problem, start))
    iteration = 0
    quiet = np.errstate(over="ignore", invalid="ignore", divide="ignore")
    with quiet, scipy_on_one_thread(problem.n_fill):
        try:
            if start is not None and float(run.check(run.best).residual) <= tol:
                return _solution(run, method.name, Status.CONVERGED, iteration)
            state = method.init(problem, start if method.warm else None)
            run.init_seconds = perf_counter() - run.began - run.check_seconds
            while True:
                progress = run.record(iteration, state)
                asked_to_stop = callback is not None and callback(progress) is True
                if _is_finite(state) and run.is_solved(state):
                    status = Status.CONVERGED
                    break
                code = stopping_code(
                    failure=state.failure,
                    finite=_is_finite(state),
                    iteration=iteration,
                    max_iter=max_iter,
                    since_fall=iteration - run.last_fall,
                    patience=run.method.patience,
                    asked_to_stop=asked_to_stop,
                    out_of_time=progress.elapsed >= time_limit,
                )
                if code == RUNNING:
                    state = run.method.step(problem, state, run.method_tol)
                    iteration += 1
                    continue
                status = Status.from_code(code)
                successor = run.method.successor
                hopeless = status not in _LEFT_TO_A_SUCCESSOR or run.best_residual == math.inf
                if successor is None or hopeless:
                    break
                iteration += 1
                state = run.hand_over(successor, iteration)
        except KeyboardInterrupt:
            status = Status.INTERRUPTED
        except np.linalg.LinAlgError:
            status = Status.EIGENDECOMPOSITION_FAILED
        try:
            return _solution(run, method.name, status, iteration)
        except KeyboardInterrupt:  # a late one; a second one is meant to leave
            return _solution(run, method.name, Status.INTERRUPTED, iteration)


def _given_point(problem: Problem, start: StartingPoint | None) -> _GivenPoint:
    if start is None:
        return _GivenPoint(np.zeros(problem.n_fill), None)
    return _GivenPoint(start.gamma, start.multiplier)


def _is_finite(state: Any) -> bool:
    return math.isfinite(state.residual) and bool(np.isfinite(state.gamma).all())


def _solution(run: _Run, method: str, status: Status, iterations: int) -> Solution:
    step_seconds = perf_counter() - run.began - run.init_seconds - run.check_seconds
    problem = run.problem
    if run.checked is None or run.checked[0] is not run.best:
        run.check(run.best)
    assert run.checked is not None
    best, report = run.checked
    given_up = (Status.CALLBACK_STOPPED, Status.INTERRUPTED)
    if float(report.residual) <= run.tol and status not in given_up:
        status = Status.CONVERGED
    return Solution(
        status=status,
        gamma=best.gamma,
        multiplier=run.multiplier(best),
        objective=float(accurate_objective(problem, best.gamma)),
        cost=float(accurate_cost(problem, best.gamma)),
        optimality=report,
        iterations=iterations,
        method=method,
        seconds=perf_counter() - run.began,
        timings={"init": run.init_seconds, "steps": step_seconds, "check": run.check_seconds},
        history=tuple(run.history),
    )
