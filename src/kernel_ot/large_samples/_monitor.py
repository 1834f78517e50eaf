"""What a fit of many points tells whoever watches it, and asks."""

from __future__ import annotations

from time import perf_counter
from typing import Protocol

from kernel_ot.cutting_planes import FillingRound
from kernel_ot.samples import OutOfTime
from kernel_ot.selection import Score


class Monitor(Protocol):
    """Hears of every step, and says whether to stop."""

    def on_score(self, score: Score) -> None:
        """Take note of a setting that was compared."""
        ...

    def on_round(self, step: FillingRound) -> None:
        """Take note of a round."""
        ...

    def on_pass(self, what: str, done: float) -> None:
        """Take note of how much of a pass over all points is done, from 0 to 1."""
        ...

    def stop(self) -> bool:
        """Return whether to end with the best so far: the time is over, or somebody asked to."""
        ...

    def seconds_left(self) -> float:
        """Return how long a fit may still take; infinite without a limit."""
        ...

    def ask(self) -> None:
        """Raise OutOfTime once the time is over; asked while nothing is to be told."""
        ...


class Reserving:
    """Says stop while there is time left for what comes after."""

    def __init__(self, monitor: Monitor, seconds: float) -> None:
        self._monitor = monitor
        self._reserved = seconds
        self.on_score, self.on_round = monitor.on_score, monitor.on_round
        self.on_pass = monitor.on_pass

    def stop(self) -> bool:
        """Return whether to end now, so that the rest is in time."""
        return self._monitor.stop() or self.seconds_left() <= 0

    def seconds_left(self) -> float:
        """Return how long may be spent before the rest."""
        return self._monitor.seconds_left() - self._reserved

    def ask(self) -> None:
        """Raise OutOfTime once it is time for the rest."""
        self._monitor.ask()
        if self.seconds_left() <= 0:
            raise OutOfTime


class Deadline:
    """Nobody listens, but the time ends: for a part of a fit that runs on a worker.

    The clock starts when the worker has it.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._began = seconds, perf_counter()

    def __setstate__(self, state: dict[str, float]) -> None:
        self.__dict__ = state | {"_began": perf_counter()}

    def stop(self) -> bool:
        """Return whether the time is over."""
        return self.seconds_left() <= 0

    def seconds_left(self) -> float:
        """Return how long is left; infinite without a limit."""
        return self._seconds - (perf_counter() - self._began)

    def ask(self) -> None:
        """Raise OutOfTime once the time is over."""
        if self.stop():
            raise OutOfTime

    def on_score(self, score: Score) -> None:
        """Do nothing."""

    def on_round(self, step: FillingRound) -> None:
        """Do nothing."""

    def on_pass(self, what: str, done: float) -> None:
        """Do nothing."""
