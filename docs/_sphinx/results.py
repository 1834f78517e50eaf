"""Dated result files under `benchmarks/results/`, and the figures that pages take from them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from statistics import geometric_mean, median

Row = dict[str, str]
SMOOTH = ("affine", "logcosh", "softmax")
_OTHER_NAMES = {"d": "dimension"}  # of the same column in older and newer files


@dataclass(frozen=True)
class ResultFile:
    """A table of measurements and what its head says of where it came from."""

    path: Path
    head: Row
    rows: list[Row]

    @classmethod
    def read(cls, path: Path) -> ResultFile:
        """Read `# key: value` lines and the table below them."""
        lines = path.read_text(encoding="utf-8").splitlines()
        comments = [line.lstrip("# ") for line in lines if line.startswith("#")]
        pairs = (comment.partition(": ") for comment in comments)
        head = {key: value for key, found, value in pairs if found}
        missing = {"date", "machine", "versions", "command"} - set(head)
        if missing:
            raise ValueError(f"{path} says nothing about its {', '.join(sorted(missing))}.")
        table = csv.DictReader(line for line in lines if not line.startswith("#"))
        rows = [{_OTHER_NAMES.get(key, key): cell for key, cell in row.items()} for row in table]
        return cls(path, head, rows)

    def where(self, **wanted: str) -> list[Row]:
        """Return the rows that have those values."""
        return [row for row in self.rows if all(row[key] == v for key, v in wanted.items())]

    def values(self, column: str) -> list[str]:
        """Return the column's values, each once, in the order of the file."""
        return list(dict.fromkeys(row[column] for row in self.rows))


def newest(results: Path, kind: str) -> ResultFile:
    """Return the newest file of a kind."""
    files = sorted(results.glob(f"????-??-??-{kind}.csv"))
    if not files:
        raise FileNotFoundError(f"{results} has no file DATE-{kind}.csv.")
    return ResultFile.read(files[-1])


def readme_figures(results: Path) -> dict[str, float]:
    """Return the measured figures that the README states.

    "error" is our error of the map as a part of the best entropic map's, on smooth maps of eight
    features and 300 points (geometric mean over the families); "seconds" those of a default fit of
    300 points, the median over families and dimensions.
    """
    accuracy = newest(results, "accuracy")
    mapped = {
        (row["family"], row["method"]): float(row["mean"])
        for row in accuracy.where(quantity="map")
        if row["dimension"] == "8" and row["n"] == "300"
    }
    ratios = [mapped[family, "kernel-ot"] / mapped[family, "entropic (best)"] for family in SMOOTH]
    seconds = [
        float(row["mean"])
        for row in accuracy.where(quantity="seconds")
        if row["method"] == "kernel-ot" and row["n"] == "300"
    ]
    return {"error": geometric_mean(ratios), "seconds": median(seconds)}
