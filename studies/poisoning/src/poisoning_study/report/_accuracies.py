"""Every accuracy and change of a study as a table for other programs."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from poisoning_study.files import write_atomically
from poisoning_study.report._numbers import Cell, Mean, Results, mean_of

_COLUMNS = (
    "experiment",
    "poison",
    "victim",
    "defence",
    "share",
    "loader",
    "seeds",
    "accuracy",
    "half_width",
    "peak",
    "change",
    "change_half_width",
    "p_holm",
    "p_equal_holm",
    "verdict",
    "accuracy_by_seed",
)


def write_accuracies(results: Results, target: Path) -> None:
    """Write one row for each victim's cell of the report, with the names of the configuration."""
    stream = io.StringIO()
    rows = csv.writer(stream, lineterminator="\n")
    rows.writerow(_COLUMNS)
    rows.writerows(_row(results, cell) for cell in sorted(results.cells) if cell[2])
    write_atomically(target, lambda file: file.write(stream.getvalue().encode()))


def _row(results: Results, cell: Cell) -> list[str]:
    experiment, poison, victim, defence, share = cell
    final, peak = results.values(cell, "final"), results.values(cell, "peak")
    accuracy = mean_of(list(final.values()))
    change = results.change(cell) if poison else None
    return [
        experiment,
        poison or "clean",
        victim,
        defence,
        f"{share:g}",
        results.study.experiments[experiment].loader,
        " ".join(map(str, final)),
        _digits(accuracy.value),
        _digits(accuracy.half_width),
        _digits(mean_of(list(peak.values())).value),
        *_change(change, results.margin),
        " ".join(map(_digits, final.values())),
    ]


def _change(change: Mean | None, margin: float) -> list[str]:
    if change is None:
        return [""] * 5
    numbers = (change.value, change.half_width, change.p_holm, change.p_equal_holm)
    return [*map(_digits, numbers), change.verdict(margin)]


def _digits(number: float | None) -> str:
    """Return four digits; nothing where there is no number."""
    return "" if number is None else f"{number:.4f}"
