"""What every contender returns, and what is checked of it from the problem alone."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Any, Protocol

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot.problem import Problem, check_optimality

# (gamma, multiplier or None), or a `Solution`.
Start = Any


@dataclass(frozen=True)
class Outcome:
    """How one run ended; `gamma` is None where nothing came back.

    `history` holds (seconds, the contender's own residual).
    """

    status: str
    seconds: float
    gamma: Array | None = None
    multiplier: Array | None = None
    iterations: int = -1
    own_residual: float = nan
    history: tuple[tuple[float, float], ...] = ()
    note: str = ""


class Contender(Protocol):
    """A way to solve a problem."""

    @property
    def name(self) -> str:
        """As in the tables."""

    @property
    def is_ours(self) -> bool:
        """Whether it runs in this process, can be warm-started and have its memory measured."""

    def unavailable(self) -> str | None:
        """Return why it cannot run here, or None."""

    def run(self, problem: Problem, budget: float, start: Start = None) -> Outcome:
        """Solve `problem` in at most about `budget` seconds."""


@dataclass(frozen=True)
class Verdict:
    """Errors of a point, recomputed; NaN where there is nothing to compute them of."""

    objective: float = nan
    residual: float = nan
    violation: float = nan
    min_eigenvalue: float = nan


def judge(problem: Problem, outcome: Outcome) -> Verdict:
    """Recompute what is true of the point that came back.

    The KKT residual needs a multiplier; objective and violation only need gamma.
    """
    gamma, multiplier = outcome.gamma, outcome.multiplier
    if gamma is None or gamma.shape != (problem.n_fill,) or not np.isfinite(gamma).all():
        return Verdict()
    if multiplier is not None and not np.isfinite(multiplier).all():
        multiplier = None
    stand_in = np.zeros((problem.rank, problem.rank))
    report = check_optimality(problem, gamma, stand_in if multiplier is None else multiplier)
    return Verdict(
        objective=float(problem.objective(gamma)),
        residual=nan if multiplier is None else float(report.residual),
        violation=float(report.constraint_violation),
        min_eigenvalue=float(report.min_eigenvalue),
    )
