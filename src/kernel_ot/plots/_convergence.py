"""Residual against iterations or time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from kernel_ot.plots._axes import NEUTRAL, SOURCE, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Record(Protocol):
    """One iteration, as in `Solution.history`."""

    @property
    def iteration(self) -> int:
        """Number of the iteration."""

    @property
    def residual(self) -> float:
        """Relative residual of the optimality conditions."""

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""


def convergence(
    history: Sequence[Record],
    ax: Axes | None = None,
    *,
    by: Literal["iteration", "seconds"] = "iteration",
    tol: float | None = None,
    label: str | None = None,
    quantity: str = "relative KKT residual",
) -> Axes:
    """Draw the relative KKT residual of every iteration on a logarithmic scale.

    Parameters
    ----------
    history : sequence of records
        `Solution.history`, so `model.solution_.history` for a fitted `KernelOT`.
    ax : Axes, optional
        Where to draw; a new figure by default. Call again with the same Axes to compare methods.
    by : {"iteration", "seconds"}
        What the horizontal axis counts.
    tol : float, optional
        Draw the tolerance as a dashed line.
    label : str, optional
        Name of this curve in the legend.
    quantity : str
        What the records call their residual.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        An empty history or an unknown `by`.

    Examples
    --------
    >>> from types import SimpleNamespace as Record
    >>> history = [Record(iteration=k, residual=10.0**-k, elapsed=0.1 * k) for k in range(9)]
    >>> convergence(history, tol=1e-8).get_ylabel()
    'relative KKT residual'
    """
    if by not in ("iteration", "seconds"):
        raise ValueError(f"by = {by!r} is unknown; use 'iteration' or 'seconds'.")
    if not history:
        raise ValueError("history is empty; there was no iteration to draw.")
    ax = new_axes(ax)
    horizontal = [r.iteration if by == "iteration" else r.elapsed for r in history]
    residual = np.array([r.residual for r in history], dtype=float)
    residual[~(np.isfinite(residual) & (residual > 0))] = np.nan  # no place on a logarithmic axis
    colour = SOURCE if not ax.lines else None
    ax.semilogy(horizontal, residual, "o-", markersize=4, color=colour, label=label)
    if tol is not None:
        ax.axhline(tol, linestyle="--", linewidth=1, color=NEUTRAL, label=f"tolerance {tol:.0e}")
    ax.set_xlabel("iteration" if by == "iteration" else "time (s)")
    ax.set_ylabel(quantity)
    ax.grid(True, alpha=0.3)
    if label is not None or tol is not None:
        ax.legend()
    return ax
