"""Every attack by name: what it is, where it is defined, which networks it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poisoning_study.data import ImageSet
from poisoning_study.objectives._patterns import (
    class_blocks,
    one_pixel,
    random_noise,
    separable,
    untouched,
)

#: From a set, the bound, the root mean square if it is given, and a generator to pixels.
Pattern = Callable[[ImageSet, int, float | None, np.random.Generator], NDArray[np.uint8]]


@dataclass(frozen=True)
class Attack:
    """A way to perturb a training set.

    Parameters
    ----------
    title, source : str
        Plain words for the page, and where it is defined.
    surrogates : {"none", "encoders", "learning", "trained"}
        No networks; frozen encoders of another task; classifiers that learn along; classifiers
        trained on the clean set before.
    pattern : callable or None
        Makes the whole perturbation where no networks are needed.
    needs : str
        The strength that must be given: "radius", "rms", "alpha or radius", or "" for none.
    """

    title: str
    source: str
    surrogates: str = "none"
    pattern: Pattern | None = None
    needs: str = ""


#: Every attack by the name that `objective` takes.
ATTACKS: dict[str, Attack] = {
    "adversarial": Attack("the original's game", "the report", "encoders", needs="alpha or radius"),
    "error-minimising": Attack(
        "error-minimising", "Huang et al. 2021", "learning", needs="alpha or radius"
    ),
    "error-maximising": Attack(
        "error-maximising", "Feng et al. 2019, Fowl et al. 2021", "trained", needs="alpha or radius"
    ),
    "separable": Attack(
        "separable patches (LSP)", "Yu et al. 2022", pattern=separable, needs="rms"
    ),
    "one-pixel": Attack("one-pixel shortcut (OPS)", "Wu et al. 2023", pattern=one_pixel),
    "class-blocks": Attack(
        "coloured blocks a class", "a control", pattern=class_blocks, needs="radius"
    ),
    "noise": Attack("random signs", "a control", pattern=random_noise, needs="radius"),
    "none": Attack("untouched pictures", "a control", pattern=untouched),
}
#: Those that networks are trained for.
OBJECTIVES = tuple(name for name, attack in ATTACKS.items() if attack.pattern is None)
