"""Medians, units and outcomes from rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from math import isnan, nan
from statistics import median
from typing import TypeVar

from benchmarks.solvers._measuring import in_eigh
from benchmarks.solvers._problems import Case
from benchmarks.solvers._records import SKIPPED, Row

# A point counts as a solution if its objective and its feasibility are within this, relatively:
# loose enough for a first-order peer, and recomputed for everybody.
ACCURACY = 1e-6

G = TypeVar("G", bound=Hashable)


def grouped(rows: Iterable[Row], by: Callable[[Row], G]) -> dict[G, list[Row]]:
    """Return rows by group, groups in the order of their first row."""
    groups: dict[G, list[Row]] = defaultdict(list)
    for row in rows:
        groups[by(row)].append(row)
    return dict(groups)


def units(rows: Iterable[Row]) -> dict[int, float]:
    """Return the seconds of one eigendecomposition by l: the median of all that were timed."""
    by_size = grouped(rows, lambda row: row.l)
    return {size: _median(row.eigh_seconds for row in own) for size, own in by_size.items()}


def best_objectives(rows: Iterable[Row]) -> dict[tuple[Case, str], float]:
    """Return, by problem, the objective of the point with the smallest KKT residual."""
    known = [row for row in rows if row.residual <= ACCURACY]
    best: dict[tuple[Case, str], float] = {}
    for problem, group in grouped(known, problem_of).items():
        best[problem] = min(group, key=lambda row: row.residual).objective
    return best


def problem_of(row: Row) -> tuple[Case, str]:
    """Return what identifies the problem that a row solved."""
    return row.case, row.variant


def gap(row: Row, best: dict[tuple[Case, str], float]) -> float:
    """Return `|objective - best| / (1 + |best|)`; NaN where either is unknown."""
    known = best.get(problem_of(row), nan)
    return abs(row.objective - known) / (1 + abs(known))


def is_solved(row: Row, best: dict[tuple[Case, str], float]) -> bool:
    """Return whether the objective is right and the constraint holds, both to `ACCURACY`."""
    return gap(row, best) <= ACCURACY and row.violation <= ACCURACY


@dataclass(frozen=True)
class Cell:
    """One contender on all problems of one size.

    Attributes
    ----------
    seconds, eigh : float
        Median over the problems that it solved, of its median over repetitions; where it solved
        none, over all that it ended by itself.
    solved, problems : int
        How many it solved, of how many it was run on.
    worst_gap, worst_residual, worst_violation : float
        Over all problems; NaN where nothing came back.
    cut_off, skipped : bool
        Whether the time budget ended it on some problem, or ruled it out here.
    """

    seconds: float
    eigh: float
    solved: int
    problems: int
    worst_gap: float
    worst_residual: float
    worst_violation: float
    cut_off: bool
    skipped: bool


def summarise(rows: Iterable[Row], best: dict[tuple[Case, str], float], eigh: float) -> Cell:
    """Summarise the rows of one contender at one size; `eigh` is the unit in seconds."""
    rows = list(rows)
    tried = [row for row in rows if row.status != SKIPPED]
    problems = grouped(tried, problem_of)
    solved = {p: group for p, group in problems.items() if all(is_solved(r, best) for r in group)}
    ended = {p: g for p, g in problems.items() if not any(row.was_cut_off for row in g)}
    times = [
        _median(row.seconds for row in group) for group in (solved or ended or problems).values()
    ]
    seconds = _median(times)
    return Cell(
        seconds=seconds,
        eigh=in_eigh(seconds, eigh),
        solved=len(solved),
        problems=len(problems),
        worst_gap=_worst(gap(row, best) for row in tried),
        worst_residual=_worst(row.residual for row in tried),
        worst_violation=_worst(row.violation for row in tried),
        cut_off=any(row.was_cut_off for row in tried),
        skipped=len(tried) < len(rows) and not tried,
    )


def _median(values: Iterable[float]) -> float:
    known = [value for value in values if not isnan(value)]
    return median(known) if known else nan


def _worst(values: Iterable[float]) -> float:
    return max((value for value in values if not isnan(value)), default=nan)


def merged(cells: Iterable[Cell]) -> Cell:
    """Return the outcomes of several sizes as one; its times say nothing."""
    cells = list(cells)
    return Cell(
        seconds=nan,
        eigh=nan,
        solved=sum(cell.solved for cell in cells),
        problems=sum(cell.problems for cell in cells),
        worst_gap=_worst(cell.worst_gap for cell in cells),
        worst_residual=_worst(cell.worst_residual for cell in cells),
        worst_violation=_worst(cell.worst_violation for cell in cells),
        cut_off=any(cell.cut_off for cell in cells),
        skipped=any(cell.skipped for cell in cells),
    )
