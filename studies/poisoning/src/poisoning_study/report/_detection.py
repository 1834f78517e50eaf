"""Sections on detectors: power, p-values, ROC curves."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from poisoning_study.detection import DETECTORS, LOW_RATES, NAIVE, Detection, ScoredImages, roc_band
from poisoning_study.families import LEVEL, at_level
from poisoning_study.protocol import Experiment
from poisoning_study.report._detected import (
    advantage,
    by_seed,
    classes_left_out,
    curve_area,
    every_detection,
    over_seeds,
    p_by_holm,
    p_together,
    rejections,
    roc_curve,
    share_found,
    words_on_left_out,
)
from poisoning_study.report._figures import Curve, power_curves, roc_curves
from poisoning_study.report._html import CellText, paragraph, picture, table, text
from poisoning_study.report._numbers import Mean, Results, in_family, mean_of
from poisoning_study.seeds import generator

_AHEAD = "kernel OT minus energy"


def _add_advantages(rows: list[list[CellText]], found: list[Mean], margin: float) -> None:
    """Add a last column: how far kernel OT is ahead, judged over the whole column."""
    words = {"rises": "ahead", "falls": "behind", "open": "open", "none": "equal"}
    for row, mean in zip(rows, in_family(found, margin), strict=True):
        row.append(f"{mean.shown('+')} ({words[mean.verdict(margin)]})")


def detection_reading(results: Results, name: str, experiment: Experiment) -> str | None:
    """Return what is found, and whether kernel OT is ahead of the energy distance."""
    sets = [
        (
            f"{results.words(poison)} {fraction:.0%}",
            fraction,
            by_seed(results, name, poison, fraction),
        )
        for poison in experiment.poisons
        for fraction in sorted(experiment.fractions)
        if fraction and by_seed(results, name, poison, fraction)
    ]
    if not sets:
        return None
    most = max(fraction for _, fraction, _ in sets)
    found = [
        f"{text(words)}: "
        + ", ".join("{} {}/{}".format(d, *rejections(list(one.values()), d)) for d in DETECTORS)
        for words, fraction, one in sets
        if fraction == most
    ]
    clean = over_seeds(results, name, "", 0.0)
    if clean:
        level = ", ".join("{} {}/{}".format(d, *rejections(clean, d)) for d in DETECTORS)
        found.append(f"clean sets, where each is a false alarm: {level}")
    skipped = classes_left_out(results, name)
    sentences = ["Classes found different at p ≤ .05: " + "; ".join(found)]
    shares, areas = (
        [mean.verdict(results.margin) for mean in in_family(means, results.margin)]
        for means in (
            [advantage(one, share_found) for _, _, one in sets],
            [advantage(one, curve_area) for _, fraction, one in sets if fraction < 1],
        )
    )
    for words, verdicts in (
        ("share of classes that it finds", shares),
        ("area under the ROC curve of single images", areas),
    ):
        ahead, behind = verdicts.count("rises"), verdicts.count("falls")
        sentences.append(
            f"In the {words}, kernel OT is ahead of the energy distance on {ahead} contaminated "
            f"sets, behind on {behind}, and {verdicts.count('open')} are open"
        )
    if skipped:
        sentences.append(words_on_left_out(skipped))
    return f"<b>{text(experiment.title)}</b>: " + ". ".join(sentences) + "."


def _power_table(results: Results, name: str, experiment: Experiment) -> str:
    rows: list[list[CellText]] = []
    advantages: list[Mean] = []
    for poison in experiment.poisons:
        for fraction in sorted(experiment.fractions):
            found = over_seeds(results, name, poison, fraction)
            if not found or (fraction == 0 and poison != experiment.poisons[0]):
                continue
            row: list[CellText] = [
                f"{results.words(poison)}, {fraction:.0%}" if fraction else "clean, 0% (level)"
            ]
            seeds = by_seed(results, name, poison, fraction)
            for detector in (*DETECTORS, NAIVE):
                k, n = rejections(found, detector)
                adjusted = sum(at_level(p) for one in found for p in p_by_holm(one, detector))
                whole = p_together(results, name, detector)
                words = poison if fraction else ""
                together = sum(at_level(whole[seed, words, fraction]) for seed in seeds)
                row.append(f"{k}/{n} · {adjusted} · {together}/{len(found)}")
            advantages.append(advantage(seeds, share_found))
            rows.append(row)
    _add_advantages(rows, advantages, results.margin)
    return table(["set", *DETECTORS, "energy, frames singly", _AHEAD], rows)


def _auc_table(results: Results, name: str, experiment: Experiment) -> str:
    rows: list[list[CellText]] = []
    advantages: list[Mean] = []
    for poison in experiment.poisons:
        for fraction in sorted(experiment.fractions):
            found = over_seeds(results, name, poison, fraction)
            if not found or not 0 < fraction < 1:
                continue
            row: list[CellText] = [f"{results.words(poison)}, {fraction:.0%}"]
            row += [
                mean_of([curve_area(one, detector) for one in found]).shown()
                for detector in DETECTORS
            ]
            advantages.append(advantage(by_seed(results, name, poison, fraction), curve_area))
            rows.append(row)
    _add_advantages(rows, advantages, results.margin)
    return table(["area under the ROC curve", *DETECTORS, _AHEAD], rows)


def _curve(found: list[Detection], detector: str) -> Curve:
    """Return the mean ROC curve over seeds with its band."""
    samples = [
        ScoredImages(
            np.array(one["ranks"][detector]),
            np.array(one["poisoned"], dtype=bool),
            np.array(one["tracks"]),
        )
        for one in found
    ]
    mean = np.mean([roc_curve(one, detector)["true_positive_rates"] for one in found], axis=0)
    return Curve(mean, *roc_band(samples, generator(0, "bands", detector)))


def _low_rates_table(results: Results, name: str, experiment: Experiment) -> str:
    rows: list[list[CellText]] = []
    for poison in experiment.poisons:
        for fraction in sorted(experiment.fractions):
            found = over_seeds(results, name, poison, fraction)
            if not found or not 0 < fraction < 1:
                continue
            for detector in DETECTORS:
                row: list[CellText] = [f"{results.words(poison)}, {fraction:.0%}", detector]
                for index in range(len(LOW_RATES)):
                    rates = [
                        float(roc_curve(one, detector)["at_low_rates"][index]) for one in found
                    ]
                    row.append(mean_of(rates).shown())
                flagged = [one["flagged"][detector] for one in found]
                right, n = (sum(one[key] for one in flagged) for key in ("n_poisoned", "n"))
                row.append(f"{right} of {n}")
                rows.append(row)
    head = ["set", "detector", *(f"found at {rate:.0%} false alarms" for rate in LOW_RATES)]
    return table([*head, "flagged images that are poisoned"], rows)


def _method_words(results: Results, name: str) -> str:
    """Return how the cells of the table of power come about."""
    settings = results.study.settings.detection
    method = (
        f"Features of a clean reference model, {settings.components} principal components of the "
        f"pooled sample, each class on its own. Null: {settings.permutations} exchanges of whole "
        "tracks between the trusted and the suspect sample (smallest p "
        f"{1 / (settings.permutations + 1):.2g}). Cells: how many of all classes and seeds are "
        "found different, each tested on its own at p ≤ .05; after the first dot, how many are by "
        "Holm's procedure over the classes; after the second, in how many seeds all classes taken "
        "together are, by Holm over the sets of that seed. \u201cEnergy, frames singly\u201d is "
        "the energy distance with single frames exchanged, which is wrong, since frames of a track "
        "are alike: its first row shows the false alarms that this causes. Last "
        "column: the share of classes found by kernel OT minus that by the energy distance, paired "
        "over seeds."
    )
    classes = max(len(one["labels"]) for one in every_detection(results, name))
    fewest = math.ceil(classes / LEVEL - 1e-9) - 1
    if settings.permutations < fewest:
        method += (
            f" <b>{settings.permutations} permutations are too few for Holm over {classes} "
            f"classes</b>, which can find a single one only from {fewest} on."
        )
    skipped = classes_left_out(results, name)
    if skipped:
        method += f" {words_on_left_out(skipped)}."
    return method


def _single_images(
    results: Results,
    name: str,
    experiment: Experiment,
    curves: dict[str, dict[str, Curve]],
    figures: Path,
) -> list[str]:
    """Return what detectors say of single images."""
    settings = results.study.settings.detection
    return [
        paragraph(
            "Which images are poisoned? Kernel OT's score of an image is how far its map to "
            "the trusted sample moves the image's features; the energy distance's is the mean "
            "distance to the trusted images minus that to the suspect ones. Scores are ranked "
            "within each class. An area of .5 is guessing."
        ),
        _auc_table(results, name, experiment),
        paragraph(
            "What a detector finds while it accuses few clean images: true positive rates at "
            "false positive rates of 1% and 5% (mean and interval over seeds); and what its "
            f"is-clean list is right about, in which {settings.flagged_share:.0%} of each "
            "class, those with the highest scores, are taken for poisoned. The lists are in "
            "the runs' JSON files (<code>is_clean</code>: 1 clean, 0 poisoned, in the order of "
            "the training set)."
        ),
        _low_rates_table(results, name, experiment),
        picture(
            roc_curves(curves),
            "ROC curves of single images, mean over seeds, with 95% bands by a bootstrap of "
            "seeds and, within each, of whole tracks.",
            figures,
            f"{name}-roc",
        ),
    ]


def detection_section(
    results: Results, name: str, experiment: Experiment, figures: Path
) -> list[str]:
    """Return power, p-values and ROC curves of one experiment."""
    power: dict[str, dict[str, dict[float, tuple[int, int]]]] = {}
    curves: dict[str, dict[str, Curve]] = {}
    for poison in experiment.poisons:
        for fraction in experiment.fractions:
            found = over_seeds(results, name, poison, fraction)
            if not found:
                continue
            for detector in (*DETECTORS, NAIVE):
                counts = rejections(found, detector)
                power.setdefault(results.words(poison), {}).setdefault(detector, {})[fraction] = (
                    counts
                )
            if 0 < fraction < 1:
                curves[f"{results.words(poison)}, {fraction:.0%}"] = {
                    detector: _curve(found, detector) for detector in DETECTORS
                }
    if not power:
        return [paragraph("Not run.")]
    parts = [
        paragraph(_method_words(results, name), "note"),
        _power_table(results, name, experiment),
        picture(
            power_curves(power),
            "Share of the class-wise tests with p ≤ .05. Bars are 95% Wilson intervals, which take "
            "classes as independent; dashes are the level of 5%, which a clean set should show.",
            figures,
            f"{name}-power",
        ),
    ]
    if curves:
        parts += _single_images(results, name, experiment, curves, figures)
    return parts
