"""Curves of the report."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from poisoning_study.detection import DETECTORS, FALSE_POSITIVE_RATES, NAIVE
from poisoning_study.report._numbers import Mean

#: Okabe and Ito's colours, which colour-blind readers can tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")


def _finish(ax: Axes, x_label: str, y_label: str) -> None:
    ax.set_xlabel(x_label)
    ax.set_ylabel(y_label)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25)


def accuracy_curves(curves: dict[str, dict[float, Mean]], x_label: str, chance: float) -> Figure:
    """Draw accuracy against the fraction replaced, one line a poison, 95% intervals."""
    figure = Figure(figsize=(7.2, 3.6 + 0.22 * len(curves)), layout="constrained")
    ax = figure.subplots()
    for index, (name, points) in enumerate(curves.items()):
        # A little to the side, so that intervals do not hide each other.
        x = np.array(sorted(points)) * 100 + (index - (len(curves) - 1) / 2) * 1.6
        y = [points[f].value for f in sorted(points)]
        error = [points[f].half_width or 0 for f in sorted(points)]
        colour, marker = COLOURS[index % len(COLOURS)], "os^Dv*XP"[index % 8]
        style = "-" if index % 2 == 0 else "--"
        ax.errorbar(
            x, y, error, color=colour, marker=marker, ls=style, ms=5, lw=1.2, capsize=3, label=name
        )
    ax.axhline(chance, color="0.6", lw=1, ls=":")
    ax.annotate("chance", (30, chance), fontsize=8, color="0.4", va="bottom")
    ax.set_xticks(sorted({100 * f for points in curves.values() for f in points}))
    ax.set_ylim(0, 1)
    _finish(ax, x_label, "final test accuracy")
    figure.legend(fontsize=8, loc="outside lower left")
    return figure


def epoch_curves(curves: dict[str, list[list[float]]]) -> Figure:
    """Draw accuracy after each epoch: thin lines are seeds, the thick one is their mean."""
    figure = Figure(figsize=(7.2, 3.2 + 0.22 * len(curves)), layout="constrained")
    ax = figure.subplots()
    for index, (name, runs) in enumerate(curves.items()):
        colour = COLOURS[index % len(COLOURS)]
        for run in runs:
            ax.plot(range(1, len(run) + 1), run, color=colour, lw=0.7, alpha=0.5)
        mean = np.mean(runs, axis=0)
        style = "-" if index % 2 == 0 else "--"
        ax.plot(range(1, len(mean) + 1), mean, style, color=colour, lw=2, label=name)
    ax.set_ylim(0, 1)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    _finish(ax, "epoch", "test accuracy")
    figure.legend(fontsize=8, loc="outside lower left")
    return figure


def loss_curves(curves: dict[str, list[dict[str, float]]]) -> Figure:
    """Draw the discriminator's losses on poisoned and on real images over the epochs."""
    figure = Figure(figsize=(7.2, 2.8), layout="constrained")
    axes = figure.subplots(1, len(curves), squeeze=False, sharey=True)[0]
    for ax, (name, epochs) in zip(axes, curves.items(), strict=True):
        for index, key in enumerate(("discriminator, poisoned", "discriminator, real")):
            values = [epoch[key] for epoch in epochs]
            style = "-" if index == 0 else "--"
            ax.plot(range(1, len(values) + 1), values, style, color=COLOURS[index], label=key)
        ax.set_title(name, fontsize=9)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        _finish(ax, "epoch", "loss" if ax is axes[0] else "")
    axes[-1].legend(fontsize=8)
    return figure


def power_curves(power: dict[str, dict[str, dict[float, tuple[int, int]]]]) -> Figure:
    """Draw the share of class-wise tests with p <= .05, by poison, detector and fraction.

    Parameters
    ----------
    power : dict
        Poison, then detector, then fraction, to (rejections, tests). Bars are 95% Wilson
        intervals, which take tests as independent.
    """
    figure = Figure(figsize=(4.2 * len(power), 3.6), layout="constrained")
    axes = figure.subplots(1, len(power), squeeze=False, sharey=True)[0]
    for ax, (poison, detectors) in zip(axes, power.items(), strict=True):
        for index, name in enumerate((*DETECTORS, NAIVE)):
            if name not in detectors:
                continue
            fractions = sorted(detectors[name])
            counts = [detectors[name][f] for f in fractions]
            middle = np.array([k / n for k, n in counts])
            low, high = np.array([wilson(k, n) for k, n in counts]).T
            x = np.array(fractions) * 100 + (index - 2.5) * 1.3
            ax.errorbar(
                x,
                middle,
                [np.maximum(middle - low, 0), np.maximum(high - middle, 0)],
                color=COLOURS[index] if name != NAIVE else "0.6",
                ls="-" if name != NAIVE else ":",
                marker="os^DvPx*"[index],
                ms=4,
                capsize=2,
                label=name,
            )
        ax.axhline(0.05, color="0.5", lw=1, ls="--")
        ax.set_title(poison, fontsize=9)
        ax.set_xticks([100 * f for f in sorted({f for found in detectors.values() for f in found})])
        ax.set_ylim(-0.02, 1.02)
        _finish(ax, "% poisoned", "share of classes with p ≤ .05" if ax is axes[0] else "")
    axes[-1].legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def wilson(k: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Return Wilson's interval for a share of k out of n.

    Examples
    --------
    >>> [round(bound, 3) for bound in wilson(0, 36)]
    [0.0, 0.096]
    """
    centre = (k + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(k * (n - k) / n + z**2 / 4)
    return float(max(0, centre - half)), float(min(1, centre + half))


@dataclass(frozen=True)
class Curve:
    """A mean ROC curve and its band, at `FALSE_POSITIVE_RATES`."""

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def roc_curves(curves: dict[str, dict[str, Curve]]) -> Figure:
    """Draw ROC curves of single images' scores with their bands, by case and detector."""
    n_columns = min(2, len(curves))
    n_rows = -(-len(curves) // n_columns)
    figure = Figure(figsize=(3.6 * n_columns + 1.6, 3.4 * n_rows), layout="constrained")
    axes = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for ax in axes[len(curves) :]:
        ax.set_axis_off()
    for ax, (case, detectors) in zip(axes, curves.items(), strict=False):
        for index, name in enumerate(DETECTORS):
            if name in detectors:
                curve, colour = detectors[name], COLOURS[index]
                ax.plot(FALSE_POSITIVE_RATES, curve.mean, color=colour, label=name)
                ax.fill_between(
                    FALSE_POSITIVE_RATES, curve.low, curve.high, color=colour, alpha=0.12, lw=0
                )
        ax.plot([0, 1], [0, 1], color="0.7", lw=1, ls=":")
        ax.set_title(case, fontsize=9)
        ax.set_aspect("equal")
        _finish(ax, "false positive rate", "true positive rate")
    axes[n_columns - 1].legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure
