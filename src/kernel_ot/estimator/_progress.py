"""What the estimator's callback sees: a solver's progress, and the phase it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Literal, TypeAlias

from kernel_ot.selection import Score
from kernel_ot.solvers import Progress

Phase: TypeAlias = Literal["selection", "filling", "solve"]
Callback: TypeAlias = Callable[["FitProgress"], Any]


@dataclass(frozen=True)
class FitProgress(Progress):
    """One step of a fit.

    Attributes
    ----------
    phase : {"selection", "filling", "solve"}
        "selection": a setting was compared; `iteration` counts them from 0, `residual` is the
        violation that its fit left, `objective` is minus its held-out semi-dual value.
        "filling": a round of adaptive filling; `residual` is the largest violation relative to the
        mean cost of a pair, `objective` is minus mean u + mean v. "solve": a step of the solver.
    """

    phase: Phase = "solve"


class Watch:
    """Tells the user's callback how a fit goes, and remembers whether it asked to stop.

    A stop during selection holds for the fit that follows: it ends after its first round.
    """

    def __init__(self, callback: Callback | None, time_limit: float | None = None) -> None:
        self.callback = callback
        self.time_limit = time_limit
        self.stopped = False
        self._n_scores = 0
        self._began = perf_counter()

    def on_score(self, score: Score) -> bool:
        """Report a setting that was compared."""
        seconds = perf_counter() - self._began
        record = Progress(self._n_scores, score.violation, -score.semi_dual, seconds)
        self._n_scores += 1
        return self.tell(record, "selection")

    def tell(self, record: Progress, phase: Phase) -> bool:
        """Report a step and return whether the user has asked to stop."""
        if self.callback is not None:
            told = FitProgress(
                record.iteration, record.residual, record.objective, record.elapsed, phase
            )
            self.stopped = self.callback(told) is True or self.stopped
        return self.stopped
