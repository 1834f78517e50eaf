"""How well scores of single images tell poisoned from clean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float64]
#: False positive rates at which ROC curves are recorded.
FALSE_POSITIVE_RATES = np.linspace(0, 1, 41)
#: The low ones at which a detector is of use: what is found while few clean images are accused.
LOW_RATES = (0.01, 0.05)


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


class RocCurve(TypedDict):
    """A ROC curve as it is stored."""

    auc: float
    at_low_rates: list[float]
    true_positive_rates: list[float]


def roc(scores: _Floats, positive: NDArray[np.bool_]) -> RocCurve | None:
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


@dataclass(frozen=True)
class ScoredImages:
    """Scores of one seed's images, what they are and which are frames of one track."""

    scores: _Floats
    positive: NDArray[np.bool_]
    tracks: NDArray[np.int64]


def roc_band(
    samples: Sequence[ScoredImages], rng: np.random.Generator, draws: int = 200
) -> tuple[_Floats, _Floats]:
    """Return a pointwise 95% band of the mean ROC curve at `FALSE_POSITIVE_RATES`.

    Bootstrap (Efron 1979) of seeds, and within each of whole tracks: frames of a track are alike.
    """
    prepared = [_sorted(one) for one in samples]
    curves = np.empty((draws, len(FALSE_POSITIVE_RATES)))
    for draw in range(draws):
        chosen = rng.integers(len(prepared), size=len(prepared))
        drawn = [_resampled(prepared[index], rng) for index in chosen]
        curves[draw] = np.mean(drawn, axis=0)
    low, high = np.nanquantile(curves, [0.025, 0.975], axis=0)
    return low, high


class _Sorted(NamedTuple):
    """Images by falling score; `last` marks the last of equal ones, which are passed together."""

    positive: NDArray[np.bool_]
    last: NDArray[np.bool_]
    track: NDArray[np.int64]


def _sorted(one: ScoredImages) -> _Sorted:
    order = np.argsort(-one.scores, kind="stable")
    last = np.append(np.diff(one.scores[order]) != 0, True)
    return _Sorted(one.positive[order], last, np.unique(one.tracks[order], return_inverse=True)[1])


def _resampled(images: _Sorted, rng: np.random.Generator) -> _Floats:
    n_tracks = int(images.track.max()) + 1
    counts = np.bincount(rng.integers(n_tracks, size=n_tracks), minlength=n_tracks)[images.track]
    hits = np.cumsum(counts * images.positive)[images.last]
    alarms = np.cumsum(counts * ~images.positive)[images.last]
    if not hits[-1] or not alarms[-1]:
        return np.full(len(FALSE_POSITIVE_RATES), np.nan)
    alarm_rates, hit_rates = (np.append(0.0, passed / passed[-1]) for passed in (alarms, hits))
    return np.asarray(np.interp(FALSE_POSITIVE_RATES, alarm_rates, hit_rates))
