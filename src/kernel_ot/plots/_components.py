"""Views of points with many features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from kernel_ot._arrays import Array, check_points
from kernel_ot.plots._axes import COLOURS, crowd_style, new_axes, scatter
from kernel_ot.plots._model import model_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kernel_ot.diagnostics import FittedTransport


def principal_components(
    source: FittedTransport | ArrayLike,
    target: ArrayLike | None = None,
    mapped: ArrayLike | None = None,
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
    source : KernelOT or array-like of shape (n, d)
        A fitted model, or the sample where the map starts, d >= 2.
    target : array-like of shape (m, d), optional
        The sample where it should arrive. A model has its own.
    mapped : array-like of shape (k, d), optional
        Images of source points. They should cover the target. A model maps its sample.
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
        One feature only, different features, no target, or as `check_points`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> ax = principal_components(rng.normal(size=(30, 5)), rng.normal(size=(20, 5)))
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['source', 'target']
    """
    model = model_of(source)
    start = check_points(source, "source") if model is None else model.samples_.x
    if model is not None:
        target = model.samples_.y if target is None else target
        mapped = model.transform(start) if mapped is None else mapped
    elif target is None:
        raise ValueError(
            "target is not given; pass the second sample, or a fitted model as source."
        )
    plane = principal_plane(start, target)
    drawn = [start, target] if mapped is None else [start, target, mapped]
    return clouds(
        [plane.project(points) for points in drawn],
        names,
        ax,
        axes=plane.labels,
        max_points=max_points,
    )


@dataclass(frozen=True, eq=False)
class PrincipalPlane:
    """The plane in which two samples together vary most.

    Attributes
    ----------
    centre : ndarray of shape (d,)
    axes : ndarray of shape (d, 2)
        Its directions, of length 1.
    labels : tuple of two str
        What the axes show.
    """

    centre: Array
    axes: Array
    labels: tuple[str, ...]

    def project(self, points: ArrayLike) -> Array:
        """Return the coordinates, (k, 2), of points (k, d)."""
        points = check_points(points, "points", dimension=len(self.centre))
        return np.asarray((points - self.centre) @ self.axes)


def principal_plane(source: ArrayLike, target: ArrayLike) -> PrincipalPlane:
    """Return the plane of the first two principal components, each sample counting half.

    Parameters
    ----------
    source, target : array-like of shape (n, d) and (m, d)
        d >= 2.

    Returns
    -------
    PrincipalPlane

    Raises
    ------
    ValueError
        One feature only, different features, or as `check_points`.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(30, 5))
    >>> principal_plane(x, x + 1).project(x).shape
    (30, 2)
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
    labels = tuple(
        f"{number} principal component ({part:.0%} of variance)"
        for number, part in zip(("first", "second"), share, strict=False)
    )
    return PrincipalPlane(centre, plane, labels)


def clouds(
    points: Sequence[Array],
    names: Sequence[str],
    ax: Axes | None = None,
    *,
    axes: Sequence[str] = ("first feature", "second feature"),
    max_points: int = 2000,
    colours: Sequence[str] = COLOURS,
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
    colours : sequence of str
        By default those of source, target and mapped points in all figures.

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
    for cloud, name, colour in zip(shown, names, colours, strict=False):
        scatter(ax, cloud, limit=max_points, color=colour, label=name, **style)
    ax.set_xlabel(axes[0])
    ax.set_ylabel(axes[1])
    legend = ax.legend(loc="best", markerscale=2)
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set_alpha(1.0)
    return ax
