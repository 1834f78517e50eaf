"""Potentials and maps of points on a line or in the plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from kernel_ot._arrays import Array, check_points, counted
from kernel_ot.plots._axes import MAPPED, NEUTRAL, SOURCE, TARGET, new_axes, scatter, spread_rows
from kernel_ot.plots._model import Function, feature_labels, model_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kernel_ot.diagnostics import FittedTransport


def _check_drawable(
    points: ArrayLike | None, labels: Sequence[str] | None
) -> tuple[Array, Sequence[str]]:
    points = check_points(points, "points")
    d = points.shape[1]
    if d > 2:
        raise ValueError(
            f"points have {d} features, which cannot be drawn; use principal_components for a view "
            "of the first two components."
        )
    if labels is not None and len(labels) != d:
        raise ValueError(
            f"labels has {counted(len(labels), 'entry')} for {counted(d, 'feature')}; give one a "
            "feature."
        )
    return points, labels or (("x",) if d == 1 else ("first feature", "second feature"))


def potential(
    function: FittedTransport | Function,
    points: ArrayLike | None = None,
    ax: Axes | None = None,
    *,
    name: str = "u",
    labels: Sequence[str] | None = None,
    resolution: int = 80,
) -> Axes:
    """Draw a potential over the range of `points`: a curve on a line, level sets in the plane.

    A potential is only determined up to a constant; the mean over `points` is subtracted.

    Parameters
    ----------
    function : KernelOT or callable
        A fitted model, or a function from (k, d) points to (k,) values.
    points : array-like of shape (n, d), optional
        The sample that the potential belongs to, d = 1 or 2; also drawn. A model has its own.
    ax : Axes, optional
        Where to draw; a new figure by default.
    name : str
        What the potential is called; of a model "u" or "v", which one to draw.
    labels : sequence of d str, optional
        Names of the features with their units.
    resolution : int
        Grid points along each axis.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        More than two features, or as `check_points`.

    Examples
    --------
    >>> import numpy as np
    >>> ax = potential(lambda x: x[:, 0] ** 2, np.linspace(0, 1, 9).reshape(-1, 1))
    >>> ax.get_ylabel()
    'u (squared units of x)'
    """
    model = model_of(function)
    if model is not None:
        if name not in ("u", "v"):
            raise ValueError(f"name = {name!r} must be 'u' or 'v' for a model.")
        function = model.potentials_.u if name == "u" else model.potentials_.v
        own = model.samples_.x if name == "u" else model.samples_.y
        points = own if points is None else points
        labels = labels or feature_labels(model)
    assert callable(function)
    points, labels = _check_drawable(points, labels)
    offset = np.mean(function(points))
    low, high = points.min(axis=0), points.max(axis=0)
    high = np.where(high > low, high, low + 1)  # a constant feature still needs an axis
    axes = np.linspace(low, high, resolution, dtype=points.dtype).T
    if points.shape[1] == 1:
        ax = new_axes(ax)
        ax.plot(axes[0], function(axes[0][:, None]) - offset, color=SOURCE)
        # Ticks along the lower edge: the points, which say where the curve rests on data.
        ax.plot(points[:, 0], np.zeros(len(points)), "|", color=NEUTRAL, alpha=0.5,
                transform=ax.get_xaxis_transform(), clip_on=False, label="sample")  # fmt: skip
        ax.set_xlabel(labels[0])
        ax.set_ylabel(f"{name} (squared units of {labels[0]})")
        ax.grid(True, alpha=0.3)
    else:
        ax = new_axes(ax, width=5.5, height=4.5)
        grid = np.stack(np.meshgrid(*axes), axis=-1)
        values = np.reshape(function(grid.reshape(-1, 2)), grid.shape[:2]) - offset
        levels = ax.contourf(*axes, values, levels=20, cmap="viridis")
        scatter(ax, points, limit=1000, size=6, color="white", edge="black", label="sample")
        ax.figure.colorbar(levels, ax=ax, label=f"{name} (squared units)")
        ax.set_xlabel(labels[0])
        ax.set_ylabel(labels[1])
        ax.set_aspect("equal")
    ax.legend(loc="best")
    return ax


def transport_map(
    transport: FittedTransport | Function,
    points: ArrayLike | None = None,
    ax: Axes | None = None,
    *,
    target: ArrayLike | None = None,
    labels: Sequence[str] | None = None,
    max_arrows: int = 200,
) -> Axes:
    """Draw where a map takes `points`: a curve on a line, arrows in the plane.

    Parameters
    ----------
    transport : KernelOT or callable
        A fitted model, or a function from (k, d) points to (k, d) points, such as
        `model.inverse_transform`.
    points : array-like of shape (n, d), optional
        Where the map starts, d = 1 or 2; the first sample of a model.
    ax : Axes, optional
        Where to draw; a new figure by default.
    target : array-like of shape (m, d), optional
        The sample that the map should arrive at; drawn for comparison (d = 2). A model has its own.
    labels : sequence of d str, optional
        Names of the features with their units.
    max_arrows : int
        So many arrows are drawn at most, from points that cover the sample evenly.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        More than two features, or as `check_points`.

    Examples
    --------
    >>> import numpy as np
    >>> ax = transport_map(lambda x: 2 * x, np.random.default_rng(0).normal(size=(50, 2)))
    >>> ax.get_xlabel()
    'first feature'
    """
    model = model_of(transport)
    if model is not None:
        points = model.samples_.x if points is None else points
        target = model.samples_.y if target is None and np.shape(points)[1] == 2 else target
        labels, transport = labels or feature_labels(model), model.transform
    assert callable(transport)
    points, labels = _check_drawable(points, labels)
    if points.shape[1] == 1:
        ax = new_axes(ax, width=4.5, height=4.5)
        start = np.sort(points, axis=0)
        ax.plot(start[:, 0], start[:, 0], "--", linewidth=1, color=NEUTRAL, label="identity")
        ax.plot(start[:, 0], transport(start)[:, 0], color=MAPPED, label="map")
        ax.set_xlabel(labels[0])
        ax.set_ylabel(f"image of {labels[0]}")
        ax.grid(True, alpha=0.3)
    else:
        ax = new_axes(ax, width=5.5, height=5.0)
        start = points[spread_rows(points, max_arrows)]
        end = np.asarray(transport(start))
        if target is not None:
            goal = check_points(target, "target", dimension=2)
            scatter(ax, goal, limit=1000, color=TARGET, alpha=0.5, label="y")
        ax.quiver(*start.T, *(end - start).T, angles="xy", scale_units="xy", scale=1, width=0.002,
                  color=NEUTRAL, alpha=0.6)  # fmt: skip
        scatter(ax, start, limit=max_arrows, size=10, color=SOURCE, label="x")
        scatter(ax, end, limit=max_arrows, size=10, color=MAPPED, label="T(x)")
        ax.set_xlabel(labels[0])
        ax.set_ylabel(labels[1])
        ax.set_aspect("equal", adjustable="datalim")
    ax.legend(loc="best")
    return ax
