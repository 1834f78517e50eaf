"""The verdict: an unbiased comparison with an error that is true, and sentences that follow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers import equally_weighted
from kernel_ot import KernelOT, KernelOTCV
from kernel_ot._arrays import Array
from kernel_ot.diagnostics import Gain, Verdict, energy_gain
from kernel_ot.estimator import _large
from kernel_ot.kernels import Gaussian
from kernel_ot.samples import Samples

FAST: dict[str, Any] = {"kernel": Gaussian(0.7), "reg_potential": 1e-3}


def two_blobs(n: int, seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    y = 0.4 * rng.normal(size=(n, 2)) + 2 * rng.choice([-1, 1], size=(n, 1))
    return rng.normal(size=(n, 2)), y


def distance(a: Array, b: Array) -> float:
    return float(np.linalg.norm(a - b))


def unbiased(images: Array, y: Array) -> float:
    """Return 2 E|T - Y| - E|T - T'|, by the definition, over different points."""
    n = len(images)
    cross = np.mean([distance(a, b) for a in images for b in y])
    among = sum(distance(images[i], images[j]) for i in range(n) for j in range(n) if i != j)
    return float(2 * cross - among / (n * (n - 1)))


def test_energy_gain_is_the_definition_and_its_error_the_jackknife() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(25, 2)), rng.normal(size=(30, 2)) + 1
    better, worse = x + 0.9, 1.5 * x + 0.3
    gain = energy_gain(better, worse, equally_weighted(x, y))
    assert gain.value == pytest.approx(unbiased(worse, y) - unbiased(better, y))
    without_x = [
        energy_gain(
            np.delete(better, i, 0), np.delete(worse, i, 0), equally_weighted(np.delete(x, i, 0), y)
        )
        for i in range(25)
    ]
    without_y = [
        energy_gain(better, worse, equally_weighted(x, np.delete(y, j, 0))) for j in range(30)
    ]
    variance = sum(
        (len(left) - 1) * float(np.var([g.value for g in left])) for left in (without_x, without_y)
    )
    assert gain.error == pytest.approx(np.sqrt(variance), rel=0.05)


def test_energy_gain_does_not_reward_maps_that_shrink() -> None:
    rng = np.random.default_rng(1)
    gains = []
    for _ in range(400):
        x, y = rng.normal(size=(2, 12, 3))
        gains.append(energy_gain(x[:, [1, 2, 0]], -x, equally_weighted(x, y)).value)
    assert abs(np.mean(gains)) < 3 * np.std(gains) / 20  # both have the distribution of y


def test_masses_count_as_repeated_points_do() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(6, 2)), rng.normal(size=(7, 2))
    masses = np.array([3, 1, 1, 1, 1, 1]) / 8
    weighted = Samples(x, y, masses, np.full(7, 1 / 7))
    repeated = equally_weighted(np.repeat(x, [3, 1, 1, 1, 1, 1], axis=0), y)
    of_x, of_y = x[:, 0], y[:, 1]
    # Three equal rows are three points to the formula of the mean, not of its error.
    mean = weighted.weights_x @ of_x
    assert mean == pytest.approx(repeated.x[:, 0].mean())
    assert weighted.standard_error(of_x, of_y) > repeated.standard_error(repeated.x[:, 0], of_y)


def test_a_map_that_gains_is_recommended(tmp_path: Path) -> None:
    model = KernelOT(**FAST, verdict=True).fit(*two_blobs(150))
    verdict = model.verdict_
    assert verdict is not None
    assert verdict.outcome == "gain"
    assert (verdict.n_x, verdict.n_y, verdict.fresh) == (150, 150, False)
    assert str(model.summary()).startswith(
        "The map moves x onto y better than the linear (Gaussian) map by"
    )
    fresh = model.summary(*two_blobs(200, seed=1)).verdict
    assert fresh is not None
    assert fresh.fresh
    # The same quantity on independent points, of a map from more points.
    noise = np.hypot(fresh.energy.error, verdict.energy.error)
    assert abs(fresh.energy.value - verdict.energy.value) < 4 * noise
    model.save(tmp_path / "model")
    assert KernelOT.load(tmp_path / "model").verdict_ == verdict


def test_no_gain_is_claimed_where_there_is_none() -> None:
    claims = 0
    for seed in range(8):
        x, y = np.random.default_rng(seed).normal(size=(2, 60, 2))
        verdict = KernelOT(**FAST, verdict=True).fit(x, y @ np.diag([2, 0.5]) + 1).verdict_
        assert verdict is not None
        claims += verdict.outcome == "gain"
    assert claims == 0


def test_the_same_distribution_is_said_to_need_no_map() -> None:
    x, y = np.random.default_rng(3).normal(size=(2, 200, 2))
    sentence = KernelOT(verdict=True, kernel=Gaussian(1.0), reg_potential=0.1).fit(x, y).summary()
    assert "Leaving x as it is does as well" in sentence.sentence


def test_where_the_map_is_clearly_worse_than_none_the_verdict_says_so() -> None:
    assert "Leaving x as it is comes clearly nearer to y" in verdict(0, 0, -9.0).sentence
    assert "Leaving x as it is does as well" in verdict(0, 0, -1.0).sentence


def test_who_is_judged() -> None:
    x, y = two_blobs(40)
    assert KernelOT(**FAST).fit(x, y).verdict_ is None  # nothing was chosen
    assert KernelOT(kernel=Gaussian(0.7), n_splits=1).fit(x, y).verdict_ is not None
    assert KernelOT(kernel=Gaussian(0.7), n_splits=1, verdict=False).fit(x, y).verdict_ is None
    assert KernelOT(**FAST, verdict=True).fit(x[:29], y).verdict_ is None  # too few
    search = KernelOTCV(kernels=(0.7,), reg_potentials=(1e-2, 1e-3), cv=2).fit(x, y)
    assert search.best_estimator_.verdict_ is not None
    with pytest.raises(ValueError, match="verdict = 'no'"):
        KernelOT(verdict="no").fit(x, y)


def test_judging_changes_nothing_else_and_massless_points_have_no_say() -> None:
    x, y = two_blobs(40)
    judged, not_judged = (
        KernelOT(Gaussian(0.7), n_splits=1, verdict=wanted).fit(x, y) for wanted in (True, False)
    )
    assert judged.cost_ == not_judged.cost_
    far = np.concatenate([x, np.full((20, 2), 50.0)])
    masses = np.repeat([1.0, 0.0], [40, 20])
    weighted = KernelOT(**FAST, verdict=True).fit(far, y, weights_x=masses).verdict_
    assert weighted is not None
    assert weighted.n_x == 40


def test_a_map_without_kernel_part_is_said_to_be_the_linear_one() -> None:
    """Rounding of images and potentials is no gain, wherever the samples lie."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(30, 2)), rng.normal(size=(30, 2)) + 0.1
    for far in (0.0, 1e6):
        model = KernelOT(**FAST | {"reg_potential": 1e12}, verdict=True).fit(x, y + far)
        found = model.verdict_
        assert found is not None
        assert found.energy == found.semi_dual == Gain(0.0, 0.0)
        assert found.sentence == "The kernel part gains nothing here: this is the linear " + (
            "(Gaussian) map."
            if far
            else "(Gaussian) map. Leaving x as it is does as well, as far as these points can tell "
            f"(energy distance {found.identity})."
        )


def test_the_gain_in_semi_dual_value_keeps_its_digits_far_from_the_origin() -> None:
    x, y = two_blobs(60)
    near, far = (KernelOT(**FAST, verdict=True).fit(x, y + b).verdict_ for b in (0.0, 2.0**26))
    assert near is not None
    assert near.semi_dual is not None
    assert far is not None
    assert far.semi_dual is not None
    assert far.semi_dual.value == pytest.approx(near.semi_dual.value, rel=1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_rows_in_pairs_are_judged_in_pairs(seed: int) -> None:
    """The same rows before and after: maps of two thirds of them are not blamed for the pairs."""
    x = np.random.default_rng(seed).normal(size=(60, 2))
    found = KernelOT().fit(x, x + 3).verdict_
    assert found is not None
    assert found.outcome == "no gain"


def test_rows_that_are_equal_count_as_rows() -> None:
    """Merged, they would be few points of large mass, with a bias and errors that are too large."""
    gains = []
    for seed in range(4):  # tied rows or not, rows are in other folds
        rng = np.random.default_rng(seed)
        x, y = rng.poisson(0.1, (90, 2)), rng.poisson(1.0, (90, 2))
        for noise in (0.0, 1e-6):
            points = x + noise * rng.normal(size=(90, 2))
            found = KernelOT(**FAST, verdict=True).fit(points, y).verdict_
            assert found is not None
            assert (found.n_x, found.n_y) == (90, 90)
            gains.append((found.energy.value, found.energy.error))
    tied, untied = np.mean(gains[::2], axis=0), np.mean(gains[1::2], axis=0)
    assert tied[0] == pytest.approx(untied[0], abs=0.01)
    assert tied[1] == pytest.approx(untied[1], rel=0.1)


def verdict(energy: float, semi_dual: float | None, identity: float = 9.0) -> Verdict:
    gain = None if semi_dual is None else Gain(semi_dual, 1.0)
    return Verdict("gaussian", Gain(energy, 1.0), Gain(identity, 1.0), gain, 50, 60, False)


@pytest.mark.parametrize(
    ("found", "outcome", "beginning"),
    [
        (verdict(3, 3), "gain", "The map moves x onto y better than the linear (Gaussian) map by"),
        (verdict(3, None), "gain", "The map moves x onto y better"),
        (verdict(0, 3), "gain", "The map is closer to the optimal one than the linear"),
        (verdict(2.4, -3.4), "no gain", "The kernel part gains nothing"),
        (verdict(0, 0), "no gain", "The kernel part gains nothing that shows on 50 + 60 points"),
        (verdict(3, -4), "no gain", "The kernel part gains nothing"),
        (verdict(-4, 0), "loss", "The map is worse than the linear (Gaussian) map by 4 +- 1 of en"),
        (verdict(0, -4), "loss", "The map is worse than the linear (Gaussian) map by 4 +- 1 of se"),
    ],
)
def test_sentences(found: Verdict, outcome: str, beginning: str) -> None:
    assert found.outcome == outcome
    assert found.sentence.startswith(beginning)
    assert "Leaving x" not in found.sentence
    assert str(found).endswith(".")


def test_many_points_are_judged_by_one_fold() -> None:
    x, y = two_blobs(620)
    found = KernelOT(Gaussian(1.0), reg_potential=0.1, verdict=True).fit(x, y).verdict_
    assert found is not None
    assert found.n_x == found.n_y == 207


def test_fits_of_many_points_are_judged_by_what_their_choice_kept_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_large, "TAKES_OVER", 900)
    x, y = (points[:, :1] for points in two_blobs(1000))
    model = KernelOT(Gaussian(0.7)).fit(x, y)
    found = model.verdict_
    assert found is not None
    assert found.outcome == "gain"
    assert 1 < found.n_x < 400
    fresh = model.summary(*(points[:, :1] for points in two_blobs(1000, seed=1))).verdict
    assert fresh is not None
    noise = np.hypot(found.energy.error, fresh.energy.error)
    assert abs(found.energy.value - fresh.energy.value) < 4 * noise
    model.save(tmp_path / "model")
    assert KernelOT.load(tmp_path / "model").verdict_ == found
    assert KernelOT(Gaussian(0.7), reg_potential=1e-2).fit(x, y).verdict_ is None
