"""What a map does to single features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from kernel_ot._arrays import check_points
from kernel_ot.plots._axes import COLOURS, MAPPED, NEUTRAL, TARGET, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LINES = ("-", "--", ":")  # colour is not all that tells them apart


def marginals(
    source: ArrayLike,
    target: ArrayLike,
    mapped: ArrayLike,
    ax: Axes | None = None,
    *,
    label: str = "x",
    names: Sequence[str] = ("x", "y", "T(x)"),
) -> Axes:
    """Draw how one feature is distributed in two samples and in the mapped one.

    Parameters
    ----------
    source, target, mapped : array-like of shape (n, 1), (m, 1) and (k, 1)
        The feature in either sample, and where the map takes it.
    ax : Axes, optional
        Where to draw; a new figure by default.
    label : str
        The feature's name with its unit.
    names : sequence of str
        What the legend calls the three.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        As `check_points`, or more than one feature.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(50, 1))
    >>> marginals(x, x + 1, x + 1).get_ylabel()
    'share of points a bin'
    """
    drawn = [
        check_points(points, name, dimension=1)[:, 0].astype(np.float64)
        for points, name in zip(
            (source, target, mapped), ("source", "target", "mapped"), strict=True
        )
    ]
    # Bins of the middle, or one wild point leaves a single bar for all others.
    low, high = np.quantile(np.concatenate(drawn), [0.002, 0.998])
    edges = np.linspace(low, high if high > low else low + 1, 41)
    ax = new_axes(ax, width=5.5, height=4.0)
    for values, name, colour, line in zip(drawn, names, COLOURS, _LINES, strict=True):
        inside = np.clip(values, edges[0], edges[-1])
        shares = np.histogram(inside, edges)[0] / len(values)
        ax.stairs(shares, edges, color=colour, linestyle=line, linewidth=2, label=name)
    ax.set_xlabel(label)
    ax.set_ylabel("share of points a bin")
    ax.grid(True, alpha=0.3)
    ax.legend(loc="best")
    return ax


def shifts(
    names: Sequence[str],
    values: ArrayLike,
    intervals: ArrayLike,
    ax: Axes | None = None,
    *,
    quantity: str = "shift of the mean",
) -> Axes:
    """Draw by how much a map moves the mean of each feature, and between which bounds it should.

    Parameters
    ----------
    names : sequence of k str
        Features, from top to bottom.
    values : array-like of shape (k,)
        The map's shifts.
    intervals : array-like of shape (k, 2)
        Intervals for the shift from one population to the other.
    ax : Axes, optional
        Where to draw; a new figure by default.
    quantity : str
        What is drawn, with its unit.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        Another number of values or intervals than of names.

    Examples
    --------
    >>> ax = shifts(["ERK", "area"], [1.0, -0.5], [(0.9, 1.1), (-0.7, -0.3)])
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['ERK', 'area']
    """
    values, intervals = np.asarray(values, dtype=float), np.asarray(intervals, dtype=float)
    k = len(names)
    if values.shape != (k,) or intervals.shape != (k, 2):
        raise ValueError(
            f"values and intervals have shapes {values.shape} and {intervals.shape} for {k} names; "
            "give one of each a name."
        )
    ax = new_axes(ax, width=5.5, height=1.4 + 0.24 * k)
    places = np.arange(k)
    ax.axvline(0, color=NEUTRAL, linewidth=1)
    ax.hlines(places, *intervals.T, color=TARGET, linewidth=6, alpha=0.7, label="x to y, 95 %")
    ax.plot(values, places, "o", color=MAPPED, markersize=5, label="x to T(x)")
    ax.set_yticks(places, names)
    ax.margins(y=0.5 / max(k, 1))
    ax.invert_yaxis()
    ax.set_xlabel(quantity)
    ax.set_ylabel("feature")
    ax.grid(True, axis="x", alpha=0.3)
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False)
    return ax
