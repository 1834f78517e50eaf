"""Scores of single images, and how well they tell poisoned from clean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from poisoning_study.detection._pair import ClassPair
from poisoning_study.detection._statistics import two_means
from poisoning_study.detection._transport import TransportTest

_Floats = NDArray[np.float64]
#: False positive rates at which ROC curves are recorded.
FALSE_POSITIVE_RATES = np.linspace(0, 1, 41)
#: The low ones at which a detector is of use: what is found while few clean images are accused.
LOW_RATES = (0.01, 0.05)


def _spectral(points: _Floats) -> _Floats:
    """Squared projection on the leading direction (Tran, Li and Madry 2018)."""
    centred = points - points.mean(0)
    direction = np.linalg.svd(centred, full_matrices=False)[2][0]
    return np.asarray((centred @ direction) ** 2)


def _clustering(points: _Floats) -> _Floats:
    """How much nearer the smaller of two clusters is (Chen et al. 2018)."""
    side, centres = two_means(points)
    small = int(np.bincount(side, minlength=2).argmin())
    distances = cdist(points, centres)
    return np.asarray(distances[:, 1 - small] - distances[:, small])


def _energy(pair: ClassPair) -> _Floats:
    """Witness of the energy distance: mean distance to trusted minus to suspect points."""
    points = pair.points[pair.suspect]
    return np.asarray(
        cdist(points, pair.points[~pair.suspect]).mean(1) - cdist(points, points).mean(1)
    )


def image_scores(pair: ClassPair, transport: TransportTest) -> dict[str, _Floats]:
    """Return each detector's score of every suspect of a class; larger is more suspicious."""
    points = pair.points[pair.suspect]
    return {
        "kernel OT": transport.displacement(pair.suspect),
        "energy distance": _energy(pair),
        "spectral signatures": _spectral(points),
        "activation clustering": _clustering(points),
    }


def ranks(scores: _Floats) -> _Floats:
    """Return average ranks in (0, 1], so that classes of different scale can be put together.

    Examples
    --------
    >>> ranks(np.array([5.0, 1.0, 5.0, 7.0])).tolist()
    [0.625, 0.25, 0.625, 1.0]
    """
    below = (scores[None, :] < scores[:, None]).sum(1)
    equal = (scores[None, :] == scores[:, None]).sum(1)
    return np.asarray((below + (equal + 1) / 2) / len(scores))


def is_clean(rank: _Floats, share: float) -> list[int]:
    """Return 1 for each image taken for clean and 0 for a poisoned one, as ART's defences do.

    Parameters
    ----------
    rank : float64 array (n,)
        Of `ranks` within each class; 0 where the class was not tested, which counts as clean.
    share : float
        Of each class that is taken for poisoned.

    Examples
    --------
    >>> is_clean(np.array([0.25, 0.5, 0.75, 1.0]), 0.25)
    [1, 1, 1, 0]
    """
    return [int(one) for one in rank <= 1 - share + 1e-12]


def roc(scores: _Floats, positive: NDArray[np.bool_]) -> dict[str, object] | None:
    """Return the area under the ROC curve and its points; None where one kind is missing.

    `at_low_rates` are true positive rates at `LOW_RATES`, of the lowest threshold that keeps within
    the rate: attainable, not interpolated.

    Examples
    --------
    >>> curve = roc(np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True]))
    >>> curve["auc"], curve["at_low_rates"]
    (1.0, [1.0, 1.0])
    """
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    if not n_positive or not n_negative:
        return None
    thresholds = np.concatenate([[np.inf], np.unique(scores)[::-1]])
    hits = np.array([(scores[positive] >= t).mean() for t in thresholds])
    alarms = np.array([(scores[~positive] >= t).mean() for t in thresholds])
    area = float(((hits[1:] + hits[:-1]) / 2 * np.diff(alarms)).sum())
    curve = np.interp(FALSE_POSITIVE_RATES, alarms, hits)
    low = [float(hits[alarms <= rate + 1e-12].max()) for rate in LOW_RATES]
    return {
        "auc": area,
        "at_low_rates": low,
        "true_positive_rates": [round(float(rate), 4) for rate in curve],
    }
