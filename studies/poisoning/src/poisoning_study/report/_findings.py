"""Sentences that the numbers bear out, made from the numbers."""

from __future__ import annotations

from poisoning_study.report._html import text
from poisoning_study.report._numbers import Results
from poisoning_study.report._victims import shown


def findings(results: Results) -> list[str]:
    """Return one sentence for each contaminated set, with the paired change against clean.

    A change is called one only where the interval over at least two seeds excludes 0.
    """
    hurt: list[str] = []
    spared: list[str] = []
    for cell in sorted(results.cells):
        name, poison, victim, defence, fraction = cell
        experiment = results.study.experiments[name]
        if experiment.kind != "victims" or not poison:
            continue
        change = results.change(cell)
        if change is None or change.half_width is None:
            continue
        what = text(f"{poison} at {fraction:.0%}, {victim}")
        what += f", loader {experiment.loader}" if experiment.loader != "sound" else ""
        what += f", {text(defence)}" if defence != "none" else ""
        what += ", left out" if experiment.fate == "remove" else ""
        line = f"{what}: {shown(change)}"
        (hurt if change.excludes_zero and change.value < 0 else spared).append(line)
    return [
        f"Accuracy fell, beyond what {len(results.study.settings.seeds)} seeds leave open, in "
        f"{len(hurt)} of {len(hurt) + len(spared)} contaminated settings (paired change, 95% "
        "interval): " + "; ".join(hurt) + "." * bool(hurt),
        "No change could be established in: " + "; ".join(spared) + "." * bool(spared),
    ]
