"""How much is run: the two presets and what the command line may change of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Sizes and budgets of a run.

    Attributes
    ----------
    dimensions : tuple of int
        d of the comparison.
    sizes : tuple of (l, seeds)
        Filling points, and how many seeds are run at that size.
    repetitions : int
        At most this many runs of each contender on each problem.
    repeat_seconds : float
        A contender that took longer on a problem in all is not repeated.
    budget : float
        Seconds that a contender may take; where it is cut off, larger sizes are left out.
    truncated_sizes : tuple of int
        l of the problems with K truncated.
    warm_sizes, memory_sizes : tuple of int
        l of the warm starts and of the measurements of memory.
    large_size : int or None
        l of one problem of truncated K at the limit of this machine.
    """

    dimensions: tuple[int, ...]
    sizes: tuple[tuple[int, int], ...]
    repetitions: int
    repeat_seconds: float
    budget: float
    truncated_sizes: tuple[int, ...]
    warm_sizes: tuple[int, ...]
    memory_sizes: tuple[int, ...]
    large_size: int | None = None
    large_budget: float = 600.0
    large_rank_tol: float = 1e-5
    truncation: float = 1e-6


FULL = Settings(
    dimensions=(2, 5, 10),
    sizes=((50, 2), (100, 2), (200, 2), (400, 2), (800, 1)),
    repetitions=3,
    repeat_seconds=10.0,
    budget=20.0,
    truncated_sizes=(400, 800, 1600),
    warm_sizes=(200, 400),
    memory_sizes=(400, 800),
)

QUICK = Settings(
    dimensions=(2, 5),
    sizes=((50, 1), (100, 1), (200, 1)),
    repetitions=2,
    repeat_seconds=1.0,
    budget=4.0,
    truncated_sizes=(200, 400),
    warm_sizes=(100,),
    memory_sizes=(200,),
)
