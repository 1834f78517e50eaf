"""Runs grouped over seeds, means with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from poisoning_study.protocol import Run, RunStore, Study, stages


@dataclass(frozen=True)
class Mean:
    """A mean over seeds and the half-width of its 95% interval (Student's t).

    Parameters
    ----------
    value : float
        Mean.
    half_width : float or None
        None for a single seed, which has no interval.
    n : int
        Number of seeds.
    """

    value: float
    half_width: float | None
    n: int

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval does not contain 0; never so for a single seed."""
        return self.half_width is not None and abs(self.value) > self.half_width


def mean_of(values: list[float]) -> Mean:
    """Return the mean of one value a seed.

    Examples
    --------
    >>> mean_of([0.5, 0.5, 0.5])
    Mean(value=0.5, half_width=0.0, n=3)
    """
    n = len(values)
    centre = float(np.mean(values))
    if n < 2:
        return Mean(centre, None, n)
    error = float(np.std(values, ddof=1)) / np.sqrt(n)
    return Mean(centre, float(stats.t.ppf(0.975, n - 1) * error), n)


#: What identifies a cell of the report: experiment, poison, victim, defence, fraction.
Cell = tuple[str, str, str, str, float]


class Results:
    """The finished runs of a study.

    Parameters
    ----------
    study : Study
        What was asked for.
    store : RunStore
        What is there.
    """

    def __init__(self, study: Study, store: RunStore) -> None:
        self.study = study
        self.store = store
        self.cells: dict[Cell, dict[int, Any]] = {}
        self.n_asked = self.n_found = 0
        for run in study.runs():
            record = store.find(run.job)
            self.n_asked += 1
            if record is None:
                continue
            self.n_found += 1
            self.cells.setdefault(_cell(run), {})[run.seed] = record["result"]
        records = [store.find(job) for _, jobs in stages(study) for job in jobs]
        self.processor_seconds = sum(r["processor_seconds"] for r in records if r is not None)

    def values(self, cell: Cell, key: str) -> dict[int, float]:
        """Return one number a seed."""
        return {seed: float(result[key]) for seed, result in self.cells.get(cell, {}).items()}

    def clean(self, victim: str, defence: str) -> dict[int, float]:
        """Return the final accuracies of `victim` on the clean set, with `defence`."""
        found: dict[int, float] = {}
        for (_, poison, name, used, _), results in self.cells.items():
            if not poison and name == victim and used == defence:
                found.update({seed: float(result["final"]) for seed, result in results.items()})
        return found

    def change(self, cell: Cell) -> Mean | None:
        """Return the mean paired change of the final accuracy against the clean set."""
        clean = self.clean(cell[2], cell[3])
        final = self.values(cell, "final")
        common = sorted(set(clean) & set(final))
        return mean_of([final[seed] - clean[seed] for seed in common]) if common else None


def _cell(run: Run) -> Cell:
    return (run.experiment, run.poison, run.victim, run.defence, run.fraction)
