"""On the line: what splines weigh beside the Gaussian map, on splits of all points."""

from __future__ import annotations

import numpy as np

from kernel_ot.preconditioning import fit_conjugation
from kernel_ot.samples import Samples
from kernel_ot.selection._combination import Combination, weigh_splines
from kernel_ot.selection._splits import random_splits

POINTS_FOR_SPLINES = 600
"""Points of the smaller sample above which splines take the kernel's place on the line.

At 300 they have its error, at 1000 three quarters of it; benchmarks/results/ has both.
"""
_SPLITS = 5


def combine_splines(
    samples: Samples, preconditioner: str | None, rng: np.random.Generator
) -> Combination:
    """Return the weights of splines and the Gaussian map with the largest held-out semi-dual value.

    Splines take no time, so all points of a split are fitted, where kernels are compared on some:
    weights of small parts are too smooth for the whole.

    Parameters
    ----------
    samples : Samples
        In the user's coordinates, of one feature.
    preconditioner : {"gaussian", "scale", None}
    rng : numpy.random.Generator
    """
    parts = []
    for split in random_splits(samples, _SPLITS, rng):
        train, test = split.train, split.test
        change = fit_conjugation(train.x, train.y, preconditioner, train.weights_x, train.weights_y)
        inner = change.changed(train.distinct())
        parts.append((inner, change.changed(test), change.scale**2))
    return weigh_splines(parts)
