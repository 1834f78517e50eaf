from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist, pdist

from poisoning_study import StudyError
from poisoning_study.detection import (
    DETECTORS,
    FALSE_POSITIVE_RATES,
    NAIVE,
    ClassPair,
    DetectionSettings,
    FeatureSet,
    ScoredImages,
    TransportMap,
    class_pair,
    cluster_separations,
    combined_p_value,
    detect,
    exchanged,
    exchanged_singly,
    gaussian_kernel,
    leading_variances,
    p_value,
    quadratic_forms,
    roc,
    roc_band,
    two_means,
)

SETTINGS = DetectionSettings(
    components=2, permutations=19, filling_points=30, reg_sos=1e-2, reg_potential=1e-2
)


def _features(
    rng: np.random.Generator, n_tracks: int, shift: float, classes: int = 2, spread: float = 1.0
) -> FeatureSet:
    """Two frames a track that differ little; `spread` is that of the tracks."""
    centres = spread * rng.normal(size=(classes * n_tracks, 5)) + shift * np.eye(5)[0]
    features = np.repeat(centres, 2, axis=0) + 0.05 * rng.normal(size=(2 * len(centres), 5))
    labels = np.repeat(np.arange(classes), 2 * n_tracks)
    return FeatureSet(features, labels, np.repeat(np.arange(len(centres)), 2))


def test_a_shift_is_found_by_two_sample_tests() -> None:
    rng = np.random.default_rng(0)
    trusted, suspect = _features(rng, 20, 0.0), _features(rng, 20, 2.5)
    found = detect(trusted, suspect, np.ones(80, dtype=bool), SETTINGS, seed=0)
    for name in ("kernel OT", "energy distance", "MMD"):
        assert found["p_by_class"][name] == [0.05, 0.05]
        assert found["p_together"][name] == 0.05
    assert found["roc"] == dict.fromkeys(found["roc"], None)


def test_a_poisoned_minority_is_ranked_by_every_detector() -> None:
    rng = np.random.default_rng(1)
    trusted = _features(rng, 20, 0.0)
    clean, poison = _features(rng, 16, 0.0), _features(rng, 4, 8.0)
    suspect = FeatureSet(
        np.concatenate([clean.features, poison.features]),
        np.concatenate([clean.labels, poison.labels]),
        np.concatenate([clean.tracks, poison.tracks + 1000]),
    )
    truth = np.repeat([False, True], [64, 16])
    settings = replace(SETTINGS, flagged_share=0.2)
    found = detect(trusted, suspect, truth, settings, seed=0)
    for name, curve in found["roc"].items():
        assert curve is not None
        assert curve["auc"] > 0.9, name
        low, high = curve["at_low_rates"]
        assert 0 <= low <= high <= 1
        listed = np.array(found["is_clean"][name])
        # ART's convention: 1 for clean, 0 for poisoned, in the order of the suspects.
        assert listed.shape == truth.shape
        flagged = found["flagged"][name]
        assert flagged == {"n": (listed == 0).sum(), "n_poisoned": truth[listed == 0].sum()}
        assert flagged["n"] == 16
        assert flagged["n_poisoned"] >= 12, name


def test_clean_sets_keep_the_level_when_tracks_are_exchanged() -> None:
    values: list[float] = []
    naive: list[float] = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        trusted, suspect = _features(rng, 8, 0.0, 6), _features(rng, 8, 0.0, 6)
        for label in range(6):
            pair = class_pair(trusted, suspect, label, 2)
            centre = _distance_of_means(pair)
            for draw, found in ((exchanged, values), (exchanged_singly, naive)):
                masks = draw(pair, np.random.default_rng(label), 99)
                found.append(p_value(np.array([centre(mask) for mask in masks])))
    assert stats.kstest(values, "uniform").pvalue > 0.01
    # Frames of a track are alike, so exchanging frames singly raises false alarms.
    assert np.mean(np.array(values) <= 0.05) < 0.12 < np.mean(np.array(naive) <= 0.05)


def _distance_of_means(pair: ClassPair):  # type: ignore[no-untyped-def]
    def statistic(mask: np.ndarray) -> float:
        return float(np.linalg.norm(pair.points[mask].mean(0) - pair.points[~mask].mean(0)))

    return statistic


def test_exchanged_tracks_stay_whole() -> None:
    rng = np.random.default_rng(0)
    pair = class_pair(_features(rng, 5, 0.0), _features(rng, 7, 0.0), 1, 2)
    assert pair.points.shape == (24, 2)
    masks = exchanged(pair, rng, 30)
    assert (masks[0] == pair.suspect).all()
    assert len(np.unique(masks, axis=0)) > 20
    for mask in masks:
        assert all(len(set(mask[pair.blocks == block])) == 1 for block in range(12))
        assert mask.sum() == 14
    assert (exchanged_singly(pair, rng, 9).sum(1) == 14).all()


def test_the_map_moves_a_shifted_sample_back() -> None:
    rng = np.random.default_rng(0)
    suspect = np.repeat([False, True], 60)
    points = rng.normal(size=(120, 2)) + np.outer(suspect, [2.0, 0.0])
    settings = DetectionSettings(filling_points=80, reg_sos=1e-3, reg_potential=1e-3)
    transport = TransportMap(points, settings, rng)
    # Regularisation shrinks the map, so it undershoots the true shift of 2.
    assert 1.2 < transport.displacement(suspect).mean() < 2.2
    # For c = |x - y|^2 / 2, moving by 2 costs 2.
    assert transport.solve(suspect)[1].cost == pytest.approx(2.0, rel=0.3)


def test_methods_are_tried_until_one_converges() -> None:
    rng = np.random.default_rng(0)
    suspect = np.repeat([False, True], 40)
    points = rng.normal(size=(80, 2)) + np.outer(suspect, [1.0, 0.0])
    costs = []
    # The first method of the last pair stops far from a tolerance this small.
    for methods in (("auto",), ("ssn",), ("extragradient", "auto")):
        settings = replace(SETTINGS, methods=methods, tolerance=1e-8)
        transport = TransportMap(points, settings, np.random.default_rng(0))
        costs.append(transport.solve(suspect)[1].cost)
    assert costs == pytest.approx([costs[0]] * 3, rel=1e-5)
    settings = replace(SETTINGS, methods=("extragradient",), tolerance=1e-8)
    transport = TransportMap(points, settings, np.random.default_rng(0))
    with pytest.raises(StudyError, match="did not converge"):
        transport.solve(suspect)
    with pytest.raises(StudyError, match=r"methods must name some of auto, .*ssn"):
        DetectionSettings(methods=("magic",))


def test_p_values() -> None:
    rng = np.random.default_rng(0)
    assert p_value(np.array([1.0] * 20)) == 1.0
    strong = [np.concatenate([[3.0], rng.normal(size=19)]) for _ in range(5)]
    assert combined_p_value(strong) == 0.05
    weak = [np.concatenate([[0.8], rng.normal(size=199)]) for _ in range(12)]
    # Twelve classes, none of which says much, say enough together.
    assert min(map(p_value, weak)) > 0.1
    assert combined_p_value(weak) < 0.05
    assert combined_p_value([np.zeros(20)]) == 1.0


def test_roc_curves() -> None:
    truth = np.repeat([True, False], 500)
    scores = np.random.default_rng(0).random(1000)
    assert roc(scores, truth)["auc"] == pytest.approx(0.5, abs=0.05)  # type: ignore[index]
    shifted = np.where(truth, scores + 0.5, scores)
    auc = stats.mannwhitneyu(shifted[truth], shifted[~truth]).statistic / 500**2
    assert roc(shifted, truth)["auc"] == pytest.approx(auc)  # type: ignore[index]
    assert roc(np.ones(1000), truth)["auc"] == 0.5  # type: ignore[index]
    # One of a hundred clean images scores above all poisoned ones but the first.
    few = np.concatenate([[3.0], np.ones(9), [2.0], np.zeros(99)])
    found = roc(few, np.arange(109 + 1) < 10)
    assert found is not None
    assert found["at_low_rates"] == [1.0, 1.0]
    two = roc(np.concatenate([few, [2.0]]), np.arange(111) < 10)
    assert two is not None
    assert two["at_low_rates"] == [0.1, 1.0]
    assert roc(scores, np.ones(1000, dtype=bool)) is None


def test_two_means_finds_two_clusters_and_survives_one_point() -> None:
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(size=(30, 2)), rng.normal(size=(10, 2)) + 9])
    every = np.ones((1, 40), dtype=bool)
    side, centres = two_means(points, every)
    assert sorted(np.bincount(side[0])) == [10, 30]
    assert np.abs(centres - centres.mean()).max() > 3
    assert (two_means(np.zeros((5, 2)), every[:, :5])[1] == 0).all()


def test_statistics_of_many_exchanges_are_those_of_each_one() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(40, 3)) * [3.0, 1.0, 0.5]
    points[:9] += 6
    pair = ClassPair(points, np.arange(40) % 3 == 0, np.arange(40))
    masks = np.array([pair.suspect, *(rng.permutation(pair.suspect) for _ in range(5))])
    energy, discrepancy, variance, separation = (
        DETECTORS[name].values(pair, masks, SETTINGS, rng)
        for name in ("energy distance", "MMD", "spectral signatures", "activation clustering")
    )
    median = np.median(pdist(points))
    for index, mask in enumerate(masks):
        a, b = points[mask], points[~mask]
        means = [cdist(*both).mean() for both in ((a, b), (a, a), (b, b))]
        assert energy[index] == pytest.approx(2 * means[0] - means[1] - means[2])
        means = [gaussian_kernel(*both, median).mean() for both in ((a, b), (a, a), (b, b))]
        assert discrepancy[index] == pytest.approx(means[1] + means[2] - 2 * means[0])
        assert variance[index] == pytest.approx(np.linalg.eigvalsh(np.cov(a.T, bias=True))[-1])
        alone = np.ones((1, len(a)), dtype=bool)
        side = two_means(a, alone)[0][0]
        assert (two_means(points, mask[None])[0][0][mask] == side).all()
        within = sum(((a[side == c] - a[side == c].mean(0)) ** 2).sum() for c in (0, 1))
        assert separation[index] == pytest.approx(1 - within / ((a - a.mean(0)) ** 2).sum())
        assert cluster_separations(a, alone)[0] == pytest.approx(separation[index])
    assert leading_variances(np.ones((4, 2)), np.ones((1, 4), dtype=bool)) == pytest.approx(0)
    assert quadratic_forms(np.ones((40, 40)), masks) == pytest.approx(0, abs=1e-12)


def test_every_detector_keeps_the_level_on_tracks() -> None:
    rng, rejected = np.random.default_rng(5), dict.fromkeys(DETECTORS, 0)
    for seed in range(40):
        trusted, suspect = _features(rng, 7, 0.0, 1), _features(rng, 7, 0.0, 1)
        found = detect(trusted, suspect, np.zeros(14, bool), SETTINGS, seed)
        for name in DETECTORS:
            rejected[name] += found["p_by_class"][name][0] <= 0.05
    # Of 40 valid tests at 5% more than 7 reject once in 400 times.
    assert max(rejected.values()) <= 7


def test_few_tracks_have_every_exchange_and_as_many_values_as_asked() -> None:
    rng = np.random.default_rng(6)
    trusted, suspect = _features(rng, 4, 0.0, 1), _features(rng, 4, 9.0, 1)
    pair = class_pair(trusted, suspect, 0, 2)
    masks = np.array([pair.suspect] * 200)
    values = DETECTORS["kernel OT"].values(pair, masks, SETTINGS, rng)
    assert values.shape == (200,)
    # Of the 70 exchanges the true one and its mirror image are the largest.
    assert len(np.unique(values.round(9))) <= 70
    assert 0.01 < p_value(values) < 0.07


def test_bands_of_roc_curves_hold_the_truth_and_widen_with_fewer_tracks() -> None:
    rng = np.random.default_rng(7)

    def sample(n_tracks: int, frames: int) -> ScoredImages:
        positive = np.repeat(rng.random(n_tracks) < 0.5, frames)
        tracks = np.repeat(np.arange(n_tracks), frames)
        scores = np.repeat(rng.normal(size=n_tracks), frames) + positive
        return ScoredImages(scores, positive, tracks)

    truth = stats.norm.sf(stats.norm.isf(FALSE_POSITIVE_RATES) - 1)
    widths = []
    for n_tracks, frames in ((400, 1), (40, 10)):
        samples = [sample(n_tracks, frames) for _ in range(4)]
        low, high = roc_band(samples, np.random.default_rng(0))
        assert (low <= high).all()
        assert ((low <= truth) & (truth <= high))[1:-1].mean() > 0.7
        widths.append((high - low).mean())
    assert widths[1] > 1.5 * widths[0]


def test_too_few_tracks_and_permutations() -> None:
    rng = np.random.default_rng(0)
    few, many = _features(rng, 3, 0.0), _features(rng, 9, 0.0)
    with pytest.raises(StudyError, match="No class has 4 tracks"):
        detect(few, many, np.zeros(36, bool), SETTINGS, 0)
    # One class with enough of them is tested, the other one named.
    uneven = FeatureSet(
        np.concatenate([few.features[few.labels == 0], many.features[many.labels == 1]]),
        np.repeat([0, 1], [6, 18]),
        np.concatenate([few.tracks[few.labels == 0], many.tracks[many.labels == 1]]),
    )
    found = detect(uneven, many, np.zeros(36, bool), SETTINGS, 0)
    assert found["labels"] == [1]
    # What was not tested is not accused.
    assert all(min(np.array(clean)[many.labels == 0]) == 1 for clean in found["is_clean"].values())
    assert found["labels_with_too_few_tracks"] == [0]
    with pytest.raises(StudyError, match="at least 19"):
        DetectionSettings(permutations=10)
    # As many as p = .005 needs, unless a configuration says otherwise.
    assert 1 / (DetectionSettings().permutations + 1) <= 0.005
    with pytest.raises(StudyError, match="flagged_share"):
        DetectionSettings(flagged_share=1.0)


def test_the_naive_null_is_reported_beside() -> None:
    rng = np.random.default_rng(3)
    same = _features(rng, 6, 0.0, classes=1)
    found = detect(same, _features(rng, 6, 0.0, classes=1), np.zeros(12, bool), SETTINGS, 0)
    assert set(found["p_by_class"]) - set(found["roc"]) == {NAIVE}
