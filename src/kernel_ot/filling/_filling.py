"""One name for every strategy."""

from __future__ import annotations

from operator import index
from typing import Literal, get_args

import numpy as np

from kernel_ot._arrays import Array, check_generator, shown
from kernel_ot.filling._pairs import mixed_pairs, plan_pairs, random_pairs
from kernel_ot.filling._sobol import sobol_points

FillingStrategy = Literal["pairs", "random_pairs", "plan_pairs", "sobol"]

_STRATEGIES = {
    "pairs": mixed_pairs,
    "random_pairs": random_pairs,
    "plan_pairs": plan_pairs,
    "sobol": sobol_points,
}


def filling_points(
    x: Array,
    y: Array,
    n_fill: int,
    strategy: FillingStrategy = "pairs",
    *,
    rng: np.random.Generator | int,
    weights_x: Array | None = None,
    weights_y: Array | None = None,
) -> tuple[Array, Array]:
    """Return the points (x, y) at which the constraint on the potentials is imposed.

    Parameters
    ----------
    x : array of shape (n, d)
        Source sample.
    y : array of shape (m, d)
        Target sample.
    n_fill : int
        How many, at least 1. Fewer are returned where there are not as many distinct ones.
    strategy : {"pairs", "random_pairs", "plan_pairs", "sobol"}, default "pairs"
        `mixed_pairs` (half plan, half random), `random_pairs`, `plan_pairs` or `sobol_points`.
        Pairs of samples work at every d; "sobol" needs d <= 3 and a full box.
    rng : numpy.random.Generator or int
        Every random choice is drawn from it; a number is a seed.
    weights_x, weights_y : arrays of shape (n,) and (m,), optional
        Masses, equal by default. Points of mass 0 are never used.

    Returns
    -------
    x_fill, y_fill : arrays of shape (l, d)
        One pair a row, no pair twice, l <= n_fill, in the samples' precision.

    Raises
    ------
    ValueError
        An unknown strategy, `n_fill` below 1, `rng` that is neither, or samples or weights
        that are not usable.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(200, 3)), rng.normal(size=(300, 3))
    >>> x_fill, y_fill = filling_points(x, y, 64, "pairs", rng=rng)
    >>> x_fill.shape, y_fill.shape
    ((64, 3), (64, 3))
    """
    if strategy not in _STRATEGIES:
        raise ValueError(
            f"strategy = {shown(strategy)} must be one of {get_args(FillingStrategy)}."
        )
    rng = check_generator(rng)
    try:
        count = index(n_fill)
    except TypeError:
        raise ValueError(f"n_fill = {shown(n_fill)} must be an integer.") from None
    if count < 1:
        raise ValueError(f"n_fill = {count} must be at least 1.")
    return _STRATEGIES[strategy](x, y, count, rng=rng, weights_x=weights_x, weights_y=weights_y)
