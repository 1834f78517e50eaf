"""What the estimator's callback sees: a solver's progress, and the phase it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Literal, TypeAlias

from kernel_ot.selection import Score
from kernel_ot.solvers import Progress

Phase: TypeAlias = Literal["selection", "filling", "solve", "embedding", "certificate"]
Callback: TypeAlias = Callable[["FitProgress"], Any]
_DOING: dict[Phase, str] = {
    "selection": "compare setting",
    "filling": "filling round",
    "solve": "solver step",
    "embedding": "embedding, percent",
    "certificate": "certificate, percent",
}


@dataclass(frozen=True)
class FitProgress(Progress):
    """One step of a fit.

    Attributes
    ----------
    phase : {"selection", "filling", "solve", "embedding", "certificate"}
        "selection": a setting was compared; `iteration` counts them from 0, `residual` is the
        violation that its fit left, `objective` is minus its held-out semi-dual value.
        "filling": a round of adaptive filling; `residual` is the largest violation relative to the
        mean cost of a pair, `objective` is minus mean u + mean v. "solve": a step of the solver.
        "embedding", "certificate": passes over many points; `iteration` is what is done in percent.
    """

    phase: Phase = "solve"


class Narrator:
    """Prints how a fit goes, as `verbose` asks, and passes it on to the user's callback."""

    def __init__(self, verbose: int, callback: Callback | None) -> None:
        self.verbose = verbose
        self.callback = callback
        self._phase = ""
        self._began = perf_counter()

    def tell(self, record: FitProgress) -> Any:
        """Print a step, or that a phase begins, and return what the callback says."""
        if self.verbose > 1 or (self.verbose and record.phase != self._phase):
            print(
                f"[KernelOT] {_DOING[record.phase]}: {record.iteration + 1}, residual "
                f"{record.residual:.1e}, {perf_counter() - self._began:.1f} s"
            )
        self._phase = record.phase
        return None if self.callback is None else self.callback(record)

    def end(self, status: str, cost: float) -> None:
        """Print how the fit ended."""
        if self.verbose:
            print(f"[KernelOT] {status}, cost {cost:.6g}, {perf_counter() - self._began:.1f} s")


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
