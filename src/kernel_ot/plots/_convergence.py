"""Residual against iterations or time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from kernel_ot._arrays import shown
from kernel_ot.plots._axes import NEUTRAL, SOURCE, new_axes
from kernel_ot.plots._model import Record, model_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kernel_ot.diagnostics import FittedTransport


def convergence(
    history: FittedTransport | Sequence[Record],
    ax: Axes | None = None,
    *,
    by: Literal["iteration", "seconds"] = "iteration",
    tol: float | None = None,
    label: str | None = None,
    quantity: str | None = None,
) -> Axes:
    """Draw how a fit converged, on a logarithmic scale.

    Of a model with adaptive filling that is the largest violation in each round, whose problems are
    solved to rounding; else the relative KKT residual of each step.

    Parameters
    ----------
    history : KernelOT or sequence of records
        A fitted model, or a `Solution.history`.
    ax : Axes, optional
        Where to draw; a new figure by default. Call again with the same Axes to compare methods.
    by : {"iteration", "seconds"}
        What the horizontal axis counts.
    tol : float, optional
        Draw the tolerance as a dashed line; the model's own by default.
    label : str, optional
        Name of this curve in the legend.
    quantity : str, optional
        What the records call their residual.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        An empty history, an unknown `by`, a model that is not fitted.

    Examples
    --------
    >>> from types import SimpleNamespace as Record
    >>> history = [Record(iteration=k, residual=10.0**-k, elapsed=0.1 * k) for k in range(9)]
    >>> convergence(history, tol=1e-8).get_ylabel()
    'relative KKT residual'
    """
    if by not in ("iteration", "seconds"):
        raise ValueError(f"by = {by!r} is unknown; use 'iteration' or 'seconds'.")
    rounds = False
    records: Sequence[Record]
    model = model_of(history)
    if model is not None:
        rounds = bool(model.rounds_)
        records = model.solution_.history[: len(model.rounds_) or None]
        tol = tol or (model.violation_tol if rounds else model.tol)
        quantity = quantity or ("largest violation / mean cost" if rounds else None)
    elif isinstance(history, Sequence):
        records = history
    else:
        raise ValueError(
            f"history = {shown(history)} is no fitted model and no sequence of records."
        )
    if not records:
        raise ValueError("history is empty; there was no iteration to draw.")
    ax = new_axes(ax)
    horizontal = [r.iteration if by == "iteration" else r.elapsed for r in records]
    residual = np.array([r.residual for r in records], dtype=float)
    residual[~(np.isfinite(residual) & (residual > 0))] = np.nan  # no place on a logarithmic axis
    colour = SOURCE if not ax.lines else None
    ax.semilogy(horizontal, residual, "o-", markersize=4, color=colour, label=label)
    if tol is not None:
        ax.axhline(tol, linestyle="--", linewidth=1, color=NEUTRAL, label=f"tolerance {tol:.0e}")
    counted = "round of filling points" if rounds else "iteration"
    ax.set_xlabel(counted if by == "iteration" else "time (s)")
    ax.set_ylabel(quantity or "relative KKT residual")
    ax.grid(True, alpha=0.3)
    if label is not None or tol is not None:
        ax.legend()
    return ax
