"""What the estimator's callback sees: a solver's progress, and the phase it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from kernel_ot.cutting_planes import FillingRound
from kernel_ot.selection import Score
from kernel_ot.solvers import Progress

if TYPE_CHECKING:
    from tqdm.auto import tqdm

Phase: TypeAlias = Literal["selection", "filling", "solve", "embedding", "certificate"]
Callback: TypeAlias = Callable[["FitProgress"], object]
_DOING: dict[Phase, str] = {
    "selection": "compare setting",
    "filling": "filling round",
    "solve": "solver step",
    "embedding": "embedding",
    "certificate": "certificate",
}

# Which stretch of a bar a phase has; fits of few points have no passes and leave those out.
_STRETCHES: dict[Phase, tuple[float, float]] = {
    "selection": (0.0, 0.5),
    "embedding": (0.5, 0.6),
    "filling": (0.6, 0.85),
    "solve": (0.85, 0.9),
    "certificate": (0.9, 1.0),
}
_TYPICAL_SETTINGS = 6
BAR_FORMAT = "{desc}: {percentage:3.0f}%|{bar:30}| {elapsed}<{remaining}{postfix}"

# Of a time limit the comparison of settings has this part; the fit needs time to be complete.
_SHARE_OF_SELECTION = 0.6
# How much later than the limit a fit may end, in seconds and as a part of it.
_GRACE_SECONDS, _GRACE_SHARE = 1.0, 0.05
_SECONDS_BETWEEN_REPORTS = 0.5


@dataclass(frozen=True)
class FitProgress(Progress):
    """One step of a fit.

    Attributes
    ----------
    phase : {"selection", "filling", "solve", "embedding", "certificate"}
        "selection": a setting was compared; `iteration` counts them from 0, `residual` is the
        violation that its fit left, `objective` is minus its held-out semi-dual value. One that
        takes long is reported between its rounds too, with the values of the round.
        "filling": a round of adaptive filling; `residual` is the largest violation relative to the
        mean cost of a pair, `objective` is minus mean u + mean v. "solve": a step of the solver.
        "embedding", "certificate": passes over many points; `iteration` is what is done in percent.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import KernelOT
    >>> from kernel_ot.kernels import Gaussian
    >>> x, seen = np.linspace(0, 1, 20)[:, None], []
    >>> watched = KernelOT(Gaussian(2.0), reg_potential=1e-2, callback=seen.append)
    >>> _ = watched.fit(x, x + 3)
    >>> seen[0].phase
    'filling'
    """

    phase: Phase = "solve"


class FitShare:
    """Estimates how much of a whole fit is done, from 0 to 1; never less than before.

    How many settings and rounds there will be is not known before the last: each setting takes
    a part of what is left, and rounds count the digits of the residual.
    """

    def __init__(self, tol: float) -> None:
        self.done = 0.0
        self._tol = tol
        self._first: dict[Phase, float] = {}

    def of(self, record: FitProgress) -> float:
        """Return the share once a step is over."""
        begin, end = _STRETCHES[record.phase]
        if record.phase == "selection":
            part = (record.iteration + 1) / (record.iteration + 1 + _TYPICAL_SETTINGS)
        elif record.phase in ("embedding", "certificate"):
            part = record.iteration / 100
        else:
            first = self._first.setdefault(record.phase, record.residual)
            digits = np.log(max(first, self._tol) / self._tol)
            left = np.log(max(record.residual, self._tol) / self._tol)
            part = 1 - left / digits if digits > 0 else 1.0
        self.done = max(self.done, begin + (end - begin) * float(np.clip(part, 0, 1)))
        return self.done


class Narrator:
    """Shows how a fit goes, as `verbose` asks, and passes it on to the user's callback."""

    def __init__(self, verbose: int, callback: Callback | None, tol: float) -> None:
        self.verbose = verbose
        self.callback = callback
        self._share = FitShare(tol)
        self._bar: tqdm | None = None
        self._began = perf_counter()

    def tell(self, record: FitProgress) -> object:
        """Draw or print a step, and return what the callback says."""
        doing = f"{_DOING[record.phase]} {record.iteration + 1}"
        if self.verbose == 1:
            self._draw(self._share.of(record), doing)
        elif self.verbose:
            print(
                f"[KernelOT] {doing}, residual {record.residual:.1e}, "
                f"{perf_counter() - self._began:.1f} s"
            )
        return None if self.callback is None else self.callback(record)

    def end(self, status: str, cost: float) -> None:
        """Say how the fit ended."""
        if self.verbose == 1:
            self._draw(1.0, f"{status}, cost {cost:.6g}")
            self.close()
        elif self.verbose:
            print(f"[KernelOT] {status}, cost {cost:.6g}, {perf_counter() - self._began:.1f} s")

    def close(self) -> None:
        """Leave the bar as it is, also after an interruption."""
        if self._bar is not None:
            self._bar.close()

    def _draw(self, share: float, doing: str) -> None:
        if self._bar is None:
            from tqdm.auto import tqdm  # loaded where it is drawn, which most fits are not

            self._bar = tqdm(total=100, desc="fit", bar_format=BAR_FORMAT)
        self._bar.set_postfix_str(doing, refresh=False)
        self._bar.update(round(100 * share) - self._bar.n)
        self._bar.refresh()


class Watch:
    """Tells the user's callback how a fit goes, and remembers whether it asked to stop.

    A stop during selection holds for the fit that follows: it ends after its first round. Of a
    time limit selection takes a part only.
    """

    def __init__(self, callback: Callback | None, time_limit: float | None = None) -> None:
        self.callback = callback
        self.time_limit = time_limit
        self.stopped = False
        self._n_scores = 0
        self._last: tuple[Progress, Phase] = Progress(0, 1.0, 0.0, 0.0), "selection"
        self._began = self._told = perf_counter()
        limit = np.inf if time_limit is None else time_limit
        self._selection_ends = self._began + _SHARE_OF_SELECTION * limit
        self._ends = self._began + limit
        self._grace = max(_GRACE_SECONDS, _GRACE_SHARE * limit)

    @property
    def selection_is_over(self) -> Callable[[object], bool]:
        """Whether selection has had its time; can be pickled, and called in another process."""
        return partial(_is_past, self._selection_ends)

    def seconds_left(self) -> float | None:
        """Return what is left of the time limit, a little at least."""
        return None if self.time_limit is None else max(self._ends - perf_counter(), 1e-3)

    def is_late(self, expected: float = 0.0) -> bool:
        """Return whether the time is over, or would be by far after `expected` seconds more."""
        return perf_counter() + max(0.0, expected - self._grace) >= self._ends

    def on_score(self, score: Score) -> bool:
        """Report a setting that was compared; return whether selection is to end."""
        self._report(score.violation or 0.0, -score.semi_dual)
        self._n_scores += 1
        return self.stopped or self.selection_is_over(score)

    def on_selection_round(self, step: FillingRound) -> bool:
        """Report a setting that takes long; return whether selection is to end."""
        if perf_counter() - self._told > _SECONDS_BETWEEN_REPORTS:
            self._report(step.violation, -step.dual)
        return self.stopped or self.selection_is_over(step)

    def _report(self, violation: float, objective: float) -> None:
        seconds = perf_counter() - self._began
        self.tell(Progress(self._n_scores, violation, objective, seconds), "selection")

    def repeat(self) -> None:
        """Report the last step again where nothing new is to be told for long."""
        if perf_counter() - self._told > _SECONDS_BETWEEN_REPORTS:
            record, phase = self._last
            seconds = perf_counter() - self._began
            self.tell(replace(record, elapsed=seconds), phase)

    def tell(self, record: Progress, phase: Phase) -> bool:
        """Report a step and return whether the user has asked to stop."""
        self._told, self._last = perf_counter(), (record, phase)
        if self.callback is not None:
            told = FitProgress(
                record.iteration, record.residual, record.objective, record.elapsed, phase
            )
            self.stopped = self.callback(told) is True or self.stopped
        return self.stopped


def _is_past(end: float, step: object) -> bool:
    return perf_counter() >= end
