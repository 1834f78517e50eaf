"""Where one sample has no extent and the other has: no map can make one."""

from __future__ import annotations

import numpy as np

from kernel_ot._arrays import Array, agreeing
from kernel_ot.diagnostics._of_rows import Caution, listed
from kernel_ot.samples import Samples

# What is narrower, of its size, is constant; of a sample's deviations, below which a combination of
# its features is constant, and above which that of the other sample is not.
_ROUNDING, _FLAT, _EXTENDED = 1e-12, 1e-6, 0.3


def flat_caution(samples: Samples) -> tuple[Caution | None, bool]:
    """Return what a flat sample means for the maps from it, and whether y is the flat one.

    A feature that is constant in one sample only, or a combination of features, such as one that
    comes twice there.
    """
    if samples.one_is_a_point:  # the map to or from it is constant, and nobody takes it for more
        return None, False
    x, a, y, b = samples.x, samples.weights_x, samples.y, samples.weights_y
    from_x = _of_map(x, a, y, b, ("x", "y", "T(x)"))
    from_y = _of_map(y, b, x, a, ("y", "x", "S(y)"))
    return from_x or from_y, from_y is not None


def _of_map(
    points: Array, weights: Array, others: Array, masses: Array, names: tuple[str, str, str]
) -> Caution | None:
    of, other, image = names
    is_constant, is_elsewhere = _constant(points), _constant(others)
    constant = np.flatnonzero(is_constant & ~is_elsewhere)
    if len(constant):
        return Caution(
            "flat",
            agreeing(
                len(constant),
                f"[Feature|Features] {listed(constant)} (counted from 0) [is|are] constant in {of} "
                f"and not in {other}: no map can spread a constant, so {image} has about the mean "
                f"of {other} there.",
            ),
            agreeing(
                len(constant),
                f"Leave [it|them] out of both samples, or take {image} for the mean there.",
            ),
        )
    points, others = points[:, ~is_constant], others[:, ~is_constant]
    d = points.shape[1]
    if not d:
        return None
    points, others = _centred(points, weights), _centred(others, masses)
    unit = np.linalg.norm(points, axis=0)
    _, lengths, directions = np.linalg.svd(points / unit, full_matrices=False)
    extended = directions[lengths > _FLAT]
    if len(extended) == min(d, len(points) - 1):
        return None
    others /= unit
    beside = others - (others @ extended.T) @ extended
    if np.linalg.norm(beside, ord=2) <= _EXTENDED * np.linalg.norm(others) / np.sqrt(d):
        return None
    return Caution(
        "flat",
        f"{of} fills {len(extended)} of {d} dimensions (features that follow from others, or few "
        f"different rows) and {other} more: no map can fill them, so {image} lacks a part of the "
        f"spread of {other}.",
        "Leave features that follow from others out of both samples, or take the images for means.",
    )


def _constant(points: Array) -> Array:
    largest = np.abs(points).max(axis=0)
    return np.asarray(np.ptp(points, axis=0) <= _ROUNDING * largest)


def _centred(points: Array, weights: Array) -> Array:
    """Return points about their mean, by the roots of their masses."""
    points = points - points[0]
    return np.asarray(np.sqrt(weights)[:, None] * (points - weights @ points))
