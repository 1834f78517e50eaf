"""How far a step of the semismooth Newton method may go along the smoothed path."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kernel_ot._arrays import Array, Scalar, branch, namespace_of, while_loop, with_entry
from kernel_ot._linalg import inplace, squared_lengths, weighted_gram

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
_NEIGHBOURHOOD = 0.7
# Corrections with one factor at most, each a quarter of a step's time; after one that made less of
# the cut than this power of it, another does not pay.
_CORRECTIONS = 3
_WORTH = 1.4
# Random combinations of the rows of the error of linearisation from which its columns are sized.
_ROWS = 16


class Change(NamedTuple):
    """The change of the constraint, relative to where the path has it, as a function of gamma.

    `scale V diag(gamma) V' scale + diag(offset)`: never held as a matrix for longer than needed.
    """

    features: Array
    scale: Array
    offset: Array

    def matrix(self, gamma: Array) -> Array:
        """Return the change at gamma, of shape (r, r)."""
        change = inplace.scale_both_sides(weighted_gram(self.features, gamma), self.scale)
        return inplace.add_to_diagonal(change, self.offset)

    def rows_times(self, rows: Array, gamma: Array, slope: Array) -> tuple[Array, Array]:
        """Return `rows` times the change at gamma, and times its derivative along `slope`."""
        V = self.features
        between = (rows * self.scale) @ V
        change = ((between * gamma) @ V.T) * self.scale + rows * self.offset
        return change, ((between * slope) @ V.T) * self.scale


class Line(NamedTuple):
    """Newton points for every cut but for their common slope.

    gamma at cut 0, and the bend: what the change of X is asked to make up for beyond that of the
    constraint, `change(X) = cut - 1 - bend - change(constraint)`.
    """

    gamma: Array
    bend: Array


def boldest_cut(change: Change, line: Line, slope: Array, least: Scalar) -> tuple[Scalar, Array]:
    """Return the smallest cut that stays near the path, and whether there is one (else 1).

    What the linear equations leave out is the product of both relative changes, that of the
    constraint, `D + cut B`, and that of X, `cut - 1 - N - cut B`, less the bend N - D. It is a
    quadratic in the cut. The norms of its columns are estimated for all cuts from a few random
    combinations of its rows (Johnson and Lindenstrauss 1984), always the same ones.

    Parameters
    ----------
    change : Change
    line : Line
    slope : array of shape (l,)
        Of gamma, per cut.
    least : array of shape ()
        The smallest cut that is of use.
    """
    xp = namespace_of(slope)
    rows = _random_rows(line.bend.shape[0], slope)
    bend = rows @ line.bend
    rows_D, sloped = change.rows_times(rows, line.gamma, slope)
    shifted = rows + bend + rows_D
    by_D, by_B = change.rows_times(xp.concatenate([shifted, sloped]), line.gamma, slope)
    shifted_D, sloped_D = xp.split(by_D, 2)
    shifted_B, sloped_B = xp.split(by_B, 2)
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
    change: Change, start: Array, slope: Array, least: Scalar, bent: Callable[[Array], Array]
) -> tuple[Line, Scalar, Scalar]:
    """Return the line, corrected as long as that allows bolder cuts, its cut, and a damping.

    The corrections are Mehrotra's second-order one (1992) and the higher ones of Gondzio (1996): a
    few solves with the factor that is there. Where no cut stays near the path the damping is
    below 1, and the step leads part of the way to the path as it is.

    Parameters
    ----------
    change : Change
    start, slope : array of shape (l,)
        gamma at cut 0 without a bend, and per cut.
    least : array of shape ()
        The smallest cut that is of use.
    bent : callable
        Returns gamma at cut 0 for a bend.
    """
    xp = namespace_of(slope)
    size = change.features.shape[0]
    straight = Line(start, xp.zeros((size, size), dtype=slope.dtype))
    straight_cut, found = boldest_cut(change, straight, slope, least)

    def bolder_line(best: _Corrected) -> _Corrected:
        moved = change.matrix(best.line.gamma + best.cut * slope)
        bend = inplace.add_scaled(best.line.bend, 1.0, moved)  # in the place of the last one
        bend *= -1
        bend = inplace.add_to_diagonal(bend, best.cut - 1)
        bend = inplace.symmetrise(inplace.multiply(bend, moved))
        del moved
        bolder = Line(bent(bend), bend)
        near_cut, is_near = boldest_cut(change, bolder, slope, least)
        bolder_cut = xp.where(is_near, near_cut, xp.inf)
        worth_more: Array = bolder_cut < xp.where(best.cut < 1, best.cut**_WORTH, best.cut)
        line, cut = branch(
            bolder_cut < straight_cut,
            lambda: (bolder, bolder_cut),
            lambda: (Line(start, with_entry(bend, slice(None), 0.0)), straight_cut),
        )
        return _Corrected(line, cut, best.corrections + 1, worth_more)

    def is_worth_more(best: _Corrected) -> Array:
        again: Array = best.is_worth_more & (best.corrections < _CORRECTIONS)
        return again

    damping = branch(
        found, lambda: xp.ones_like(straight_cut), lambda: _damping(change, start + slope)
    )
    uncorrected = _Corrected(straight, straight_cut, xp.asarray(0), found)
    best = while_loop(is_worth_more, bolder_line, uncorrected)
    return best.line, best.cut, damping


class _Corrected(NamedTuple):
    """The line after some corrections, its cut, and whether another one may be worth its time."""

    line: Line
    cut: Scalar
    corrections: Array
    is_worth_more: Array


def _damping(change: Change, gamma: Array) -> Scalar:
    """Return the share of the way to gamma that changes no column by more than 0.8."""
    xp = namespace_of(gamma)
    longest = xp.max(squared_lengths(change.matrix(gamma)))
    share: Scalar = xp.minimum(1.0, 0.8 / xp.sqrt(longest))
    return share
