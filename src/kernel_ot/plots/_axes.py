"""What all figures share: axes without pyplot, colours, a sample of the points."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import numpy as np

from kernel_ot._arrays import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, which people with any colour vision can tell apart.
SOURCE, TARGET, MAPPED, NEUTRAL = "#0072B2", "#E69F00", "#009E73", "#555555"
COLOURS = SOURCE, TARGET, MAPPED


def new_axes(ax: Axes | None = None, *, width: float = 6.0, height: float = 4.0) -> Axes:
    """Return `ax`, or the Axes of a new figure that pyplot does not know (and so need not close).

    Parameters
    ----------
    ax : Axes, optional
        Returned as it is.
    width, height : float
        Size of a new figure in inches.

    Raises
    ------
    ImportError
        Matplotlib is not installed.
    """
    if ax is not None:
        return ax
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("Figures need matplotlib: pip install 'kernel-ot[plots]'") from error
    return Figure(figsize=(width, height), layout="constrained").subplots()


def some_rows(n: int, limit: int) -> Array:
    """Return at most `limit` of the indices 0..n-1, spread evenly, the same at every call."""
    return np.unique(np.linspace(0, n - 1, min(n, limit)).astype(np.intp))


def spread_rows(points: Array, limit: int) -> Array:
    """Return at most `limit` indices of (n, 2) points that cover them evenly, dense or sparse.

    The plane is cut into squares, as fine as that many allow, and each gives the point that is
    nearest to the middle of its own.
    """
    if len(points) <= limit:
        return np.arange(len(points))
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    scaled = (points - low) / max(float(extent.max()), np.finfo(float).tiny)
    cells = np.zeros(len(points), dtype=np.intp)
    for n_cells in range(2, 200):
        finer = np.floor(scaled * n_cells).astype(np.intp).clip(0, n_cells - 1)
        found = np.unique(finer @ [n_cells, 1], return_inverse=True)[1]
        if found.max() >= limit:
            break
        cells = found
    counts = np.bincount(cells)
    middle = np.stack([np.bincount(cells, column) / counts for column in scaled.T], axis=1)
    apart = np.sum((scaled - middle[cells]) ** 2, axis=1)
    order = np.lexsort((apart, cells))
    return np.sort(order[np.unique(cells[order], return_index=True)[1]])


class DotStyle(TypedDict):
    """Size and opacity of dots."""

    size: float
    alpha: float


def crowd_style(n_points: int) -> DotStyle:
    """Return size and opacity of dots: many hide each other, so they shrink and fade."""
    crowd = max(1.0, n_points / 300)
    return {"size": max(3.0, 14 / crowd**0.5), "alpha": max(0.25, 0.6 / crowd**0.3)}


def scatter(
    ax: Axes,
    points: Array,
    *,
    limit: int,
    label: str,
    color: str,
    size: float = 14,
    alpha: float | None = None,
    edge: str | None = None,
) -> None:
    """Draw at most `limit` of the (n, 2) points as dots, with thin edges of the colour `edge`."""
    x, y = points[some_rows(len(points), limit)].T
    width = 0.0 if edge is None else 0.4
    ax.scatter(x, y, size, color, alpha=alpha, edgecolors=edge, linewidths=width, label=label)
