"""What the names of a configuration stand for."""

from __future__ import annotations

from poisoning_study.objectives import CraftSettings
from poisoning_study.protocol import Study, VictimSettings
from poisoning_study.report._html import CellText, table

_FORMS = {
    "generator": "a generator that sees the picture",
    "label-generator": "a generator that sees the picture and its class",
    "class-wise": "one free perturbation a class",
    "sample-wise": "one free perturbation a picture",
}
_SURROGATES = {
    "encoders": "against a discriminator on frozen encoders",
    "learning": "surrogates learn along",
    "trained": "surrogates are trained on clean pictures and stay fixed",
}


def _poison(settings: CraftSettings) -> str:
    attack = settings.attack
    words = [f"{attack.title[0].upper()}{attack.title[1:]} ({attack.source})"]
    if settings.is_tap:
        words = ["Targeted adversarial poisoning (TAP, Fowl et al. 2021)"]
    if attack.surrogates != "none":
        words += [_FORMS[settings.form], _SURROGATES[attack.surrogates]]
        words += ["without the counterfeit head"] * (not settings.counterfeit_head)
        words += ["crafted with the published defects"] * settings.as_published
    if settings.alpha is not None:
        words.append(f"alpha = {settings.alpha:g}")
    if settings.radius is not None:
        words.append(f"changes of at most {settings.radius}/255")
    if settings.rms is not None:
        words.append(f"root mean square {settings.rms:g}/255")
    if settings.surrogates:
        names = ", ".join(name.partition("/")[2] for name in settings.surrogates)
        words.append(f"{len(settings.surrogates)} surrogates ({names})")
    return "; ".join(words).replace("1 surrogates", "1 surrogate") + "."


def _victim(settings: VictimSettings) -> str:
    if settings.style == "scratch":
        words = f"{settings.backbone}, trained from scratch"
    else:
        words = f"{settings.backbone}, frozen, with a small trained head: the original's victim"
    if settings.as_published:
        words += ", with its defects (drifting batch normalisation, ReLU on the logits)"
    return f"{words}; {settings.training.epochs} epochs."


def _cells(name: str, settings: CraftSettings | VictimSettings, words: str) -> list[CellText]:
    called = f"{settings.title} ({name})" if settings.title else name
    return [called, words]


def names_table(study: Study) -> str:
    """Return a table of the poisons and victims of the experiments, by title and name."""
    experiments = study.experiments.values()
    poisons = {name for experiment in experiments for name in experiment.poisons}
    victims = {name for experiment in experiments for name in experiment.victims}
    rows: list[list[CellText]] = [
        _cells(name, settings, _poison(settings))
        for name, settings in study.poisons.items()
        if name in poisons
    ]
    rows += [
        _cells(name, settings, _victim(settings))
        for name, settings in study.victims.items()
        if name in victims
    ]
    return table(["name", "what it is"], rows, css="words")
