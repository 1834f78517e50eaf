"""Sentences and a table that the numbers bear out, made from the numbers."""

from __future__ import annotations

from collections.abc import Iterator

from poisoning_study.report._html import CellText, bullets, paragraph, table, text
from poisoning_study.report._numbers import Cell, Mean, Results, mean_of
from poisoning_study.report._victims import shown

_VERDICTS = ("falls", "open", "rises")


def _verdict(change: Mean) -> str:
    if not change.excludes_zero:
        return "open"
    return "falls" if change.value < 0 else "rises"


def _changes(results: Results) -> Iterator[tuple[Cell, Mean]]:
    """Yield every contaminated setting with its paired change, where there is an interval."""
    for cell in results.cells:
        if results.study.experiments[cell[0]].kind == "victims" and cell[1]:
            change = results.change(cell)
            if change is not None and change.half_width is not None:
                yield cell, change


def _setting(results: Results, cell: Cell) -> str:
    name, poison, victim, defence, fraction = cell
    experiment = results.study.experiments[name]
    words = [f"{poison} {fraction:.0%}", victim]
    words += ["published loader"] * (experiment.loader != "sound")
    words += [defence] * (defence != "none")
    words += ["left out instead of poisoned"] * (experiment.fate == "remove")
    return ", ".join(words)


def _beyond_the_loader(results: Results) -> Iterator[str]:
    """Yield what a poison adds to the published loader's own effect, victim by victim."""
    study = results.study
    published = [c for c in results.cells if study.experiments[c[0]].loader == "as-published"]
    controls = {c[2:]: c for c in published if c[1] and study.poisons[c[1]].objective == "none"}
    for cell in published:
        control = controls.get(cell[2:])
        if not cell[1] or control is None or cell == control or cell[4] < 1:
            continue
        with_poison, without = results.values(cell, "final"), results.values(control, "final")
        common = sorted(set(with_poison) & set(without))
        if common:
            difference = mean_of([with_poison[seed] - without[seed] for seed in common])
            yield f"{text(_setting(results, cell))}: {shown(difference)} ({_verdict(difference)})"


def findings_section(results: Results) -> list[str]:
    """Return the summary: a change is called one only where its interval excludes 0."""
    changes = sorted(_changes(results), key=lambda pair: pair[1].value)
    if not changes:
        return [paragraph("No contaminated setting has two seeds yet, so nothing is established.")]
    counts = {word: sum(_verdict(c) == word for _, c in changes) for word in _VERDICTS}
    items = [
        f"Of {len(changes)} contaminated settings, test accuracy falls in {counts['falls']}, rises "
        f"in {counts['rises']} and is left open in {counts['open']}: the paired change against the "
        "clean set over seeds, 95% interval. With this many settings, one in twenty would be "
        "called a change by chance alone."
    ]
    beyond = list(_beyond_the_loader(results))
    if beyond:
        items.append(
            "What the poison adds to the rescale-only control (accuracy with the poison minus "
            "accuracy with untouched pictures through the same published loader): "
            + "; ".join(beyond)
            + "."
        )
    rows: list[list[CellText]] = []
    for cell, change in changes:
        mark = "hurt" if _verdict(change) == "falls" else ""
        rows.append([_setting(results, cell), (shown(change), mark), _verdict(change)])
    return [
        bullets(items),
        "<details><summary>All paired changes, largest loss first</summary>",
        table(["setting", "change of accuracy", "verdict"], rows),
        "</details>",
    ]
