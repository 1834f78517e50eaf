"""Every detector on every class: p-values against exchanged tracks, scores of single images."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from poisoning_study.detection._pair import FeatureSet, class_pair, exchanged, exchanged_singly
from poisoning_study.detection._registry import DETECTORS, energy_values
from poisoning_study.detection._scores import RocCurve, is_clean, ranks, roc
from poisoning_study.detection._settings import DetectionSettings
from poisoning_study.errors import StudyError
from poisoning_study.families import holm
from poisoning_study.seeds import generator

_Floats = NDArray[np.float64]
#: With 4 tracks on each side there are 70 exchanges, enough for p = .05.
_FEWEST_TRACKS = 4
#: The same energy distance with frames exchanged one by one: the null one must not use.
NAIVE = "energy distance, frames exchanged singly"


class Flagged(TypedDict):
    """How many images are taken for poisoned, and how many of them are."""

    n: int
    n_poisoned: int


class Detection(TypedDict):
    """What `detect` finds, as it is stored: by detector, then by class or image; see there."""

    labels: list[int]
    labels_with_too_few_tracks: list[int]
    p_by_class: dict[str, list[float]]
    p_holm_by_class: dict[str, list[float]]
    p_together: dict[str, float]
    statistic_by_class: dict[str, list[float]]
    null_mean_by_class: dict[str, list[float]]
    roc: dict[str, RocCurve | None]
    is_clean: dict[str, list[int]]
    ranks: dict[str, list[float]]
    poisoned: list[int]
    tracks: list[int]
    flagged: dict[str, Flagged]


def p_value(values: _Floats) -> float:
    """Return the p-value of `values[0]` among all of `values`, the permuted ones following it.

    Examples
    --------
    >>> p_value(np.array([3.0, 1.0, 2.0, 0.0]))
    0.25
    """
    # Equal up to rounding counts as equal, which can only raise p.
    slack = 1e-12 * max(1.0, float(np.abs(values).max()))
    return float((values >= values[0] - slack).mean())


def combined_p_value(by_class: list[_Floats]) -> float:
    """Return the p-value of all classes together: standardised statistics, summed.

    Observed and permuted values are standardised together, so that the sum of the observed ones is
    exchangeable with the sums of the permuted ones.
    """
    total = np.zeros(len(by_class[0]))
    for values in by_class:
        spread = values.std()
        if spread > 0:
            total += (values - values.mean()) / spread
    return p_value(total)


def _enough_tracks(trusted: FeatureSet, suspect: FeatureSet, label: int) -> bool:
    counts = [len(np.unique(part.tracks[part.labels == label])) for part in (trusted, suspect)]
    return min(counts) >= _FEWEST_TRACKS


def _flagged(clean: list[int], poisoned: NDArray[np.bool_]) -> Flagged:
    """Return how many images are taken for poisoned, and how many of them are."""
    flagged = np.array(clean) == 0
    return {"n": int(flagged.sum()), "n_poisoned": int((flagged & poisoned).sum())}


def detect(
    trusted: FeatureSet,
    suspect: FeatureSet,
    poisoned: NDArray[np.bool_],
    settings: DetectionSettings,
    seed: int,
) -> Detection:
    """Compare suspect features with trusted ones, class by class.

    Parameters
    ----------
    trusted, suspect : FeatureSet
        Features of the same clean reference model, of images of different tracks.
    poisoned : bool array (n_suspect,)
        The truth, used for ROC curves alone.
    settings : DetectionSettings
        Components, permutations, kernel OT's parameters.
    seed : int
        Permutations and filling points.

    Returns
    -------
    dict
        `labels` tested, and `labels_with_too_few_tracks`; for each detector `p_by_class`, the same
        adjusted by Holm over the classes, `is_clean` (1 or 0 an image in the suspect set's order;
        images of classes not tested count as clean) with how many it takes for poisoned,
        `p_together`, `statistic_by_class`, `null_mean_by_class` and `roc` of the scores of single
        images, None if all or none are poisoned; `ranks`, `poisoned` and `tracks` of the images of
        the classes tested.

    Raises
    ------
    StudyError
        Every class has fewer than 4 tracks in either sample, too few to exchange.
    """
    values: dict[str, list[_Floats]] = {}
    scores: dict[str, _Floats] = {}
    present = [int(label) for label in np.unique(suspect.labels)]
    labels = [label for label in present if _enough_tracks(trusted, suspect, label)]
    if not labels:
        raise StudyError(
            f"No class has {_FEWEST_TRACKS} tracks in both the trusted and the suspect sample, the "
            "fewest for a permutation null. Raise data.trusted_share."
        )
    for label in labels:
        pair = class_pair(trusted, suspect, label, settings.components)
        rows = suspect.labels == label
        masks = exchanged(pair, generator(seed, "tracks", label), settings.permutations)
        for name, detector in DETECTORS.items():
            own = generator(seed, name, label)
            values.setdefault(name, []).append(detector.values(pair, masks, settings, own))
            score = ranks(detector.scores(pair, settings, own))
            scores.setdefault(name, np.zeros(len(suspect.labels)))[rows] = score
        rng = generator(seed, "frames", label)
        singles = exchanged_singly(pair, rng, settings.permutations)
        values.setdefault(NAIVE, []).append(energy_values(pair, singles, settings, rng))
    tested = np.isin(suspect.labels, labels)
    return {
        "labels": labels,
        "labels_with_too_few_tracks": sorted(set(present) - set(labels)),
        "p_by_class": {name: [p_value(v) for v in found] for name, found in values.items()},
        "p_holm_by_class": {
            name: holm([p_value(v) for v in found]) for name, found in values.items()
        },
        "p_together": {name: combined_p_value(found) for name, found in values.items()},
        "statistic_by_class": {
            name: [float(v[0]) for v in found] for name, found in values.items()
        },
        "null_mean_by_class": {
            name: [float(v[1:].mean()) for v in found] for name, found in values.items()
        },
        "roc": {name: roc(score[tested], poisoned[tested]) for name, score in scores.items()},
        "is_clean": {
            name: is_clean(score, settings.flagged_share) for name, score in scores.items()
        },
        # What bands of ROC curves are drawn from.
        "ranks": {
            name: [round(float(r), 4) for r in score[tested]] for name, score in scores.items()
        },
        "poisoned": [int(one) for one in poisoned[tested]],
        "tracks": [int(one) for one in suspect.tracks[tested]],
        "flagged": {
            name: _flagged(is_clean(score, settings.flagged_share), poisoned)
            for name, score in scores.items()
        },
    }
