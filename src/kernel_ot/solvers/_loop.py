"""The one loop that drives every method."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import NamedTuple

import numpy as np

from kernel_ot._linalg import scipy_on_one_thread
from kernel_ot.problem import (
    OptimalityReport,
    Problem,
    accurate_cost,
    accurate_objective,
    check_optimality,
)
from kernel_ot.solvers._method import AnyMethod, OpeningOf, StartingPoint, State
from kernel_ot.solvers._points import GivenPoint, Point, ReachedPoint
from kernel_ot.solvers._solution import Progress, Records, Solution
from kernel_ot.solvers._status import Status
from kernel_ot.solvers._stopping import RUNNING, is_fall, stopping_code, tightened

# A method that ends so may be followed by another.
_LEFT_TO_A_SUCCESSOR = (Status.NO_PROGRESS, Status.FACTORIZATION_FAILED)

Callback = Callable[[Progress], object]


class _Best(NamedTuple):
    """A point with the residual that its method claims for it."""

    point: Point
    residual: float


@dataclass
class _Run:
    """What the loop remembers beside the method's state.

    `opening` is there until it has arrived. `current` is the latest point. Of the best one, once
    the method has gone on to a worse, half of X is held, since it is symmetric.
    """

    problem: Problem
    method: AnyMethod
    tol: float
    method_tol: float
    began: float
    best: _Best
    opening: OpeningOf[State] | None = None
    current: Point | None = None
    runner_up: _Best | None = None
    checked: tuple[Point, OptimalityReport] | None = None
    refusals: int = 0
    landmark: float = math.inf
    last_fall: int = 0
    history: list[Progress] = field(default_factory=list)
    init_seconds: float = 0.0
    check_seconds: float = 0.0

    def begin(self, start: StartingPoint | None) -> State:
        """Return the first state of the method, or of what opens it."""
        start = start if self.method.warm else None
        opening = self.method.opening
        if opening is not None and start is not None:
            opening = opening if bool(opening.is_needed(self.problem, start)) else None
        self.opening = opening
        first: State = self.stepping.init(self.problem, start)
        return first

    @property
    def stepping(self) -> AnyMethod:
        """The method that takes the steps: the opening until it has arrived."""
        return self.method if self.opening is None else self.opening

    def step(self, state: State) -> State:
        """Return the next state, the method's own where its opening has arrived."""
        if self.opening is not None and bool(self.opening.has_arrived(state)):
            state, self.opening = self.opening.handed_over(self.problem, state), None
        following: State = self.stepping.step(self.problem, state, self.method_tol)
        return following

    def hand_over(self, successor: AnyMethod, iteration: int) -> State:
        """Return the first state of another method, which begins at the best point so far."""
        point, report = self.checked_best()
        self.best = _Best(point.stored(self.problem), float(report.residual))
        self.checked = self.best.point, report
        self.current = self.runner_up = None
        start = StartingPoint(self.best.point.gamma, self.best.point.multiplier(self.problem))
        self.method, self.method_tol, self.refusals = successor, self.tol, 0
        self.landmark, self.last_fall = math.inf, iteration
        return self.begin(start)

    def record(self, iteration: int, state: State) -> Progress:
        """Append to the history, and keep the state if it claims to be the best so far."""
        progress = Progress(
            iteration=iteration,
            residual=float(state.residual),
            objective=float(self.problem.objective(state.gamma)),
            elapsed=perf_counter() - self.began,
        )
        self.history.append(progress)
        self.current = ReachedPoint(self.stepping, self.stepping.kept(state))
        if _is_finite(state) and progress.residual < self.best.residual:
            if is_fall(progress.residual, self.landmark):
                self.landmark, self.last_fall = progress.residual, iteration
            self.runner_up = self.best
            self.best = _Best(self.current, progress.residual)
        else:
            self.best = self.best._replace(point=self.best.point.stored(self.problem))
        return progress

    def check(self, point: Point) -> OptimalityReport:
        """Recompute the optimality conditions there; remember the truly best point."""
        began = perf_counter()
        report = check_optimality(self.problem, point.gamma, point.multiplier(self.problem))
        known = math.nan if self.checked is None else float(self.checked[1].residual)
        if math.isnan(known) or float(report.residual) < known:
            self.checked = (point, report)
        self.check_seconds += perf_counter() - began
        return report

    def checked_best(self) -> tuple[Point, OptimalityReport]:
        """Return the truly best point of those that were checked, the claimed best among them."""
        if self.checked is None or self.checked[0] is not self.best.point:
            self.check(self.best.point)
        assert self.checked is not None
        return self.checked

    def is_solved(self, state: State) -> bool:
        """Return whether the method is done and right; refuted too often, it is held to less.

        `state` is the current one.
        """
        # Only a refuted claim needs it, and it holds several matrices.
        runner_up, self.runner_up = self.runner_up, None
        if self.current is None or not bool(self.stepping.done(state, self.method_tol)):
            return False
        report = self.check(self.current)
        if float(report.residual) <= self.tol:
            return True
        if self.current is self.best.point and runner_up is not None:
            self.best = runner_up
        self.refusals += 1
        self.method_tol = float(tightened(self.method_tol, self.tol, self.refusals))
        return False


def run(
    problem: Problem,
    method: AnyMethod,
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
    given = _Best(GivenPoint(start, problem.n_fill), math.inf)
    run = _Run(problem, method, tol, tol, perf_counter(), best=given)
    iteration = 0
    quiet = np.errstate(over="ignore", invalid="ignore", divide="ignore")
    with quiet, scipy_on_one_thread(problem.n_fill):
        try:
            if start is not None and float(run.check(given.point).residual) <= tol:
                return _solution(run, method.name, Status.CONVERGED, iteration)
            state = run.begin(start)
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
                    state = run.step(state)
                    iteration += 1
                    continue
                status = Status.from_code(code)
                successor = run.method.successor
                hopeless = status not in _LEFT_TO_A_SUCCESSOR or run.best.residual == math.inf
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


def _is_finite(state: State) -> bool:
    return math.isfinite(state.residual) and bool(np.isfinite(state.gamma).all())


def _solution(run: _Run, method: str, status: Status, iterations: int) -> Solution:
    step_seconds = perf_counter() - run.began - run.init_seconds - run.check_seconds
    problem = run.problem
    best, report = run.checked_best()
    given_up = (Status.CALLBACK_STOPPED, Status.INTERRUPTED)
    if float(report.residual) <= run.tol and status not in given_up:
        status = Status.CONVERGED
    return Solution(
        code=status.code,
        gamma=best.gamma,
        multiplier=best.multiplier(problem),
        objective=float(accurate_objective(problem, best.gamma)),
        cost=float(accurate_cost(problem, best.gamma)),
        optimality=report,
        iterations=iterations,
        method=method,
        seconds=perf_counter() - run.began,
        timings={"init": run.init_seconds, "steps": step_seconds, "check": run.check_seconds},
        records=Records.of(run.history),
    )
