"""What decides a perturbation."""

from __future__ import annotations

from dataclasses import dataclass, field

from poisoning_study.errors import StudyError
from poisoning_study.keys import NOT_IN_KEYS
from poisoning_study.objectives._attacks import ATTACKS, Attack

FORMS = ("generator", "label-generator", "class-wise", "sample-wise")


@dataclass(frozen=True)
class CraftSettings:
    """How training images are perturbed.

    Parameters
    ----------
    objective : str
        One of `ATTACKS`: "adversarial" (the original's game between generator and discriminator),
        "error-minimising" (surrogates learn from the perturbation instead of the sign),
        "error-maximising" (clean surrogates are made to err), "separable" (LSP), "one-pixel" (OPS),
        or a control: "none", "noise" (independent signs times the radius), "class-blocks" (one
        coloured pattern a class).
    form : str
        "generator" (UNet++ on the image), "label-generator" (UNet++ on image and class),
        "class-wise" (one free perturbation a class), "sample-wise" (one an image).
    alpha : float, optional
        Weight of the mean squared perturbation; the original's 1, 100, 1000, and 0 for its
        ablation. Where networks are trained, exactly one of `alpha` and `radius` is given.
    radius : int, optional
        Largest change of a pixel's channel, in steps of 1/255.
    rms : float, optional
        Root mean square of the change, in the same steps, brought about after crafting without
        changing the largest change; so that perturbations are compared at equal both.
    surrogates : tuple of str
        Backbones that the perturbation is made against.
    epochs, batch_size, learning_rate, weight_decay
        Of Adam, for perturbation and surrogates; defaults of the original.
    counterfeit_head : bool
        False: the original's ablation without the counterfeit head.
    target : {"away", "next-class"}
        Error-maximising: away from the true class, or towards the next one. The latter with the
        form "sample-wise" is targeted adversarial poisoning (TAP, Fowl et al. 2021), here without
        the augmentation of its surrogate.
    warmup_epochs : int
        Error-maximising: epochs that the surrogates are trained on clean images first.
    pgd_steps : int
        Class- and sample-wise: signed gradient steps a batch, each of an eighth of the radius.
    zero_start : bool
        False: UNet++'s last layer starts at random as in the original, not at zero.
    features : tuple of 6 int
        Channels of UNet++.
    as_published : bool
        Repeat the published code's defects: drifting batch normalisation, ReLU on logits.
    title : str
        Plain words for the page; its name in the configuration if there are none.
    """

    objective: str
    form: str = "generator"
    alpha: float | None = None
    radius: int | None = None
    rms: float | None = None
    surrogates: tuple[str, ...] = ()
    epochs: int = 15
    batch_size: int = 32
    learning_rate: float = 5e-4
    weight_decay: float = 1e-4
    counterfeit_head: bool = True
    target: str = "away"
    warmup_epochs: int = 5
    pgd_steps: int = 1
    zero_start: bool = True
    features: tuple[int, ...] = (32, 32, 64, 128, 256, 32)
    as_published: bool = False
    title: str = field(default="", metadata=NOT_IN_KEYS)

    def __post_init__(self) -> None:
        if self.objective not in ATTACKS:
            raise StudyError(
                f"objective must be one of {', '.join(ATTACKS)}, not {self.objective!r}."
            )
        if self.form not in FORMS:
            raise StudyError(f"form must be one of {', '.join(FORMS)}, not {self.form!r}.")
        if self.target not in ("away", "next-class"):
            raise StudyError(f"target must be away or next-class, not {self.target!r}.")
        if self.radius is not None and not 1 <= self.radius <= 255:
            raise StudyError(f"radius counts steps of 1/255, from 1 to 255, not {self.radius}.")
        if self.rms is not None and not 0 < self.rms <= (self.radius or 255):
            raise StudyError(
                f"rms must be positive and no more than radius or 255, not {self.rms:g}."
            )
        if self.alpha is not None and self.alpha < 0:
            raise StudyError(f"alpha must not be negative, not {self.alpha}.")
        if self.attack.needs in ("radius", "rms") and getattr(self, self.attack.needs) is None:
            raise StudyError(f"The attack {self.objective} needs {self.attack.needs}.")
        if self.attack.surrogates != "none":
            self._check_crafting()

    def _check_crafting(self) -> None:
        if (self.alpha is None) == (self.radius is None):
            raise StudyError(
                f"Give either alpha or radius to {self.objective}, not both and not neither."
            )
        if self.rms is not None and self.radius is None:
            raise StudyError("rms needs a radius: changes are bent within it.")
        if self.form in ("class-wise", "sample-wise") and self.radius is None:
            raise StudyError(f"The form {self.form} needs a radius: its steps are shares of it.")
        if not self.surrogates:
            raise StudyError(f"{self.objective} needs at least one surrogate.")

    @property
    def attack(self) -> Attack:
        """Return what the registry says of the objective."""
        return ATTACKS[self.objective]

    @property
    def is_tap(self) -> bool:
        """Return whether this is targeted adversarial poisoning."""
        towards = self.objective == "error-maximising" and self.target == "next-class"
        return towards and self.form == "sample-wise"
