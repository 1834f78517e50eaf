"""Keep a steep colour map from magnifying the grain and the compression blocks of a photograph."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter

from kernel_ot._arrays import Array


def without_grain(
    picture: Array, mapped: Array, *, radius: int = 4, contrast: float = 0.03
) -> Array:
    """Return the picture plus its displacement in colour, smoothed where the picture is smooth.

    A map only sees colours, so that in a nearly flat sky it may send neighbouring pixels, which
    differ by one step of the 8-bit scale, to visibly different colours. Filtering the displacement
    `mapped - picture` instead of the picture keeps every detail of the original (Rabin, Delon and
    Gousseau 2011, Removing artefacts from color and contrast modifications). The filter is the
    guided one of He, Sun and Tang (2013, Guided image filtering): in every window the
    displacement becomes an affine function of the picture's brightness.

    Parameters
    ----------
    picture, mapped : ndarray of shape (height, width, 3)
        The original and the image of each of its pixels, in [0, 1].
    radius : int
        Windows have 2 radius + 1 pixels a side.
    contrast : float
        Standard deviation of brightness in a window above which it counts as an edge to keep.

    Returns
    -------
    ndarray of shape (height, width, 3)
        May leave [0, 1] a little.

    Examples
    --------
    >>> flat = np.full((9, 9, 3), 0.5)
    >>> mapped = flat.copy()
    >>> mapped[4, 4] += 0.1
    >>> float(np.abs(without_grain(flat, mapped) - flat).max().round(4))  # from 0.1
    0.0012
    """

    def window_mean(values: Array) -> Array:
        return np.asarray(uniform_filter(values, (2 * radius + 1, 2 * radius + 1, 0)))

    guide, shift = picture.mean(axis=2, keepdims=True), mapped - picture
    mean_guide, mean_shift = window_mean(guide), window_mean(shift)
    variance = window_mean(guide**2) - mean_guide**2
    slope = (window_mean(guide * shift) - mean_guide * mean_shift) / (variance + contrast**2)
    offset = mean_shift - slope * mean_guide
    return np.asarray(picture + window_mean(slope) * guide + window_mean(offset))
