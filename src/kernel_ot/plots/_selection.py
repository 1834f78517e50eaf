"""The held-out criterion over the settings that were compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from kernel_ot.plots._axes import NEUTRAL, new_axes
from kernel_ot.selection import error_over_splits

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kernel_ot.diagnostics import ComparedSettings
    from kernel_ot.selection import Candidate

_NAMES = {"semi_dual": "semi-dual value", "energy": "energy distance"}


def selection(
    model: ComparedSettings,
    ax: Axes | None = None,
    *,
    criterion: Literal["semi_dual", "energy"] | None = None,
) -> Axes:
    """Draw the criterion over the grid of settings, with error bars, the best one marked.

    Every value is drawn as its difference to that of the preconditioner alone on the same split,
    which takes out what all settings of a split have in common. Bars are standard errors over the
    splits. Zero is the preconditioner alone (the Gaussian map by default).

    Parameters
    ----------
    model : KernelOT or KernelOTCV
        Fitted, with settings that were chosen: what has `candidates_`.
    ax : Axes, optional
        Where to draw; a new figure by default.
    criterion : {"semi_dual", "energy"}, optional
        Held-out semi-dual value (larger is better) or energy distance (smaller is better); by
        default what the model was chosen by.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        An unknown criterion, or a model whose settings were all given.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import KernelOT
    >>> x = np.linspace(0, 1, 30)[:, None]
    >>> ax = selection(KernelOT(n_splits=1).fit(x, x**2))
    >>> ax.get_xlabel()
    'reg_potential'
    """
    criterion = getattr(model, "criterion", "semi_dual") if criterion is None else criterion
    if criterion not in _NAMES:
        raise ValueError(f"criterion = {criterion!r} is unknown; use 'semi_dual' or 'energy'.")
    baseline = [c for c in model.candidates_ if c.is_baseline]
    compared = [c for c in model.candidates_ if not c.is_baseline]
    if not compared or not baseline or not getattr(baseline[0], criterion):
        raise ValueError("model.candidates_ holds no settings that were compared on held-out data.")
    ax = new_axes(ax, width=7.0)
    reference = np.asarray(getattr(baseline[0], criterion))
    curves: dict[str, list[tuple[float, float, float]]] = {}
    for candidate in compared:
        gain = np.asarray(getattr(candidate, criterion)) - reference
        error = float(np.nan_to_num(error_over_splits(gain)))  # no bar for a single split
        point = candidate.reg_potential, float(gain.mean()), error
        curves.setdefault(_label(candidate, compared), []).append(point)
    for number, (label, points) in enumerate(curves.items()):
        reg, value, bar = np.array(points).T
        # Curves share their regularisations; set side by side, their bars can be told apart.
        ax.errorbar(reg * 1.06**number, value, bar, fmt="o-", markersize=4, capsize=3, label=label)
    ax.axhline(0, linestyle="--", linewidth=1, color=NEUTRAL, label="preconditioner alone")
    larger = criterion == "semi_dual"
    every = [
        (p[1] if larger else -p[1], number, p)
        for number, c in enumerate(curves.values())
        for p in c
    ]
    _, number, (reg_potential, gain_of_best, _) = max(every)
    ax.plot(reg_potential * 1.06**number, gain_of_best, "o", markersize=14, markerfacecolor="none",
            markeredgecolor="black", linestyle="none", label="best of the grid")  # fmt: skip
    ax.set_xscale("log")
    ax.invert_xaxis()
    ax.set_xlabel("reg_potential")
    direction = "larger" if larger else "smaller"
    ax.set_ylabel(
        f"held-out {_NAMES[criterion]},\nchange by the kernel part ({direction} is better)"
    )
    ax.grid(True, alpha=0.3)
    ax.legend(fontsize="small")
    return ax


def _label(candidate: Candidate, compared: list[Candidate]) -> str:
    """Return what tells a candidate's curve from the others."""
    kernel = candidate.kernel
    label = f"bandwidth {candidate.bandwidth_factor:g} x median" if kernel is None else str(kernel)
    label += ", Matern" if candidate.rough else ""
    if len({other.reg_sos for other in compared}) > 1:
        label += f", reg_sos {candidate.reg_sos:g}"
    return label
