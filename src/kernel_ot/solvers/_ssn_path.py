"""How far a step of the semismooth Newton method may go along the smoothed path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from kernel_ot.arrays import Array, branch, namespace_of, while_loop
from kernel_ot.linalg import add_scaled, add_to_diagonal, multiplied, symmetrise

# Cuts of the squared smoothing parameter that a step chooses from, boldest first; above 1 it rises.
# From a point on the path some cut close to 1 is always allowed.
_CUTS = np.concatenate(
    [
        np.geomspace(1e-3, 10**-0.1, 60),
        1 - np.geomspace(0.19, 0.005, 12),
        [1.0, 3.0, 10.0, 30.0, 100.0],
    ]
)
# How far from the smoothed path, relative to it, the next point may be predicted to lie.
_NEIGHBOURHOOD = 1.0
# Corrections with one factor at most, each a quarter of a step's time; after one that made less of
# the cut than this power of it, another does not pay.
_CORRECTIONS = 3
_WORTH = 1.4
# Random combinations of the rows of the error of linearisation from which its columns are sized.
_ROWS = 16


class Line(NamedTuple):
    """Newton points for every cut but for their common slopes.

    gamma and the relative change of the constraint at cut 0, and minus that of X but for
    `cut - 1`: the same matrix, plus the bend, the second-order term that both changes are asked
    to make up for.
    """

    gamma: Array
    constraint: Array
    multiplier: Array


def boldest_cut(line: Line, slope: Array, least: Any) -> tuple[Any, Any]:
    """Return the smallest cut that stays near the path, and whether there is one (else 1).

    What the linear equations leave out is the product of both relative changes, that of the
    constraint, `D + cut slope`, and that of X, `cut - 1 - N - cut slope`, less the bend N - D. It
    is a quadratic in the cut. The norms of its columns are estimated for all cuts from a few random
    combinations of its rows (Johnson and Lindenstrauss 1984), always the same ones.
    """
    xp = namespace_of(slope)
    D, N, B = line.constraint, line.multiplier, slope
    rows = _random_rows(len(slope), slope)
    shifted, sloped = rows + rows @ N, rows @ B
    shifted_D, rows_D, sloped_D = xp.split(xp.concatenate([shifted, rows, sloped]) @ D, 3)
    shifted_B, sloped_B = xp.split(xp.concatenate([shifted, sloped]) @ B, 2)
    bend = shifted - rows - rows_D
    terms = (-shifted_D - bend, rows_D - sloped_D - shifted_B, sloped - sloped_B)
    products = [[xp.sum(a * b, axis=0) for b in terms] for a in terms]
    cuts = xp.asarray(_CUTS, dtype=slope.dtype)[:, None]
    powers = (1.0, cuts, cuts**2)
    squared = sum(powers[i] * powers[j] * products[i][j] for i in range(3) for j in range(3))
    # The largest column norm: at most the spectral norm, and far cheaper.
    errors = xp.sqrt(xp.maximum(xp.max(squared, axis=1), 0)) / cuts[:, 0]
    allowed = (errors <= _NEIGHBOURHOOD) & (cuts[:, 0] >= xp.minimum(least, 1.0))
    found = xp.any(allowed)
    return xp.where(found, cuts[xp.argmax(allowed), 0], 1.0), found


def _random_rows(size: int, like: Array) -> Array:
    """Return rows whose products with a vector have about its norm."""
    rows = np.random.default_rng(0).standard_normal((_ROWS, size)) / np.sqrt(_ROWS)
    typed: Array = namespace_of(like).asarray(rows, dtype=like.dtype)
    return typed


def boldest_line(
    slope: Array, least: Any, respond: Callable[[Array | None], tuple[Array, Array]]
) -> tuple[Line, Any, Any]:
    """Return the line, corrected as long as that allows bolder cuts, its cut, and a damping.

    The corrections are Mehrotra's second-order one (1992) and the higher ones of Gondzio (1996): a
    few solves with the factor that is there. Where no cut stays near the path the damping is
    below 1, and the step leads part of the way to the path as it is.

    Parameters
    ----------
    slope : array of shape (r, r)
        Of the relative change of the constraint, per cut.
    least : array of shape ()
        The smallest cut that is of use.
    respond : callable
        Returns gamma and the relative change of the constraint at cut 0 for a bend, or for none.
    """
    xp = namespace_of(slope)

    def straight_line() -> tuple[Any, ...]:
        gamma, change = respond(None)
        line = Line(gamma, change, change)
        cut, found = boldest_cut(line, slope, least)
        to_path = change + slope
        lengths = xp.einsum("ij,ij->j", to_path, to_path)
        damping = xp.where(found, 1.0, xp.minimum(1.0, 0.8 / xp.sqrt(xp.max(lengths))))
        return line, cut, damping, xp.asarray(0), found

    def bolder_line(carried: tuple[Any, ...]) -> tuple[Any, ...]:
        line, cut, damping, corrections, _ = carried
        change = add_scaled(1 * line.constraint, cut, slope)
        product = add_scaled(1 * line.multiplier, cut, slope)
        product *= -1
        product = multiplied(add_to_diagonal(product, cut - 1), change)
        del change
        bend = symmetrise(product)
        gamma, constraint = respond(bend)
        bolder = Line(gamma, constraint, add_scaled(bend, 1.0, constraint))
        found_cut, found = boldest_cut(bolder, slope, least)
        found_cut = xp.where(found, found_cut, xp.inf)
        worth_more = found_cut < xp.where(cut < 1, cut**_WORTH, cut)
        line, cut = branch(found_cut < cut, lambda: (bolder, found_cut), lambda: (line, cut))
        return line, cut, damping, corrections + 1, worth_more

    def is_worth_more(carried: tuple[Any, ...]) -> Any:
        *_, corrections, worth_more = carried
        return worth_more & (corrections < _CORRECTIONS)

    line, cut, damping, *_ = while_loop(is_worth_more, bolder_line, straight_line())
    return line, cut, damping
