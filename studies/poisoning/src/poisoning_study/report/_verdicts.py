"""One sentence of verdict a question, made from the numbers."""

from __future__ import annotations

import numpy as np
from scipy import stats

from poisoning_study.detection import DETECTORS
from poisoning_study.report._detected import found_together, single_image_areas
from poisoning_study.report._html import text
from poisoning_study.report._loader import loader_verdict
from poisoning_study.report._numbers import Cell, Mean, Results, mean_of


def _sound_changes(results: Results) -> list[tuple[Cell, Mean]]:
    """Return changes by poisons without a defence, loaded as they were made, largest loss first."""
    found: dict[tuple[object, ...], tuple[Cell, Mean]] = {}
    for cell in results.cells:
        experiment = results.study.experiments[cell[0]]
        if not experiment.trains or not cell[1] or cell[3] != "none":
            continue
        if experiment.loader != "sound" or experiment.fate != "replace":
            continue
        change = results.change(cell)
        if change is not None and change.half_width is not None:
            found.setdefault(cell[1:], (cell, change))
    return sorted(found.values(), key=lambda pair: pair[1].value)


def _what_it_does(results: Results) -> str | None:
    changes = _sound_changes(results)
    if not changes:
        return None
    parts = []
    for share in sorted({cell[4] for cell, _ in changes}, reverse=True):
        here = [(c, m) for c, m in changes if c[4] == share]
        falls = [(c, m) for c, m in here if m.verdict(results.margin) == "falls"]
        if not falls:
            cell, least = here[0]
            parts.append(
                f"with {share:.0%} no loss is established (largest: {least.shown('+')}, "
                f"{text(results.words(cell[1]))})"
            )
            continue
        cell, worst = falls[0]
        before = mean_of(list(results.clean(cell).values())).value
        after = mean_of(list(results.values(cell, "final").values())).value
        parts.append(
            f"with {share:.0%} of the pictures replaced the worst, {text(results.words(cell[1]))}, "
            f"takes the accuracy of the {text(results.words(cell[2]))} from {before:.2f} to "
            f"{after:.2f} ({worst.shown('+')}); {len(falls)} of {len(here)} losses are established"
        )
    sentence = "; ".join(parts)
    return sentence[0].upper() + sentence[1:] + "."


def _noticed(results: Results) -> str | None:
    shares = sorted(
        {
            cell[4]
            for cell in results.cells
            if results.study.experiments[cell[0]].kind == "detection"
        }
    )
    parts = []
    for share in shares:
        counts = {name: found_together(results, name, share) for name in DETECTORS}
        n = counts["kernel OT"][1]
        listed = [f"{name} {k}" for name, (k, _) in counts.items() if k]
        label = f"{n} sets with {share:.0%} poisoned" if share else f"{n} clean sets"
        others = ", the others none" if 0 < len(listed) < len(counts) else ""
        found = f"{', '.join(listed)}{others}" if listed else "no detector finds any"
        parts.append(f"of {label}: {found}")
    if not parts:
        return None
    areas = single_image_areas(results)
    best = ""
    if areas:
        name, share, mean = max(areas, key=lambda one: one[2].value)
        best = (
            f" Single poisoned pictures are told apart best by {name} at {share:.0%}: an area "
            f"under the ROC curve of {mean.shown()}, where .5 is guessing."
        )
    sentence = "; ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]} (all classes together, by Holm).{best}"


def _to_be_sure(results: Results) -> str | None:
    changes = [mean for _, mean in _sound_changes(results)]
    spreads = [list(results.changes(cell).values()) for cell, _ in _sound_changes(results)]
    if not changes:
        return None
    opened = sum(mean.verdict(results.margin) == "open" for mean in changes)
    spread = float(np.median([np.std(one, ddof=1) for one in spreads if len(one) > 1]))
    seeds = seeds_for(spread, results.margin)
    floors = results.floors.values()
    noise = (
        "The order of sums moves no accuracy by more than "
        f"{max(floor.largest for floor in floors):.3f}; "
        if floors
        else "How much the order of sums moves an accuracy was not measured; "
    )
    return (
        f"{noise}between seeds a change of accuracy varies by {spread:.3f} (median standard "
        f"deviation), so that an interval of ± {results.margin} takes about {seeds} seeds; with "
        f"{max(mean.n for mean in changes)} here, {opened} of {len(changes)} changes stay open."
    )


def seeds_for(spread: float, margin: float) -> int:
    """Return how many seeds have an interval of a mean within the margin (Student's t).

    Examples
    --------
    >>> seeds_for(0.02, 0.02)
    7
    """
    n = 2
    while stats.t.ppf(0.975, n - 1) * spread / np.sqrt(n) > margin:
        n += 1
    return n


def verdicts(results: Results) -> list[tuple[str, str]]:
    """Return questions with their answers, those that the runs have one for."""
    asked = (
        ("Is the original's fall its loader's or its poison's?", loader_verdict(results)),
        ("What would contamination do to my training set?", _what_it_does(results)),
        ("Would I notice?", _noticed(results)),
        ("What does it take to be sure?", _to_be_sure(results)),
    )
    return [(question, answer) for question, answer in asked if answer is not None]
