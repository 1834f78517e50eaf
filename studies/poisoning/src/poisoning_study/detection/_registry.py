"""Every detector by name: a statistic of two samples, and a score of single images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from kernel_ot import two_sample_test
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from poisoning_study.detection._pair import ClassPair
from poisoning_study.detection._settings import DetectionSettings
from poisoning_study.detection._statistics import (
    cluster_separations,
    gaussian_kernel,
    leading_variances,
    median_distance,
    quadratic_forms,
    two_means,
)
from poisoning_study.detection._transport import TransportMap

_Floats = NDArray[np.float64]
_Masks = NDArray[np.bool_]


@dataclass(frozen=True)
class Detector:
    """A way to notice contamination in the features of one class.

    Parameters
    ----------
    name, source : str
        Its name on the page, and where it is defined.
    values : callable
        From the pair, masks of suspects (the true one first), settings and a generator to one
        statistic a mask, large where the samples differ.
    scores : callable
        From the pair, settings and a generator to one number a suspect; larger is more suspicious.
    """

    name: str
    source: str
    values: Callable[[ClassPair, _Masks, DetectionSettings, np.random.Generator], _Floats]
    scores: Callable[[ClassPair, DetectionSettings, np.random.Generator], _Floats]


def _transport_values(
    pair: ClassPair, masks: _Masks, settings: DetectionSettings, rng: np.random.Generator
) -> _Floats:
    """Kernel OT's divergence, linearised at the pooled sample; it draws its own exchanges."""
    suspect = pair.suspect
    seed = int(rng.integers(2**31))
    found = two_sample_test(
        pair.points[~suspect],
        pair.points[suspect],
        len(masks) - 1,
        seed,
        groups=(pair.blocks[~suspect], pair.blocks[suspect]),
    )
    every = np.array([found.statistic, *found.null])
    if not found.exact:
        return every
    # All exchanges are there: as many as the others have are drawn from them.
    return np.array([found.statistic, *rng.choice(every, len(masks) - 1)])


def _transport_scores(
    pair: ClassPair, settings: DetectionSettings, rng: np.random.Generator
) -> _Floats:
    return TransportMap(pair.points, settings, rng).displacement(pair.suspect)


def energy_values(
    pair: ClassPair, masks: _Masks, settings: DetectionSettings, rng: np.random.Generator
) -> _Floats:
    """Return `2 E|a - b| - E|a - a'| - E|b - b'|` at each mask."""
    return -quadratic_forms(cdist(pair.points, pair.points), masks)


def _energy_scores(
    pair: ClassPair, settings: DetectionSettings, rng: np.random.Generator
) -> _Floats:
    """Witness of the energy distance: mean distance to trusted minus to suspect points."""
    mine, trusted = pair.points[pair.suspect], pair.points[~pair.suspect]
    return np.asarray(cdist(mine, trusted).mean(1) - cdist(mine, mine).mean(1))


def _discrepancy_values(
    pair: ClassPair, masks: _Masks, settings: DetectionSettings, rng: np.random.Generator
) -> _Floats:
    points = pair.points
    return quadratic_forms(gaussian_kernel(points, points, median_distance(points)), masks)


def _discrepancy_scores(
    pair: ClassPair, settings: DetectionSettings, rng: np.random.Generator
) -> _Floats:
    """Witness of the discrepancy: mean kernel value at suspect minus at trusted points."""
    kernel = gaussian_kernel(pair.points[pair.suspect], pair.points, median_distance(pair.points))
    return np.asarray(kernel[:, pair.suspect].mean(1) - kernel[:, ~pair.suspect].mean(1))


def _spectral_scores(
    pair: ClassPair, settings: DetectionSettings, rng: np.random.Generator
) -> _Floats:
    """Squared projection on the leading direction of the suspects."""
    points = pair.points[pair.suspect]
    centred = points - points.mean(0)
    direction = np.linalg.svd(centred, full_matrices=False)[2][0]
    return np.asarray((centred @ direction) ** 2)


def _clustering_scores(
    pair: ClassPair, settings: DetectionSettings, rng: np.random.Generator
) -> _Floats:
    """How much nearer the smaller of the suspects' two clusters is."""
    points = pair.points[pair.suspect]
    side, centres = two_means(points, np.ones((1, len(points)), dtype=bool))
    small = int(np.bincount(side[0], minlength=2).argmin())
    distances = cdist(points, centres[0])
    return np.asarray(distances[:, 1 - small] - distances[:, small])


#: Every detector by name. Kernel OT comes first: the others are what it is set against.
DETECTORS: dict[str, Detector] = {
    detector.name: detector
    for detector in (
        Detector(
            "kernel OT",
            "kernel_ot.two_sample_test; single images by how far the kernel OT map moves them",
            _transport_values,
            _transport_scores,
        ),
        Detector("energy distance", "Szekely and Rizzo 2004", energy_values, _energy_scores),
        Detector(
            "MMD",
            "Gretton et al. 2012, Gaussian kernel at the median distance",
            _discrepancy_values,
            _discrepancy_scores,
        ),
        Detector(
            "spectral signatures",
            "Tran, Li and Madry 2018",
            lambda pair, masks, settings, rng: leading_variances(pair.points, masks),
            _spectral_scores,
        ),
        Detector(
            "activation clustering",
            "Chen et al. 2018",
            lambda pair, masks, settings, rng: cluster_separations(pair.points, masks),
            _clustering_scores,
        ),
    )
}
