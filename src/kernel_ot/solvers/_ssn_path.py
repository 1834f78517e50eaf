"""How far a step of the semismooth Newton method may go along the smoothed path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from kernel_ot.arrays import Array, branch, namespace_of
from kernel_ot.linalg import gram

# Cuts of the squared smoothing parameter that a step chooses from, boldest first; above 1 it rises.
_CUTS = np.concatenate([np.geomspace(1e-3, 1.0, 31), [3.0, 10.0, 30.0, 100.0]])
# How far from the smoothed path, relative to it, the next point may be predicted to lie.
_NEIGHBOURHOOD = 1.0
# Columns of the error of linearisation that are looked at: those where the step is longest.
_COLUMNS = 32


class Line(NamedTuple):
    """Newton points for every cut but for their common slopes.

    gamma and the relative change of the constraint at cut 0, and the second-order term that the
    relative changes of X and of the constraint are asked to make up for.
    """

    gamma: Array
    change: Array
    bend: Array


def boldest_cut(line: Line, slope: Array, least: Any) -> tuple[Any, Any]:
    """Return the smallest cut that stays near the path, and whether there is one (else 1).

    What the linear equations leave out is the product of both relative changes, that of the
    constraint, `D = change + cut slope`, and that of X, `cut - 1 - bend - D`, less the bend. It
    is a quadratic in the cut, so its size is known for all cuts from three matrices.
    """
    xp = namespace_of(slope)
    longest = xp.argsort(xp.sum(line.change**2, axis=0) + xp.sum(slope**2, axis=0))[-_COLUMNS:]
    D, B, E = line.change[:, longest], slope[:, longest], line.bend[:, longest]
    both = xp.concatenate([D, B], axis=1)
    # (1 + bend + change) times D and B, then slope times them.
    D_shifted, B_shifted = xp.split(both + (line.bend + line.change) @ both, 2, axis=1)
    D_sloped, B_sloped = xp.split(slope @ both, 2, axis=1)
    terms = (-D_shifted - E, D - D_sloped - B_shifted, B - B_sloped)
    products = [[xp.sum(a * b, axis=0) for b in terms] for a in terms]
    cuts = xp.asarray(_CUTS, dtype=slope.dtype)[:, None]
    powers = (1.0, cuts, cuts**2)
    squared = sum(powers[i] * powers[j] * products[i][j] for i in range(3) for j in range(3))
    # The largest column norm: at most the spectral norm, and far cheaper.
    errors = xp.sqrt(xp.maximum(xp.max(squared, axis=1), 0)) / cuts[:, 0]
    allowed = (errors <= _NEIGHBOURHOOD) & (cuts[:, 0] >= xp.minimum(least, 1.0))
    found = xp.any(allowed)
    return xp.where(found, cuts[xp.argmax(allowed), 0], 1.0), found


def bent(
    straight: Line,
    slope: Array,
    cut: Any,
    least: Any,
    respond: Callable[[Array], tuple[Array, Array]],
) -> tuple[Line, Any]:
    """Return the line corrected by what `straight` leaves out at `cut`, if it allows a bolder cut.

    Mehrotra's second-order correction (1992). `respond` returns how gamma and the relative change
    of the constraint move for a bend.
    """
    change = straight.change + cut * slope
    bend = (cut - 1) * change - gram(change)
    d_gamma, d_change = respond(bend)
    line = Line(straight.gamma + d_gamma, straight.change + d_change, bend)
    bolder, found = boldest_cut(line, slope, least)
    return branch(found & (bolder < cut), lambda: (line, bolder), lambda: (straight, cut))
