"""Perturbations of one strength: within a bound, and of a given root mean square."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poisoning_study.errors import StudyError

_Pixels = NDArray[np.uint8]
#: From a share, 0 to 1, to a change or its result, the stronger the larger the share.
Family = Callable[[float], NDArray[Any]]
#: The root mean square is met to this share of it.
_ACCURACY = 0.005


def added(images: _Pixels, change: NDArray[Any]) -> _Pixels:
    """Return `images + change`, rounded and clipped to 8 bits."""
    return np.clip(np.rint(images + change.astype(np.float64)), 0, 255).astype(np.uint8)


def root_mean_square(clean: _Pixels, changed: _Pixels) -> float:
    """Return the root mean square of the change, in steps of 1/255."""
    difference = changed.astype(np.float64) - clean
    return float(np.sqrt((difference**2).mean()))


def with_rms(clean: _Pixels, family: Family, rms: float | None) -> _Pixels:
    """Return the member of a family that changes pixels by `rms`, as near as rounding allows.

    Without `rms`, the strongest.

    Raises
    ------
    StudyError
        Even the strongest member changes them less.
    """
    strongest = family(1.0)
    if rms is None:
        return strongest
    most = root_mean_square(clean, strongest)
    if most < rms * (1 - _ACCURACY):
        raise StudyError(
            f"A root mean square of {rms:g} of 255 was asked for, but within its bound this "
            f"perturbation reaches {most:.1f}. Lower rms or raise radius."
        )
    low, high, found = 0.0, 1.0, strongest
    while abs(root_mean_square(clean, found) / rms - 1) > _ACCURACY and high - low > 1e-6:
        middle = (low + high) / 2
        found = family(middle)
        if root_mean_square(clean, found) < rms:
            low = middle
        else:
            high = middle
    return found


def equalised(
    clean: _Pixels, poisoned: _Pixels, radius: int, rms: float, rng: np.random.Generator
) -> _Pixels:
    """Return a crafted perturbation with root mean square `rms` and the same largest change.

    Changes are bent by a power of their share of the radius: signs and order stay, and what is at
    the bound stays at it. Where most of it is at the bound, as after many signed steps, and bending
    cannot weaken it enough, a random share of its entries is kept, as of the controls.
    """
    change = poisoned.astype(np.float64) - clean
    size, sign = np.abs(change) / radius, np.sign(change)
    order = rng.random(change.shape)

    def weaker(share: float) -> _Pixels:
        power = 8.0 ** min(1.0, 3 - 4 * share)
        bent = radius * sign * size**power
        return added(clean, bent if share >= 0.5 else np.where(order < 2 * share, bent, 0.0))

    return with_rms(clean, weaker, rms)
