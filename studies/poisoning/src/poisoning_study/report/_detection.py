"""Sections on detectors: power, p-values, ROC curves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from poisoning_study.detection import NAIVE
from poisoning_study.protocol import Experiment
from poisoning_study.report._figures import DETECTORS, power_curves, roc_curves
from poisoning_study.report._html import CellText, paragraph, picture, table
from poisoning_study.report._numbers import Results, mean_of
from poisoning_study.report._victims import shown

_LEVEL = 0.05 + 1e-9
_SKIPPED = "labels_with_too_few_tracks"


def _found(results: Results, name: str, poison: str, fraction: float) -> list[dict[str, Any]]:
    cell = (name, poison if fraction else "", "", "none", fraction)
    return list(results.cells.get(cell, {}).values())


def _any(results: Results, name: str) -> list[dict[str, Any]]:
    """Return every finished detection of an experiment."""
    return [
        one for cell, found in results.cells.items() if cell[0] == name for one in found.values()
    ]


def _rejections(found: list[dict[str, Any]], detector: str) -> tuple[int, int]:
    p_values = [p for one in found for p in one["p_by_class"][detector]]
    return sum(p <= _LEVEL for p in p_values), len(p_values)


def _power_table(results: Results, name: str, experiment: Experiment) -> str:
    rows: list[list[CellText]] = []
    for poison in experiment.poisons:
        for fraction in sorted(experiment.fractions):
            found = _found(results, name, poison, fraction)
            if not found or (fraction == 0 and poison != experiment.poisons[0]):
                continue
            row: list[CellText] = [f"{poison}, {fraction:.0%}" if fraction else "clean, 0% (level)"]
            for detector in (*DETECTORS, NAIVE):
                k, n = _rejections(found, detector)
                together = sum(one["p_together"][detector] <= _LEVEL for one in found)
                row.append(f"{k}/{n} · {together}/{len(found)}")
            rows.append(row)
    return table(["set", *DETECTORS, "energy, frames singly"], rows)


def _auc_table(results: Results, name: str, experiment: Experiment) -> str:
    rows: list[list[CellText]] = []
    for poison in experiment.poisons:
        for fraction in sorted(experiment.fractions):
            found = _found(results, name, poison, fraction)
            if not found or not 0 < fraction < 1:
                continue
            row: list[CellText] = [f"{poison}, {fraction:.0%}"]
            row += [
                shown(mean_of([one["roc"][detector]["auc"] for one in found]))
                for detector in DETECTORS
            ]
            rows.append(row)
    return table(["area under the ROC curve", *DETECTORS], rows)


def detection_section(
    results: Results, name: str, experiment: Experiment, figures: Path
) -> list[str]:
    """Return power, p-values and ROC curves of one experiment."""
    power: dict[str, dict[str, dict[float, tuple[int, int]]]] = {}
    curves: dict[str, dict[str, list[list[float]]]] = {}
    for poison in experiment.poisons:
        for fraction in experiment.fractions:
            found = _found(results, name, poison, fraction)
            if not found:
                continue
            for detector in (*DETECTORS, NAIVE):
                counts = _rejections(found, detector)
                power.setdefault(poison, {}).setdefault(detector, {})[fraction] = counts
            if 0 < fraction < 1:
                curves[f"{poison}, {fraction:.0%}"] = {
                    detector: [one["roc"][detector]["true_positive_rates"] for one in found]
                    for detector in DETECTORS
                }
    if not power:
        return [paragraph("Not run.")]
    settings = results.study.settings.detection
    method = (
        f"Features of a clean reference model, {settings.components} principal components of the "
        f"pooled sample, each class on its own. Null: {settings.permutations} exchanges of whole "
        "tracks between the trusted and the suspect sample (smallest p "
        f"{1 / (settings.permutations + 1):.3f}). Cells: tests of single classes with p ≤ .05, "
        "of all classes and seeds; then seeds whose classes taken together have p ≤ .05. The last "
        "column exchanges frames singly, which is wrong since frames of a track are alike: its "
        "first row shows the false alarms that this causes."
    )
    skipped = sorted({label for one in _any(results, name) for label in one[_SKIPPED]})
    if skipped:
        method += f" Classes with too few tracks to be tested: {', '.join(map(str, skipped))}."
    parts = [
        paragraph(method, "note"),
        _power_table(results, name, experiment),
        picture(
            power_curves(power),
            "Power of the class-wise tests; bars are 95% Wilson intervals, dashes the level of 5%.",
            figures,
            f"{name}-power",
        ),
    ]
    if curves:
        parts += [
            paragraph(
                "Single images: kernel OT's score is how far its map to the trusted sample moves "
                "an image's features; the energy distance's is its witness function. Scores are "
                "ranked within each class."
            ),
            _auc_table(results, name, experiment),
            picture(
                roc_curves(curves),
                "ROC curves of single images, mean over seeds.",
                figures,
                f"{name}-roc",
            ),
        ]
    return parts
