"""The figures of the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kernel_ot import plots
from kernel_ot._arrays import Array, agreeing, counted
from kernel_ot.diagnostics import FittedTransport
from kernel_ot.report._features import Feature
from kernel_ot.samples import Samples

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DPI = 130
_MOST_SHIFTS, _MOST_MARGINALS = 20, 4
_LONGEST_NAME = 24
# Quantiles that a picture reaches to, and by how many widths of x and y images may widen it.
_INSIDE, _WIDTHS_BESIDE = (0.002, 0.998), 1.0


@dataclass(frozen=True)
class Picture:
    """One figure of the page.

    Attributes
    ----------
    caption : str
        What it shows; also the text for those who do not see it.
    data : str
        PNG in base64.
    width, height : int
        In pixels of the page.
    """

    caption: str
    data: str
    width: int
    height: int


def before_and_after(samples: Samples, images: Array, names: tuple[str, ...]) -> Iterator[Picture]:
    """Yield x beside y, and T(x) beside y, on the same axes."""
    d = samples.dimension
    if d == 1:
        yield _picture(
            plots.marginals(samples.x, samples.y, images, label=short(names[0])),
            "How the values are distributed: T(x), dotted, should lie on y, dashed.",
        )
        return
    if d == 2:
        points = [samples.x, samples.y, images]
        labels: tuple[str, ...] = tuple(map(short, names))
    else:
        points, labels = _plane(samples, images)
    low, high = _view(points)
    view = "" if d == 2 else " in the plane in which x and y vary most"
    hidden = int(np.any((points[2] < low) | (points[2] > high), axis=1).sum())
    beyond = (
        agreeing(hidden, f" Of T(x) {counted(hidden, 'point')} [lies|lie] outside of the picture.")
        if hidden
        else ""
    )
    for kept, caption in (
        ((0, 1), f"Before: x and y{view}."),
        ((2, 1), f"After: T(x) and y{view}. They should cover each other.{beyond}"),
    ):
        ax = plots.clouds([points[k] for k in kept], [_NAMES[k] for k in kept],
                          axes=labels, colours=[plots.COLOURS[k] for k in kept])  # fmt: skip
        for setter, axis in ((ax.set_xlim, 0), (ax.set_ylim, 1)):
            setter(low[axis], high[axis])
        yield _picture(ax, caption)


_NAMES = ("x", "y", "T(x)")


def _view(points: list[Array]) -> tuple[Array, Array]:
    """Return the corners of what is shown of x, y and T(x), but for the last few far points.

    Images that a bad map throws far away would make one dot of all others.
    """
    low, high = np.quantile(np.concatenate(points), _INSIDE, axis=0)
    low_of_both, high_of_both = np.quantile(np.concatenate(points[:2]), _INSIDE, axis=0)
    room = _WIDTHS_BESIDE * (high_of_both - low_of_both)
    low, high = np.maximum(low, low_of_both - room), np.minimum(high, high_of_both + room)
    margin = np.where(high > low, 0.05 * (high - low), 0.5)
    return low - margin, high + margin


def _plane(samples: Samples, images: Array) -> tuple[list[Array], tuple[str, ...]]:
    plane = plots.principal_plane(samples.x, samples.y)
    return [plane.project(p) for p in (samples.x, samples.y, images)], plane.labels


def of_the_map(
    model: FittedTransport, samples: Samples, images: Array, features: list[Feature],
    names: tuple[str, ...],
) -> Iterator[Picture]:  # fmt: skip
    """Yield where the map takes points, or by how much it moves the features."""
    d = samples.dimension
    if d <= 2:
        yield _picture(
            plots.transport_map(model.potentials_.transport, samples.x,
                                target=samples.y if d == 2 else None,
                                labels=tuple(map(short, names))),
            "The map: where it takes the points of x.",
        )  # fmt: skip
        return
    shown = features[:_MOST_SHIFTS]
    finite = [feature for feature in shown if feature.sd > 0]
    yield _picture(
        plots.shifts(
            [short(feature.name) for feature in finite],
            [feature.in_sd for feature in finite],
            [(feature.low / feature.sd, feature.high / feature.sd) for feature in finite],
            quantity="shift of the mean, in standard deviations",
        ),
        f"The {counted(len(finite), 'feature')} whose means move most: dots are the map's, bars "
        "hold the "
        "populations' shift with 95 %.",
    )
    for feature in shown[:_MOST_MARGINALS]:
        column = [names.index(feature.name)]
        yield _picture(
            plots.marginals(samples.x[:, column], samples.y[:, column], images[:, column],
                            label=short(feature.name)),
            f"How {feature.name} is distributed: T(x), dotted, should lie on y, dashed.",
        )  # fmt: skip


def of_the_selection(model: FittedTransport) -> Iterator[Picture]:
    """Yield how the settings compare, where there is a curve to draw."""
    compared = [candidate for candidate in model.candidates_ if not candidate.is_baseline]
    if len({candidate.reg_potential for candidate in compared}) < 2:
        return
    for criterion, said in (
        ("semi_dual", "semi-dual value (larger is better)"),
        ("energy", "energy distance (smaller is better)"),
    ):
        yield _picture(
            plots.selection(model, _axes(), criterion=criterion),  # type: ignore[arg-type]  # one of its words
            f"The settings that were compared, by held-out {said}; zero is the map without its "
            "kernel part.",
        )


def short(name: str) -> str:
    """Return a name that fits beside an axis, without marks of mathematics."""
    name = name.replace("$", r"\$")
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def _axes() -> Axes:
    from matplotlib.figure import Figure

    return Figure(figsize=(5.5, 4.0), layout="constrained").subplots()


def _picture(ax: Axes, caption: str) -> Picture:
    from matplotlib.figure import Figure

    figure = ax.figure
    assert isinstance(figure, Figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    return Picture(caption, base64.b64encode(buffer.getvalue()).decode(), width, height)
