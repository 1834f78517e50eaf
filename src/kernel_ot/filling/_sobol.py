"""Filling points that cover the samples' box evenly."""

from __future__ import annotations

import numpy as np
from scipy.stats import qmc

from kernel_ot._arrays import Array
from kernel_ot.filling._sampling import checked_inputs


def sobol_points(
    x: Array,
    y: Array,
    n_fill: int,
    *,
    rng: np.random.Generator,
    weights_x: Array | None = None,
    weights_y: Array | None = None,
) -> tuple[Array, Array]:
    """Return a scrambled Sobol sequence on the samples' bounding box in R^{2d}.

    The choice of Vacher, Muzellec, Rudi, Bach and Vialard (arXiv 2101.05380). It covers low
    dimensions evenly; from d = 4 on few points of the box are near any mass, and pairs of samples
    are the better choice. The box depends on the axes, so it is not invariant under rotations.

    Parameters
    ----------
    x : array of shape (n, d)
    y : array of shape (m, d)
    n_fill : int
        Number of points; best balanced for powers of 2.
    rng : numpy.random.Generator
        Scrambles the sequence.
    weights_x, weights_y : arrays of shape (n,) and (m,), optional
        Only points with positive weight span the box.

    Returns
    -------
    x_fill, y_fill : arrays of shape (l, d)
        l = n_fill, but 1 where all points of each sample coincide.

    Raises
    ------
    ValueError
        Samples or weights that are not usable, different dimensions.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = np.array([[0.0], [1.0]]), np.array([[5.0], [7.0]])
    >>> x_fill, y_fill = sobol_points(x, y, 100, rng=np.random.default_rng(0))
    >>> bool(x_fill.max() <= 1.0), bool(y_fill.min() >= 5.0)
    (True, True)
    """
    x, y, _, _ = checked_inputs(x, y, weights_x, weights_y)
    d = x.shape[1]
    # `seed` is the argument's name in every SciPy since 1.13; a power of 2 keeps the balance.
    engine = qmc.Sobol(2 * d, scramble=True, seed=rng)
    unit = engine.random_base2(max(0, (n_fill - 1).bit_length()))[:n_fill]
    x_fill, y_fill = (
        np.clip(low + (high - low) * part, low, high).astype(points.dtype)
        for points, part, low, high in (
            (x, unit[:, :d], x.min(axis=0), x.max(axis=0)),
            (y, unit[:, d:], y.min(axis=0), y.max(axis=0)),
        )
    )
    # Rounding, or a box without extent, may make points coincide.
    _, first = np.unique(np.concatenate([x_fill, y_fill], axis=1), axis=0, return_index=True)
    first = np.sort(first)
    return x_fill[first], y_fill[first]
