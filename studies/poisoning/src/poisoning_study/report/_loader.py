"""Whether the original's fall is its loader's or its poison's."""

from __future__ import annotations

from dataclasses import dataclass

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
    loader : Mean
        Untouched pictures through the published loader, minus the clean set.
    through : Mean
        The poison through the published loader, minus untouched pictures through it.
    alone : Mean or None
        The poison loaded as it was made, minus the clean set; None if that was not run.
    """

    victim: str
    poison: str
    clean: Mean
    loader: Mean
    through: Mean
    alone: Mean | None


def _effects(results: Results) -> list[_Effects]:
    study, found = results.study, []
    whole = [cell for cell in results.cells if cell[1] and cell[4] == 1]
    published = [c for c in whole if study.experiments[c[0]].loader == "as-published"]
    controls = {c[2:]: c for c in published if study.poisons[c[1]].objective == "none"}
    sound: dict[tuple[object, ...], Cell] = {}
    for cell in whole:
        experiment = study.experiments[cell[0]]
        if experiment.loader == "sound" and experiment.fate == "replace":
            sound.setdefault(cell[1:], cell)
    for cell in published:
        control = controls.get(cell[2:])
        if control is None or study.poisons[cell[1]].objective == "none":
            continue
        poisoned, untouched = (results.values(c, "final") for c in (cell, control))
        clean, victim, other = results.clean(cell), cell[2], sound.get(cell[1:])
        loader = results.paired(untouched, clean, victim)
        through = results.paired(poisoned, untouched, victim)
        alone = None
        if other is not None:
            alone = results.paired(results.values(other, "final"), clean, victim)
        if loader is not None and through is not None:
            mean = mean_of(list(clean.values()))
            found.append(_Effects(victim, cell[1], mean, loader, through, alone))
    return _adjusted(found, results.margin)


def _adjusted(found: list[_Effects], margin: float) -> list[_Effects]:
    """Return the same with p-values adjusted over all effects of the table."""
    means = [m for e in found for m in (e.loader, e.through, e.alone) if m is not None]
    family = iter(in_family(means, margin))
    return [
        _Effects(
            one.victim,
            one.poison,
            one.clean,
            next(family),
            next(family),
            None if one.alone is None else next(family),
        )
        for one in found
    ]


def _verdict(results: Results, found: list[_Effects]) -> str:
    loader = [one.loader.verdict(results.margin) for one in found]
    poison = [
        mean.verdict(results.margin)
        for one in found
        for mean in (one.through, one.alone)
        if mean is not None
    ]
    if "falls" in loader and not {"falls", "rises"} & set(poison):
        rest = "the poison does nothing"
        if set(poison) != {"none"}:
            rest = "no effect of the poison is established"
        return f"Its loader: untouched pictures fall as far, and {rest}"
    if "falls" in loader:
        return "Both: untouched pictures fall, and the poison changes something besides"
    return "Open: a fall of untouched pictures is not established"


def loader_verdict(results: Results) -> str | None:
    """Return the answer in one sentence, with the figures of the clearest victim."""
    found = _effects(results)
    if not found:
        return None
    one = min(found, key=lambda e: e.loader.value)
    alone = f"; loaded as it was made, by {one.alone.shown('+')}" if one.alone is not None else ""
    victim = text(results.words(one.victim))
    return (
        f"<b>{_verdict(results, found)}</b>. The loader alone changes the accuracy of the {victim} "
        f"by {one.loader.shown('+')}, the poison through it by "
        f"{one.through.shown('+')} more{alone}."
    )


def loader_section(results: Results) -> list[str]:
    """Return the table of effects."""
    found = _effects(results)
    if not found:
        return []

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
        "both through it. Loaded as made: poisoned minus the clean set, by a sound loader."
    )
    return ["<h2>Loader or poison?</h2>", table(head, rows), paragraph(note, "note")]
