"""Dated tables of measurements, as `benchmarks/results/README.md` describes them."""

from __future__ import annotations

import csv
import platform
import sys
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from io import StringIO
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike


def mean_and_error(values: ArrayLike) -> tuple[float, float]:
    """Return the mean and its standard error, which is NaN for a single value."""
    found = np.asarray(values)
    if len(found) < 2:
        return float(found.mean()), np.nan
    return float(found.mean()), float(np.std(found, ddof=1) / np.sqrt(len(found)))


def write_table(
    path: Path, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], libraries: str
) -> None:
    """Write rows below a head that says when, where, with what versions and how."""
    table = StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    versions = ", ".join(f"{name} {version(name)}" for name in libraries.split())
    script = Path(sys.argv[0])
    module = script.parent.name if script.stem == "__main__" else script.stem
    head = (
        title,
        f"date: {date.today().isoformat()}",
        f"machine: {platform.machine()}, two cores shared with other programs, one BLAS thread",
        f"versions: Python {platform.python_version()}, {versions}",
        f"command: python -m benchmarks.{module} {' '.join(sys.argv[1:])}",
    )
    path.write_text("".join(f"# {line}\n" for line in head) + table.getvalue(), encoding="utf-8")
