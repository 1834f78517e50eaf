"""Distances between things as a heat map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import squareform

from kernel_ot.plots._axes import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Numbers in the cells can be read up to so many rows.
_MOST_NUMBERS = 12


def heat_map(
    distances: ArrayLike,
    names: Sequence[str],
    ax: Axes | None = None,
    *,
    quantity: str = "distance",
) -> Axes:
    """Draw a matrix of distances, clustered (average linkage): what is alike stands side by side.

    Parameters
    ----------
    distances : array-like of shape (k, k)
        Symmetric, zero on the diagonal.
    names : sequence of k str
    ax : Axes, optional
        Where to draw; a new figure by default.
    quantity : str
        What the distances are, with their unit.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        No square matrix, or another number of names.

    Examples
    --------
    >>> ax = heat_map([[0, 5, 1], [5, 0, 4], [1, 4, 0]], ["a", "b", "c"])
    >>> sorted([label.get_text() for label in ax.get_yticklabels()][::2])
    ['a', 'b']
    """
    values = np.asarray(distances, dtype=float)
    k = len(names)
    if values.shape != (k, k):
        raise ValueError(
            f"distances has shape {values.shape} for {k} names; it must be ({k}, {k})."
        )
    order = list(range(k))
    if k > 2:
        apart = squareform((values + values.T) / 2, checks=False)
        tree = optimal_leaf_ordering(linkage(apart, "average"), apart)
        order = leaves_list(tree).tolist()
    ax = new_axes(ax, width=max(5.0, 3.0 + 0.4 * k), height=max(4.2, 2.0 + 0.4 * k))
    shown = values[np.ix_(order, order)]
    image = ax.imshow(shown, cmap="viridis_r")
    labels = [names[i] for i in order]
    ax.set_xticks(range(k), labels, rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(k), labels)
    if k <= _MOST_NUMBERS:
        half = shown.max() / 2
        for (row, column), value in np.ndenumerate(shown):
            colour = "white" if value > half else "black"
            ax.text(column, row, f"{value:.2g}", ha="center", va="center", color=colour,
                    fontsize="small")  # fmt: skip
    ax.figure.colorbar(image, ax=ax, label=quantity)
    return ax
