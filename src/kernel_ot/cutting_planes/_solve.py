"""The main road to an ordinary `Solution`: filling by cutting planes, then the check of any method.

At the contact points the sum of squares vanishes, so that the multipliers of the contact programme
solve the semidefinite problem on these points with X = 0; `check_optimality` judges them as it
judges every method's answer, and any method can start from them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import TypeAlias

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot.cutting_planes._rounds import (
    AdaptiveFit,
    FillingRound,
    adaptive_filling,
    started_at,
)
from kernel_ot.cutting_planes._settings import Settings, make_problem
from kernel_ot.problem import (
    Problem,
    accurate_cost,
    accurate_objective,
    check_optimality,
    stationary_at_contact,
)
from kernel_ot.samples import Samples
from kernel_ot.solvers import Progress, Records, Solution, Status

StopRule: TypeAlias = Callable[[FillingRound, Progress], Status | None]
"""Called after each round; a status ends the filling with it."""


@dataclass(frozen=True, eq=False)
class FilledProblem:
    """The problem on the filling points that cutting planes have left.

    Attributes
    ----------
    problem : Problem
    fit : AdaptiveFit
        Its contact points and multipliers, and the rounds.
    stopped : Status, optional
        Why filling ended before it was complete or out of rounds.
    history : tuple of Progress
        One record a round; the residual is the round's violation, the objective minus its dual.
    seconds : float
        What filling took.
    """

    problem: Problem
    fit: AdaptiveFit
    stopped: Status | None
    history: tuple[Progress, ...]
    seconds: float

    def solution(self, tol: float) -> Solution:
        """Return the contact programme's multipliers with what a check of them says.

        Parameters
        ----------
        tol : float
            The solution counts as converged if its residual is no larger and filling was not
            stopped.

        Returns
        -------
        Solution
            With X = 0; `history` ends with the check.
        """
        began = perf_counter()
        problem = self.problem
        gamma = stationary_at_contact(problem, self.fit.points.gamma)
        zero = np.zeros((problem.rank, problem.rank))
        report = check_optimality(problem, gamma, zero)
        residual = float(report.residual)
        objective = float(accurate_objective(problem, gamma))
        checking = perf_counter() - began
        total = self.seconds + checking
        reached = Status.CONVERGED if residual <= tol else Status.NO_PROGRESS
        return Solution(
            code=(self.stopped or reached).code,
            gamma=gamma,
            multiplier=zero,
            objective=objective,
            cost=float(accurate_cost(problem, gamma)),
            optimality=report,
            iterations=len(self.fit.rounds),
            method="cutting_planes",
            seconds=total,
            timings={"init": 0.0, "steps": self.seconds, "check": checking},
            records=Records.of(
                [*self.history, Progress(len(self.history), residual, objective, total)]
            ),
        )


def fill_by_cutting_planes(
    samples: Samples,
    settings: Settings,
    *,
    violation_tol: float,
    max_fill: int,
    max_rounds: int,
    stop: StopRule,
    contacts: tuple[Array, Array] | None = None,
) -> FilledProblem:
    """Choose filling points by cutting planes and pose the problem on them.

    Parameters
    ----------
    samples : Samples
        In the coordinates of the fit.
    settings : Settings
    violation_tol, max_fill, max_rounds
        As in `adaptive_filling`.
    stop : callable
        Takes each round and its record, returns a status to end with or None.
    contacts : pair of ndarray of shape (l, d), optional
        Pairs to start from, such as the contact points of a fit of a part of the samples.
    """
    began = perf_counter()
    kernel, reg_potential = settings.kernel, settings.reg_potential
    start: AdaptiveFit | None = None
    # Room is left for what they do not hold yet.
    if contacts is not None and 0 < len(contacts[0]) <= max_fill // 2:
        start = started_at(samples, kernel, reg_potential, *contacts)
    history: list[Progress] = []
    stopped: Status | None = None

    def on_round(step: FillingRound) -> bool:
        nonlocal stopped
        record = Progress(len(history), step.violation, -step.dual, perf_counter() - began)
        history.append(record)
        stopped = stop(step, record)
        return stopped is not None

    fit = adaptive_filling(
        samples,
        kernel,
        reg_potential,
        start=start,
        tol=violation_tol,
        max_fill=max_fill,
        max_rounds=max_rounds,
        on_round=on_round,
    )
    seconds = perf_counter() - began
    problem = make_problem(samples, fit.points.x, fit.points.y, settings)
    return FilledProblem(problem, fit, stopped, tuple(history), seconds)
