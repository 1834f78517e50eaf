"""The matrix of attacks, defences and victims."""

from __future__ import annotations

from pathlib import Path

from poisoning_study.protocol import Experiment
from poisoning_study.report._html import CellText, paragraph, table
from poisoning_study.report._numbers import Cell, Results, mean_of


def matrix_section(results: Results, name: str, experiment: Experiment, figures: Path) -> list[str]:
    """Return a table for each victim: attacks down, defences across, as APBench prints them."""
    parts = []
    if experiment.defences == ("none",):
        parts.append(_by_victim(results, name, experiment))
    for victim in experiment.victims if len(experiment.defences) > 1 else ():
        head = [
            f"accuracy of {results.words(victim)}, %",
            *(_words(defence) for defence in experiment.defences),
        ]
        rows: list[list[CellText]] = []
        cells = [("", 0.0)] if 0 in experiment.fractions else []
        positive = sorted(fraction for fraction in experiment.fractions if fraction)
        cells += [(poison, share) for poison in experiment.poisons for share in positive]
        for poison, share in cells:
            label = results.words(poison) if poison else "clean"
            several = len(positive) > 1 and poison
            rows.append([f"{label}, {share:.0%}" if several else label])
            for defence in experiment.defences:
                rows[-1].append(_percent(results, (name, poison, victim, defence, share)))
        parts.append(table(head, rows, css="matrix"))
    share = max(experiment.fractions)
    note = (
        f"Accuracy on clean test images after the last epoch in per cent, ± 95% interval over "
        f"seeds, {share:.0%} of every class replaced. Red: below the same victim and defence on "
        "the clean set, by Holm's procedure over the table. Read a column against its first row "
        "for what the attack does in spite of the defence, and the first row for what the defence "
        "costs by itself."
    )
    changes = [results.change(cell) for cell in results.cells if cell[0] == name and cell[1]]
    if any(change is not None and change.degrees is not None for change in changes):
        note += (
            " With this many changes and so few seeds, the variance of each is drawn towards what "
            "all have in common (empirical Bayes, Smyth 2004)."
        )
    return [paragraph(note, "note"), *parts]


def _by_victim(results: Results, name: str, experiment: Experiment) -> str:
    """Return one table with victims across, where there is no defence."""
    share = max(experiment.fractions)
    rows: list[list[CellText]] = []
    for poison in ("", *experiment.poisons):
        cells = [(name, poison, v, "none", share if poison else 0.0) for v in experiment.victims]
        label = results.words(poison) if poison else "clean"
        rows.append([label, *(_percent(results, cell) for cell in cells)])
    return table(["accuracy, %", *map(results.words, experiment.victims)], rows, css="matrix")


def _words(defence: str) -> str:
    return "no defence" if defence == "none" else defence


def _percent(results: Results, cell: Cell) -> CellText:
    found = results.values(cell, "final") if cell[1] else results.clean(cell)
    if not found:
        return "not run"
    mean = mean_of(list(found.values()))
    content = f"{100 * mean.value:.1f}"
    content += "" if mean.half_width is None else f" ± {100 * mean.half_width:.1f}"
    change = results.change(cell) if cell[1] else None
    hurt = change is not None and change.verdict(results.margin) == "falls"
    return (content, "hurt") if hurt else content
