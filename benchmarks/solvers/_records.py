"""One row a measurement, appended to a CSV as it is made, so that an interrupted run goes on."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import asdict, astuple, dataclass, fields
from math import nan
from pathlib import Path
from typing import Any

from benchmarks.solvers._problems import Case

History = list[tuple[float, float]]


@dataclass(frozen=True)
class Key:
    """What was measured: one contender on one problem, once."""

    section: str
    family: str
    d: int
    l: int  # noqa: E741
    seed: int
    rank_tol: float
    variant: str
    start: str
    contender: str
    repetition: int

    @property
    def case(self) -> Case:
        """The problem, up to its variant."""
        return Case(self.family, self.d, self.l, self.seed, self.rank_tol)


@dataclass(frozen=True)
class Row(Key):
    """What came out. NaN, or -1 for `iterations`, where a contender does not say.

    Attributes
    ----------
    status : str
        The contender's own word, `CUT_OFF` and `SKIPPED` aside.
    seconds, eigh_seconds : float
        The solve, and one `numpy.linalg.eigh` of an l x l matrix timed right before it.
    residual : float
        Relative KKT residual, recomputed from the problem; needs a multiplier.
    violation, min_eigenvalue : float
        How far M(gamma) is from positive semidefinite, relatively, and its smallest eigenvalue.
    own_residual : float
        What the contender itself measures at its end.
    peak_matrices, peak_resident : float
        Peak memory beyond the input in l x l matrices: as allocated by Python and NumPy, and as
        the operating system sees it.
    """

    rank: int = -1
    truncation_error: float = nan
    status: str = ""
    seconds: float = nan
    eigh_seconds: float = nan
    iterations: int = -1
    objective: float = nan
    residual: float = nan
    violation: float = nan
    min_eigenvalue: float = nan
    own_residual: float = nan
    peak_matrices: float = nan
    peak_resident: float = nan
    note: str = ""

    @property
    def key(self) -> Key:
        """What was measured."""
        return Key(**{f.name: getattr(self, f.name) for f in fields(Key)})

    @property
    def was_cut_off(self) -> bool:
        """Whether the time budget ended it."""
        return self.status in (CUT_OFF, "TIME_LIMIT", SKIPPED)


# Ended from outside at the end of its budget; left out since it was cut off at a smaller size.
CUT_OFF, SKIPPED = "CUT_OFF", "SKIPPED"


class Records:
    """The results of a folder, in memory and on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.table, self.curves = folder / "results.csv", folder / "histories.jsonl"
        self.rows = _read_rows(self.table)
        self._known = {row.key: row for row in self.rows}
        self.histories: dict[Key, History] = _read_histories(self.curves)

    def find(self, key: Key) -> Row | None:
        """Return the measurement if it was already made."""
        return self._known.get(key)

    def add(self, row: Row, history: History | None = None) -> None:
        """Keep a measurement, on disk as well."""
        names = [f.name for f in fields(Row)]
        is_new = not self.table.exists()
        with self.table.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if is_new:
                writer.writerow(names)
            writer.writerow(astuple(row))
        self.rows.append(row)
        self._known[row.key] = row
        if history:
            self.histories[row.key] = history
            with self.curves.open("a", encoding="utf-8") as file:
                line = {"key": asdict(row.key), "history": history}
                file.write(json.dumps(line) + "\n")


def _read_rows(path: Path) -> list[Row]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [_row(entries) for entries in csv.DictReader(file) if _is_complete(entries.values())]


def _is_complete(values: Iterable[Any]) -> bool:
    # The last line of a run that was killed may be cut short.
    return all(value is not None for value in values)


def _row(entries: dict[str, str]) -> Row:
    kinds: dict[str, type] = {"int": int, "float": float, "str": str}
    return Row(**{f.name: kinds[str(f.type)](entries[f.name]) for f in fields(Row)})


def _read_histories(path: Path) -> dict[Key, History]:
    histories: dict[Key, History] = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:  # cut short by a kill
                continue
            histories[Key(**entry["key"])] = [(t, r) for t, r in entry["history"]]
    return histories
