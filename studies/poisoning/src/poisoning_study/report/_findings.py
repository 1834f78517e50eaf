"""Sentences and tables that the numbers bear out, made from the numbers."""

from __future__ import annotations

from poisoning_study.report._detection import detection_reading
from poisoning_study.report._html import CellText, bullets, paragraph, table, text
from poisoning_study.report._numbers import Cell, Mean, Results


def _settings(results: Results) -> list[Cell]:
    """Return every setting other than a clean set, each once though experiments share some."""
    cells: dict[tuple[object, ...], Cell] = {}
    for cell in results.cells:
        experiment = results.study.experiments[cell[0]]
        if experiment.trains and cell[1]:
            cells.setdefault((cell[1:], experiment.loader, experiment.fate), cell)
    return list(cells.values())


def _words(results: Results, cell: Cell) -> str:
    _, poison, victim, defence, fraction = cell
    words = [f"{results.words(poison)} {fraction:.0%}", results.words(victim)]
    return ", ".join([*words, *[defence] * (defence != "none")])


def _all_words(results: Results, cell: Cell) -> str:
    """Return the words of a setting outside its own experiment's section."""
    experiment = results.study.experiments[cell[0]]
    words = [_words(results, cell)]
    words += ["published loader"] * (experiment.loader != "sound")
    words += ["left out instead of poisoned"] * (experiment.fate == "remove")
    return ", ".join(words)


def _listed(results: Results, changes: list[tuple[Cell, Mean]]) -> str:
    return "; ".join(
        f"{text(_words(results, cell))}: {change.shown('+')}" for cell, change in changes
    )


def _reading(results: Results, name: str) -> str | None:
    """Return what one experiment's paired changes establish and what they leave open."""
    found = []
    for cell in results.cells:
        if cell[0] == name and cell[1]:
            change = results.change(cell)
            if change is not None:
                found.append((cell, change))
    if not found:
        return None
    found.sort(key=lambda pair: pair[1].value)
    parts = []
    for verdict, words in (("falls", "Accuracy <b>falls</b> with"), ("rises", "It rises with")):
        which = [pair for pair in found if pair[1].verdict(results.margin) == verdict]
        parts += [f"{words} {_listed(results, which)}"] * bool(which)
    same = [pair for pair in found if pair[1].verdict(results.margin) == "none"]
    parts += [f"<b>No change</b> beyond ± {results.margin} with {_listed(results, same)}"] * bool(
        same
    )
    opened = [pair for pair in found if pair[1].verdict(results.margin) == "open"]
    single = [pair for pair in opened if pair[1].half_width is None]
    opened = [pair for pair in opened if pair[1].half_width is not None]
    if opened:
        most = max(opened, key=lambda pair: abs(pair[1].value))
        narrow = sum(m.half_width is not None and m.half_width < 0.05 for _, m in opened)
        parts.append(
            f"<b>Open</b> for {len(opened)}, of which {narrow} have intervals narrower than ± 0.05;"
            f" the largest change among them is {_listed(results, [most])}"
        )
    if single:
        parts.append(f"Without an interval: {_listed(results, single)}")
    title = text(results.study.experiments[name].title)
    return f"<b>{title}</b>: " + ". ".join(parts) + "."


def _all_changes(results: Results, changes: list[tuple[Cell, Mean]]) -> list[str]:
    rows: list[list[CellText]] = []
    for cell, change in changes:
        verdict = change.verdict(results.margin)
        mark = "hurt" if verdict == "falls" else ""
        seeds = ", ".join(
            f"{v:+.3f}".replace("-", "\u2212") for v in results.changes(cell).values()
        )
        rows.append([_all_words(results, cell), (change.shown("+"), mark), verdict, seeds])
    return [
        "<details><summary>All paired changes, largest loss first</summary>",
        table(["setting", "change of accuracy", "verdict", "by seed"], rows),
        "</details>",
    ]


def findings_section(results: Results) -> list[str]:
    """Return the summary: changes as Holm's procedure finds them."""
    changes = []
    for cell in _settings(results):
        change = results.change(cell)
        if change is not None and change.half_width is not None:
            changes.append((cell, change))
    if not changes:
        return [paragraph("No contaminated setting has two seeds yet, so nothing is established.")]
    changes.sort(key=lambda pair: pair[1].value)
    counts = {
        word: sum(change.verdict(results.margin) == word for _, change in changes)
        for word in ("falls", "rises", "none", "open")
    }
    parts = [
        paragraph(
            f"In {len(changes)} settings other than a clean set, test accuracy falls in "
            f"{counts['falls']}, rises in {counts['rises']}, does not change by more than "
            f"{results.margin} in {counts['none']} and is left open in {counts['open']}: "
            "the paired change against the clean set with the same victim and defence, seed by "
            "seed, with its 95% interval. A change is called one where its p-value, adjusted by "
            "Holm over all changes of its experiment, is at most .05, and none where it lies "
            "within the margin by the same procedure; the intervals are those of single "
            "comparisons. Seeds that happen to change by the same amount make an "
            "interval too narrow. Open means that neither a change nor its absence is shown."
        )
    ]
    items = []
    for name, experiment in results.study.experiments.items():
        if experiment.trains:
            items.append(_reading(results, name))
        elif experiment.kind == "detection":
            items.append(detection_reading(results, name, experiment))
    parts.append(bullets([item for item in items if item]))
    return [*parts, *_all_changes(results, changes)]
