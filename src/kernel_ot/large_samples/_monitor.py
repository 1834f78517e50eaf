"""What a fit of many points tells whoever watches it, and asks."""

from __future__ import annotations

from typing import Protocol

from kernel_ot.cutting_planes import FillingRound
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


class Unwatched:
    """Nobody listens and nothing stops."""

    def on_score(self, score: Score) -> None:
        """Do nothing."""

    def on_round(self, step: FillingRound) -> None:
        """Do nothing."""

    def on_pass(self, what: str, done: float) -> None:
        """Do nothing."""

    def stop(self) -> bool:
        """Return False."""
        return False

    def seconds_left(self) -> float:
        """Return infinity."""
        return float("inf")
