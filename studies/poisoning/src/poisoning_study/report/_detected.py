"""What finished detections hold: p-values, areas, classes left out."""

from __future__ import annotations

from collections.abc import Callable

from poisoning_study.detection import DETECTORS, Detection, RocCurve
from poisoning_study.families import at_level, holm
from poisoning_study.report._numbers import Mean, Results, differences, mean_of

#: Kernel OT is set against the simplest test of the same hypothesis.
_OURS, _RIVAL = list(DETECTORS)[:2]


def by_seed(results: Results, name: str, poison: str, fraction: float) -> dict[int, Detection]:
    """Return the detections of a set by seed."""
    return results.cells.get((name, poison if fraction else "", "", "none", fraction), {})


def over_seeds(results: Results, name: str, poison: str, fraction: float) -> list[Detection]:
    """Return the detections of a set, one a seed."""
    return list(by_seed(results, name, poison, fraction).values())


def every_detection(results: Results, name: str) -> list[Detection]:
    """Return every finished detection of an experiment."""
    return [
        one for cell, found in results.cells.items() if cell[0] == name for one in found.values()
    ]


def rejections(found: list[Detection], detector: str) -> tuple[int, int]:
    """Return how many classes and seeds are found different, and of how many."""
    p_values = [p for one in found for p in one["p_by_class"][detector]]
    return sum(map(at_level, p_values)), len(p_values)


def p_by_holm(one: Detection, detector: str) -> list[float]:
    """Return the p-values of the classes, adjusted over them."""
    return one["p_holm_by_class"][detector]


def p_together(results: Results, name: str, detector: str) -> dict[tuple[int, str, float], float]:
    """Return p-values of all classes together by seed, poison and share.

    Adjusted over the sets of a seed that a detector is asked about.
    """
    by_seed: dict[int, dict[tuple[int, str, float], float]] = {}
    for cell, found in results.cells.items():
        if cell[0] == name:
            for seed, one in found.items():
                p_value = float(one["p_together"][detector])
                by_seed.setdefault(seed, {})[seed, cell[1], cell[4]] = p_value
    return {
        key: p
        for family in by_seed.values()
        for key, p in zip(family, holm(list(family.values())), strict=True)
    }


def found_together(results: Results, detector: str, share: float) -> tuple[int, int]:
    """Return in how many sets with `share` poisoned `detector` finds all classes together."""
    found = {
        key: p
        for name, experiment in results.study.experiments.items()
        if experiment.kind == "detection"
        for key, p in p_together(results, name, detector).items()
        if key[2] == share
    }
    return sum(map(at_level, found.values())), len(found)


def single_image_areas(results: Results) -> list[tuple[str, float, Mean]]:
    """Return (detector, share, area under the ROC curve over seeds) of every mixed set."""
    return [
        (detector, cell[4], mean_of([curve_area(one, detector) for one in found.values()]))
        for cell, found in results.cells.items()
        if results.study.experiments[cell[0]].kind == "detection" and 0 < cell[4] < 1
        for detector in DETECTORS
    ]


def share_found(one: Detection, detector: str) -> float:
    """Return the share of classes that `detector` calls different."""
    k, n = rejections([one], detector)
    return k / n


def roc_curve(one: Detection, detector: str) -> RocCurve:
    """Return the ROC curve of single images, of which some are poisoned and some are not."""
    curve = one["roc"][detector]
    assert curve is not None  # as for all or none poisoned
    return curve


def curve_area(one: Detection, detector: str) -> float:
    """Return the area under the ROC curve of single images."""
    return roc_curve(one, detector)["auc"]


def advantage(found: dict[int, Detection], score: Callable[[Detection, str], float]) -> Mean:
    """Return how much kernel OT is ahead of the energy distance, paired over seeds."""
    ours, rival = ({s: score(one, d) for s, one in found.items()} for d in (_OURS, _RIVAL))
    return mean_of(list(differences(ours, rival).values()))


def classes_left_out(results: Results, name: str) -> list[int]:
    """Return the classes that too few tracks left out in at least one seed."""
    return sorted(
        {
            label
            for one in every_detection(results, name)
            for label in one["labels_with_too_few_tracks"]
        }
    )


def words_on_left_out(skipped: list[int]) -> str:
    return (
        f"<b>{len(skipped)} classes were not tested</b> in some seed, since they have too few "
        f"tracks: {', '.join(map(str, skipped))}"
    )
