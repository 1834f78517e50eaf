"""Whether the original's fall is its loader's or its poison's."""

from __future__ import annotations

from dataclasses import dataclass, replace

from poisoning_study.report._html import CellText, paragraph, table, text
from poisoning_study.report._numbers import Cell, Mean, Results, in_family, mean_of


@dataclass(frozen=True)
class _Effects:
    """What changes the accuracy of a victim with everything replaced.

    Parameters
    ----------
    victim, poison : str
        Names in the configuration.
    clean : Mean
        Its accuracy on the clean set.
    loader : Mean or None
        Untouched pictures through the published loader, minus the clean set; None if not run.
    through : Mean or None
        The poison through the published loader, minus untouched pictures through it.
    alone : Mean or None
        The poison loaded as it was made, minus the clean set.
    """

    victim: str
    poison: str
    clean: Mean
    loader: Mean | None
    through: Mean | None
    alone: Mean | None


def _effects(results: Results) -> list[_Effects]:
    """Return a row for each victim of the poisons that went through the published loader."""
    study = results.study
    whole = [cell for cell in results.cells if cell[1] and cell[2] and cell[4] == 1]
    published: dict[tuple[object, ...], Cell] = {}
    sound: dict[tuple[object, ...], Cell] = {}
    for cell in whole:
        experiment = study.experiments[cell[0]]
        if experiment.loader == "as-published":
            published.setdefault(cell[1:], cell)
        elif experiment.fate == "replace":
            sound.setdefault(cell[1:], cell)
    untouched = {c[2:]: c for c in published.values() if _is_control(results, c)}
    asked = {c[1] for c in published.values() if not _is_control(results, c) and c[2:] in untouched}
    rows = {c[1:]: c for c in (*published.values(), *sound.values()) if c[1] in asked}
    found = []
    for key, cell in rows.items():
        control = untouched.get(cell[2:])
        clean, through, alone = results.clean(cell), published.get(key), sound.get(key)
        if not clean or cell[3] != "none":
            continue
        one = _Effects(
            cell[2],
            cell[1],
            mean_of(list(clean.values())),
            results.paired(control) if control and through else None,
            results.paired(through, control) if control and through else None,
            results.paired(alone) if alone else None,
        )
        if one.loader is not None or one.alone is not None:
            found.append(one)
    return _adjusted(found, results.margin)


def _is_control(results: Results, cell: Cell) -> bool:
    return results.study.poisons[cell[1]].objective == "none"


def _adjusted(found: list[_Effects], margin: float) -> list[_Effects]:
    """Return the same with adjusted p-values.

    What happens in the published loader is one family, what a poison does without it another.
    """
    inside = [m for one in found for m in (one.loader, one.through) if m is not None]
    outside = [one.alone for one in found if one.alone is not None]
    in_loader, without = iter(in_family(inside, margin)), iter(in_family(outside, margin))
    return [
        replace(
            one,
            loader=None if one.loader is None else next(in_loader),
            through=None if one.through is None else next(in_loader),
            alone=None if one.alone is None else next(without),
        )
        for one in found
    ]


def _verdict(results: Results, found: list[_Effects]) -> str:
    def of(means: list[Mean | None]) -> set[str]:
        return {mean.verdict(results.margin) for mean in means if mean is not None}

    loader = of([one.loader for one in found])
    through, alone = of([one.through for one in found]), of([one.alone for one in found])
    if "falls" not in loader:
        return "Open: a fall of untouched pictures is not established"
    if {"falls", "rises"} & through:
        return "Both: untouched pictures fall, and the poison changes something besides"
    if {"falls", "rises"} & alone:
        adds = "adds nothing" if through == {"none"} else "has no effect that is established"
        return (
            f"Its loader: untouched pictures fall, and through it the poison {adds}. Loaded as it "
            "was made, the poison changes accuracy"
        )
    rest = "the poison does nothing"
    if through | alone != {"none"}:
        rest = "no effect of the poison is established"
    return f"Its loader: untouched pictures fall, and {rest}"


def loader_verdict(results: Results) -> str | None:
    """Return the answer in one sentence, with the figures of the victim with most seeds."""
    found = _effects(results)
    fallen = [(one.loader, one.through, one) for one in found if one.loader is not None]
    if not fallen:
        return None
    loader, through, one = min(fallen, key=lambda e: (-e[0].n, e[0].value))
    words = [
        f"<b>{_verdict(results, found)}</b>. The loader alone changes the accuracy of the "
        f"{text(results.words(one.victim))} by {loader.shown('+')}"
    ]
    if through is not None:
        words.append(f", the poison through it by {through.shown('+')} more")
    # A single seed has no interval, so it is neither established nor compared.
    several = [(e.alone, e) for e in found if e.alone is not None]
    alone = [pair for pair in several if pair[0].half_width is not None]
    if alone:
        lost = [pair for pair in alone if pair[0].verdict(results.margin) == "falls"]
        # A larger loss that is open, of few seeds, is no finding either.
        most, of = min(lost or alone, key=lambda pair: pair[0].value)
        which = "the largest of them" if lost else "the largest change"
        words.append(
            f"; loaded as it was made, it has {len(lost)} of {len(alone)} losses established, "
            f"{which} being {most.shown('+')} ({text(results.words(of.victim))})"
        )
    return "".join(words) + "."


def loader_section(results: Results) -> list[str]:
    """Return the table of effects."""
    found = _effects(results)
    if not found:
        return []
    chance = results.chance(next(cell[0] for cell in results.cells if cell[2]))

    def shown(mean: Mean | None) -> CellText:
        if mean is None:
            return "-"
        verdict = mean.verdict(results.margin)
        return (f"{mean.shown('+')} ({verdict})", "hurt" if verdict == "falls" else "")

    rows: list[list[CellText]] = [
        [
            f"{results.words(one.victim)}, {results.words(one.poison)}",
            one.clean.shown(),
            shown(one.loader),
            shown(one.through),
            shown(one.alone),
        ]
        for one in found
    ]
    head = [
        "everything replaced",
        "clean set",
        "the loader alone",
        "the poison through the loader",
        "the poison loaded as made",
    ]
    note = (
        "Changes of accuracy, paired over seeds. The loader alone: untouched pictures through it, "
        "minus the clean set. The poison through the loader: poisoned minus untouched pictures, "
        "both through it. Loaded as made: poisoned minus the clean set, by a sound loader. In "
        "brackets the verdict by Holm, over all changes in the loader and over all without it. "
        f"Guessing has an accuracy of {chance:.3f}: near it, a poison has little left to take."
    )
    shares = _by_share(results)
    return ["<h2>Loader or poison?</h2>", table(head, rows), paragraph(note, "note"), *shares]


def _by_share(results: Results) -> list[str]:
    """Return poison minus untouched pictures, both through the loader, where only a part was."""
    found: list[tuple[str, Mean]] = []
    published = {
        cell[1:]: cell
        for cell in results.cells
        if cell[1] and cell[4] < 1 and results.study.experiments[cell[0]].loader != "sound"
    }
    untouched = {c[2:]: c for c in published.values() if _is_control(results, c)}
    for cell in published.values():
        control = untouched.get(cell[2:])
        if control is None or cell == control:
            continue
        mean = results.paired(cell, control)
        if mean is not None:
            words = f"{results.words(cell[2])}, {results.words(cell[1])}, {cell[4]:.0%} replaced"
            found.append((words, mean))
    if not found:
        return []
    family = in_family([mean for _, mean in found], results.margin)
    rows: list[list[CellText]] = [
        [words, f"{mean.shown('+')} ({mean.verdict(results.margin)})"]
        for (words, _), mean in zip(found, family, strict=True)
    ]
    note = "The same for a part of the pictures, where accuracies stay clear of guessing; by Holm."
    return [
        table(["poison minus untouched pictures, both through the loader", "change"], rows),
        paragraph(note, "note"),
    ]
