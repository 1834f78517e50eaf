"""What the map does to each feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot.samples import Samples

# Means that differ by less, relative to their size, are the same.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Feature:
    """How one feature moves; in its own units where nothing else is said.

    Attributes
    ----------
    name : str
    mean_x, mean_mapped, mean_y : float
        Means of x, T(x) and y.
    low, high : float
        95 % interval of the difference between the populations' means, which the map is to make.
    sd : float
        Standard deviation of x and y, pooled about their own means.
    spread : float
        Standard deviation of T(x) over that of x.
    share : float
        Of the transport cost: the part of mean |T(x) - x|^2 / 2 that is in this feature.
    """

    name: str
    mean_x: float
    mean_mapped: float
    mean_y: float
    low: float
    high: float
    sd: float
    spread: float
    share: float

    @property
    def shift(self) -> float:
        """By how much the map moves the mean."""
        return self.mean_mapped - self.mean_x

    @property
    def in_sd(self) -> float:
        """The shift in pooled standard deviations; 0 for a constant feature that stays."""
        if self.sd > 0:
            return self.shift / self.sd
        stays = np.isclose(self.mean_mapped, self.mean_x, rtol=_ROUNDING, atol=0)
        return 0.0 if stays else float("inf")

    @property
    def clear(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0


def feature_table(samples: Samples, images: Array, names: tuple[str, ...]) -> list[Feature]:
    """Return the features, those first whose means move most in standard deviations.

    Parameters
    ----------
    samples : Samples
    images : ndarray of shape (n, d)
        T(x).
    names : tuple of d str
    """
    x, y, a, b = samples.x, samples.y, samples.weights_x, samples.weights_y
    mean_x, mean_y, mean_mapped = a @ x, b @ y, a @ images
    # Of equal values exactly 0, not the rounding of their mean.
    var_x, var_y = (
        np.where(np.ptp(p, axis=0) > 0, weights @ np.square(p - mean), 0.0)
        for p, weights, mean in ((x, a, mean_x), (y, b, mean_y))
    )
    var_mapped = a @ np.square(images - mean_mapped)
    moved = a @ np.square(images - x)
    total = float(moved.sum())
    features = []
    for k, name in enumerate(names):
        gap = mean_y[k] - mean_x[k]
        half = 1.96 * samples.standard_error(-x[:, k], y[:, k])
        features.append(
            Feature(
                name=name,
                mean_x=float(mean_x[k]),
                mean_mapped=float(mean_mapped[k]),
                mean_y=float(mean_y[k]),
                low=float(gap - half),
                high=float(gap + half),
                sd=float(np.sqrt((var_x[k] + var_y[k]) / 2)),
                spread=float(np.sqrt(var_mapped[k] / var_x[k])) if var_x[k] > 0 else 1.0,
                share=float(moved[k]) / total if total > 0 else 0.0,
            )
        )
    return sorted(features, key=lambda feature: -abs(feature.in_sd))
