"""Sections on trained victims: tables of accuracies, curves, the original's Table 1."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from poisoning_study.protocol import Experiment
from poisoning_study.report._figures import accuracy_curves, epoch_curves
from poisoning_study.report._html import CellText, picture, table
from poisoning_study.report._numbers import Cell, Mean, Results, mean_of
from poisoning_study.report._original import FRACTIONS, TABLE_1

#: How to read every accuracy of the page.
READING = (
    "Accuracies: mean final test accuracy ± 95% interval over seeds (Student's t; data, mixing and "
    "weights all change with the seed); in brackets the mean peak over epochs. Red: below the "
    "clean set with an interval of the paired difference that excludes 0."
)


def shown(mean: Mean) -> str:
    """Return a mean as text: three digits, interval where there is one."""
    if mean.half_width is None:
        return f"{mean.value:.3f} (one seed)"
    return f"{mean.value:.3f} ± {mean.half_width:.3f}"


def _cell_text(results: Results, cell: Cell) -> CellText:
    final, peak = results.values(cell, "final"), results.values(cell, "peak")
    if not final:
        return "not run"
    content = f"{shown(mean_of(list(final.values())))} [{mean_of(list(peak.values())).value:.3f}]"
    change = results.change(cell) if cell[1] else None
    hurt = change is not None and change.excludes_zero and change.value < 0
    return (content, "hurt") if hurt else content


def _rows(name: str, experiment: Experiment) -> Iterator[tuple[str, str, str]]:
    for victim in experiment.victims:
        for defence in experiment.defences:
            for poison in experiment.poisons:
                yield victim, defence, poison


def table_1(results: Results) -> str:
    """Return the original's table with ours below it."""
    head = ["accuracy at share replaced", *(f"{f:.0%}" for f in FRACTIONS)]
    rows: list[list[CellText]] = []
    css = []
    for victim, surrogates, accuracies in TABLE_1:
        rows.append(
            [f"original: {victim}, {surrogates} surrogates", *(f"{a:.4f}" for a in accuracies)]
        )
        css.append("original")
    for name, experiment in results.study.experiments.items():
        if not experiment.table_1:
            continue
        for victim, defence, poison in _rows(name, experiment):
            cells = [
                (name, poison if fraction else "", victim, defence, fraction)
                for fraction in FRACTIONS
            ]
            rows.append([f"{name}: {poison}, {victim}"])
            rows[-1] += [_cell_text(results, cell) for cell in cells]
            css.append("")
    return table(head, rows, css)


def victims_section(
    results: Results, name: str, experiment: Experiment, figures: Path
) -> list[str]:
    """Return the table and the curves of one experiment."""
    fractions = sorted(set(experiment.fractions) | {0.0})
    rows: list[list[CellText]] = []
    curves: dict[str, dict[float, Mean]] = {}
    epochs: dict[str, list[list[float]]] = {}
    for victim, defence, poison in _rows(name, experiment):
        label = ", ".join([poison, victim] + ([defence] if len(experiment.defences) > 1 else []))
        row: list[CellText] = [label]
        for fraction in fractions:
            if fraction == 0:
                clean = results.clean(victim, defence)
                values = list(clean.values())
                row.append(shown(mean_of(values)) if values else "not run")
            else:
                cell = (name, poison, victim, defence, fraction)
                values = list(results.values(cell, "final").values())
                row.append(_cell_text(results, cell))
                runs = [found["by_epoch"] for found in results.cells.get(cell, {}).values()]
                if runs and fraction == max(fractions):
                    epochs[label] = runs
            if values:
                curves.setdefault(label, {})[fraction] = mean_of(values)
        rows.append(row)
    verb = "left out" if experiment.fate == "remove" else "replaced"
    parts = [table([f"share {verb}", *(f"{f:.0%}" for f in fractions)], rows)]
    chance = 1 / results.study.settings.data.classes
    if any(len(points) > 2 for points in curves.values()):
        caption = f"Final accuracy against the share of every class that is {verb}; 95% intervals."
        figure = accuracy_curves(curves, f"% {verb}", chance)
        parts.append(picture(figure, caption, figures, f"{name}-accuracy"))
    if len(epochs) > 1 and len(epochs) <= 8:
        caption = f"Accuracy by epoch with {max(fractions):.0%} {verb}; thin lines are seeds."
        parts.append(picture(epoch_curves(epochs), caption, figures, f"{name}-epochs"))
    return parts
