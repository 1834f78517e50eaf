"""What all figures share: axes without pyplot, colours, a sample of the points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kernel_ot._arrays import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, which people with any colour vision can tell apart.
SOURCE, TARGET, MAPPED, NEUTRAL = "#0072B2", "#E69F00", "#009E73", "#555555"


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


def scatter(ax: Axes, points: Array, *, limit: int, size: float = 14, **style: Any) -> None:
    """Draw at most `limit` of the (n, 2) points as dots without edges."""
    shown = points[some_rows(len(points), limit)]
    ax.scatter(shown[:, 0], shown[:, 1], size, **{"linewidths": 0, **style})
