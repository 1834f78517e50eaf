"""Sections on trained victims: tables of accuracies, curves, the original's Table 1."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from poisoning_study.protocol import Experiment
from poisoning_study.report._figures import accuracy_curves, epoch_curves
from poisoning_study.report._html import CellText, picture, table
from poisoning_study.report._numbers import Cell, Mean, Results, differences, in_family, mean_of
from poisoning_study.report._original import FRACTIONS, TABLE_1

#: How to read every accuracy of the page.
READING = (
    "Accuracies: mean accuracy on clean test images after the last epoch, ± 95% interval over "
    "seeds (Student's t; data, mixing and weights all change with the seed); in brackets the mean "
    "peak over epochs. Red: below the clean set, by Holm's procedure over the paired differences "
    "of the experiment. Since differences are paired, they can be surer than the accuracies they "
    "are of."
)


def _cell_text(results: Results, cell: Cell) -> CellText:
    if not cell[1]:
        final, peak = results.clean(cell), results.clean(cell, "peak")
    else:
        final, peak = results.values(cell, "final"), results.values(cell, "peak")
    if not final:
        return "not run"
    content = f"{mean_of(list(final.values())).shown()} [{mean_of(list(peak.values())).value:.3f}]"
    change = results.change(cell) if cell[1] else None
    return (
        (content, "hurt")
        if change is not None and change.verdict(results.margin) == "falls"
        else content
    )


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
            loader = "published loader, " if experiment.loader != "sound" else ""
            rows.append([f"{loader}{results.words(poison)}, {results.words(victim)}"])
            rows[-1] += [_cell_text(results, cell) for cell in cells]
            css.append("")
    return table(head, rows, css)


def _what_defences_do(results: Results, name: str, experiment: Experiment) -> list[str]:
    """Return what each defence restores and what it costs, paired with no defence."""
    labels: list[str] = []
    changes: list[Mean | None] = []
    most = max(experiment.fractions)
    for victim, defence, poison in _rows(name, experiment):
        if defence == "none":
            continue
        labels.append(f"{results.words(poison)}, {results.words(victim)}, {defence}")
        for cell in ((name, poison, victim, defence, most), (name, "", victim, defence, 0.0)):
            other = (*cell[:3], "none", cell[4])
            accuracies = results.values if cell[1] else results.clean
            gained = differences(accuracies(cell, "final"), accuracies(other, "final"))
            changes.append(mean_of(list(gained.values())) if gained else None)
    family = iter(in_family([change for change in changes if change is not None], results.margin))
    texts: list[CellText] = []
    for change in changes:
        adjusted = None if change is None else next(family)
        texts.append(
            f"{adjusted.shown('+')} ({adjusted.verdict(results.margin)})" if adjusted else "not run"
        )
    rows: list[list[CellText]] = [
        [label, *texts[2 * index : 2 * index + 2]] for index, label in enumerate(labels)
    ]
    head = ["defended minus undefended", f"{most:.0%} replaced: restored", "clean set: change"]
    return [table(head, rows)]


def victims_section(
    results: Results, name: str, experiment: Experiment, figures: Path
) -> list[str]:
    """Return the table and the curves of one experiment."""
    fractions = sorted(set(experiment.fractions) | {0.0})
    rows: list[list[CellText]] = []
    curves: dict[str, dict[float, Mean]] = {}
    epochs: dict[str, list[list[float]]] = {}
    for victim, defence, poison in _rows(name, experiment):
        words = [results.words(poison), results.words(victim)]
        label = ", ".join(words + ([defence] if len(experiment.defences) > 1 else []))
        row: list[CellText] = [label]
        for fraction in fractions:
            cell = (name, poison if fraction else "", victim, defence, fraction)
            row.append(_cell_text(results, cell))
            if fraction == 0:
                values = list(results.clean(cell).values())
            else:
                values = list(results.values(cell, "final").values())
                runs = [found["by_epoch"] for found in results.cells.get(cell, {}).values()]
                if runs and len(runs[0]) > 1 and fraction == max(fractions):
                    epochs[label] = runs
            if values:
                curves.setdefault(label, {})[fraction] = mean_of(values)
        rows.append(row)
    verb = "left out" if experiment.fate == "remove" else "replaced"
    parts = [table([f"share {verb}", *(f"{f:.0%}" for f in fractions)], rows)]
    if len(experiment.defences) > 1:
        parts += _what_defences_do(results, name, experiment)
    chance = results.chance(name)
    if any(len(points) > 2 for points in curves.values()):
        caption = (
            f"Final accuracy against the share of every class that is {verb}; 95% intervals, cut "
            "off at 0 and 1, and drawn a little apart."
        )
        figure = accuracy_curves(curves, f"% {verb}", chance)
        parts.append(picture(figure, caption, figures, f"{name}-accuracy"))
    if len(epochs) > 1 and len(epochs) <= 8:
        caption = f"Accuracy by epoch with {max(fractions):.0%} {verb}; thin lines are seeds."
        parts.append(picture(epoch_curves(epochs), caption, figures, f"{name}-epochs"))
    return parts
