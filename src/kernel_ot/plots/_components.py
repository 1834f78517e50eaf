"""Views of points with many features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kernel_ot._arrays import check_points
from kernel_ot.plots._axes import MAPPED, SOURCE, TARGET, crowd_style, new_axes, scatter

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def principal_components(
    source: Any,
    target: Any,
    mapped: Any = None,
    ax: Axes | None = None,
    *,
    max_points: int = 2000,
    names: Sequence[str] = ("source", "target", "mapped source"),
) -> Axes:
    """Draw two samples, and one mapped onto the other, in the plane where the two vary most.

    The plane is spanned by the first two principal components of source and target together, each
    sample counting half whatever its size; the mapped points have no say in it.

    Parameters
    ----------
    source : array-like of shape (n, d)
        The sample where the map starts, d >= 2.
    target : array-like of shape (m, d)
        The sample where it should arrive.
    mapped : array-like of shape (k, d), optional
        Images of source points. They should cover the target.
    ax : Axes, optional
        Where to draw; a new figure by default.
    max_points : int
        So many points of each are drawn at most, evenly chosen along its rows.
    names : sequence of str
        What the legend calls them.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        One feature only, different features, or as `check_points`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> ax = principal_components(rng.normal(size=(30, 5)), rng.normal(size=(20, 5)))
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['source', 'target']
    """
    source = check_points(source, "source").astype(np.float64)
    d = source.shape[1]
    if d < 2:
        raise ValueError("source has 1 feature; use potential and transport_map on a line.")
    target = check_points(target, "target", dimension=d).astype(np.float64)
    centre = (source.mean(axis=0) + target.mean(axis=0)) / 2
    second_moment = sum((z - centre).T @ (z - centre) / len(z) for z in (source, target)) / 2
    variances, axes = np.linalg.eigh(second_moment)
    share = variances[::-1] / max(variances.sum(), np.finfo(float).tiny)
    plane = axes[:, :-3:-1]
    plane = plane * np.sign(plane[np.abs(plane).argmax(axis=0), [0, 1]])  # the same at every call
    drawn = [source, target]
    if mapped is not None:
        drawn.append(check_points(mapped, "mapped", dimension=d))
    labels = tuple(
        f"{number} principal component ({part:.0%} of variance)"
        for number, part in zip(("first", "second"), share, strict=False)
    )
    return clouds(
        [(points - centre) @ plane for points in drawn],
        names,
        ax,
        axes=labels,
        max_points=max_points,
    )


def clouds(
    points: Sequence[Any],
    names: Sequence[str],
    ax: Axes | None = None,
    *,
    axes: Sequence[str] = ("first feature", "second feature"),
    max_points: int = 2000,
) -> Axes:
    """Draw source, target and mapped points that lie in a plane already, such as a UMAP's.

    Parameters
    ----------
    points : sequence of array-like of shape (n, 2)
        Two or three of them: source, target, and the mapped source.
    names : sequence of str
        What the legend calls them.
    ax : Axes, optional
        Where to draw; a new figure by default.
    axes : sequence of two str
        What the axes show.
    max_points : int
        So many points of each are drawn at most, evenly chosen along its rows.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import numpy as np
    >>> ax = clouds([np.zeros((3, 2)), np.ones((4, 2))], ["control", "drug"])
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['control', 'drug']
    """
    ax = new_axes(ax, width=5.5, height=5.0)
    shown = [check_points(cloud, "points", dimension=2) for cloud in points]
    style = crowd_style(max(min(len(cloud), max_points) for cloud in shown))
    for cloud, name, colour in zip(shown, names, (SOURCE, TARGET, MAPPED), strict=False):
        scatter(ax, cloud, limit=max_points, color=colour, label=name, **style)
    ax.set_xlabel(axes[0])
    ax.set_ylabel(axes[1])
    legend = ax.legend(loc="best", markerscale=2)
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set_alpha(1.0)
    return ax
