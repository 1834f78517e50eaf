"""Which rows are outliers, and which never are."""

from __future__ import annotations

import numpy as np
import pytest

from kernel_ot.samples import Samples, outlying_rows
from kernel_ot.samples._alone import rows_alone


def _equal(n: int) -> np.ndarray:
    return np.full(n, 1 / n)


@pytest.mark.parametrize("far", [1e2, 1e4, 1e8, 1e12])
@pytest.mark.parametrize("dimension", [1, 2, 8])
def test_one_far_row_is_found_and_no_other(far: float, dimension: int) -> None:
    points = np.random.default_rng(61).normal(size=(150, dimension))
    points[7] = far * np.sign(points[7])
    assert np.flatnonzero(outlying_rows(points, _equal(150))).tolist() == [7]


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(("far", "dimension"), [(10.0, 1), (10.0, 2), (14.0, 5), (14.0, 10)])
def test_few_rows_by_themselves_are_found_from_ten_deviations_on(
    far: float, dimension: int, count: int
) -> None:
    found = []
    for seed in range(61, 81):
        rng = np.random.default_rng(seed)
        points = rng.normal(size=(200, dimension))
        towards = rng.normal(size=(count, dimension))
        rows = np.sort(rng.permutation(200)[:count])
        points[rows] = far * towards / np.linalg.norm(towards, axis=1, keepdims=True)
        found.append(np.flatnonzero(outlying_rows(points, _equal(200))).tolist() == rows.tolist())
    assert sum(found) >= 18  # one of the others may lie at four deviations


@pytest.mark.parametrize(
    ("draw", "most"),
    [
        (lambda rng: rng.normal(size=(150, 2)), 0),
        (lambda rng: rng.normal(size=(150, 2)) + 8 * rng.integers(0, 3, (150, 1)), 0),
        (lambda rng: rng.standard_t(5, size=(150, 2)), 3),
        (lambda rng: rng.standard_t(3, size=(150, 2)), 18),
    ],
    ids=["normal", "mixture", "t5", "t3"],
)
def test_honest_tails_are_seldom_taken_for_outliers(draw, most: int) -> None:  # type: ignore[no-untyped-def]
    """Percent of draws."""
    found = [outlying_rows(draw(np.random.default_rng([7, s])), _equal(150)) for s in range(100)]
    assert sum(rows.any() for rows in found) <= most


def test_a_far_row_among_others_between_is_a_tail() -> None:
    points = np.append(np.random.default_rng(61).normal(size=147), [5.0, 7.0, 9.0])[:, None]
    assert not outlying_rows(points, _equal(150)).any()


def test_several_equal_far_rows_are_all_found() -> None:
    points = np.random.default_rng(61).normal(size=(200, 3))
    points[[3, 40, 90]] = -999.0
    assert np.flatnonzero(outlying_rows(points, _equal(200))).tolist() == [3, 40, 90]


def test_a_far_group_of_more_than_a_fiftieth_is_a_part_of_the_distribution() -> None:
    points = np.random.default_rng(61).normal(size=(200, 3))
    points[:6] += 1000
    assert not outlying_rows(points, _equal(200)).any()


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, size: rng.normal(size=size),
        lambda rng, size: rng.uniform(size=size),
        lambda rng, size: rng.exponential(size=size),
        lambda rng, size: rng.poisson(0.1, size=size).astype(float),
        lambda rng, size: (rng.uniform(size=size) < 0.02).astype(float),
        lambda rng, size: rng.normal(size=size) * np.logspace(0, -6, size[1]),
        lambda rng, size: np.tile(rng.normal(size=(1, size[1])), (size[0], 1)),
    ],
    ids=["normal", "uniform", "exponential", "counts", "rare", "scales", "constant"],
)
@pytest.mark.parametrize("size", [(60, 5), (300, 2), (60, 100)])
def test_clean_samples_have_no_outliers(draw, size) -> None:  # type: ignore[no-untyped-def]
    for seed in range(61, 66):
        points = draw(np.random.default_rng(seed), size)
        assert not outlying_rows(points, _equal(len(points))).any()


def test_weights_say_what_a_repeated_row_would() -> None:
    points = np.append(np.random.default_rng(61).normal(size=100), [50.0])[:, None]
    assert outlying_rows(points, _equal(101))[100]
    heavy = np.append(np.ones(100), 5.0)
    assert not outlying_rows(points, heavy / heavy.sum()).any()
    assert not outlying_rows(points, np.append(_equal(100), 0.0)).any()


def test_rows_that_are_left_out_keep_their_place_without_mass() -> None:
    points = np.arange(4.0)[:, None]
    samples = Samples(points, points, _equal(4), _equal(4))
    less = samples.without(np.array([1]), np.zeros(0, dtype=int))
    np.testing.assert_allclose(less.weights_x, [1 / 3, 0, 1 / 3, 1 / 3])
    assert less.with_mass().x.tolist() == [[0.0], [2.0], [3.0]]
    assert samples.with_mass() is samples


def _alone(x: np.ndarray, y: np.ndarray) -> list[int]:
    return [int(row) for row in rows_alone(x, _equal(len(x)), y, _equal(len(y)))]


@pytest.mark.parametrize(("dimension", "far"), [(1, 7.0), (2, 7.0), (5, 8.0), (10, 9.0)])
def test_a_row_by_itself_is_named_before_it_is_left_out(dimension: int, far: float) -> None:
    named = 0
    for seed in range(20):
        rng = np.random.default_rng([21, seed])
        x, y = rng.normal(size=(2, 150, dimension))
        towards = rng.normal(size=dimension)
        x[7] = far * towards / np.linalg.norm(towards)
        assert _alone(y, x) == []
        is_left_out = outlying_rows(x, _equal(150))[7]
        named += is_left_out or _alone(x, y) == [7]
    assert named >= 14


@pytest.mark.parametrize("far", [10.0, 14.0, 40.0])
@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_a_small_far_group_is_named_unless_both_samples_have_one(
    dimension: int, far: float
) -> None:
    for seed in range(5):
        rng = np.random.default_rng([22, seed])
        x, y = rng.normal(size=(2, 150, dimension))
        x[:5, 0] += far
        assert _alone(x, y) == [0, 1, 2, 3, 4]
        y[-5:, 0] += far + 2
        assert _alone(x, y) == _alone(y, x) == []


@pytest.mark.parametrize(
    ("draw", "most"),
    [
        (lambda rng, n, d: rng.normal(size=(n, d)), 0),
        (lambda rng, n, d: rng.uniform(size=(n, d)), 0),
        (lambda rng, n, d: rng.standard_t(5, size=(n, d)), 10),
        (lambda rng, n, d: rng.lognormal(0, 0.5, size=(n, d)), 10),
        (lambda rng, n, d: rng.normal(size=(n, d)) + 8 * (np.arange(n)[:, None] < 0.04 * n), 4),
        (lambda rng, n, d: rng.poisson(0.1, size=(n, d)).astype(float), 0),
    ],
    ids=["normal", "uniform", "t5", "lognormal", "mixture", "counts"],
)
@pytest.mark.parametrize(("n", "d"), [(60, 2), (150, 1), (300, 5)])
def test_honest_rows_are_seldom_named(draw, most: int, n: int, d: int) -> None:  # type: ignore[no-untyped-def]
    """Percent of draws in which either sample has such a row."""
    found = 0
    for seed in range(50):
        rng = np.random.default_rng([23, seed])
        x, y = draw(rng, n, d), draw(rng, n, d)
        found += bool(_alone(x, y) or _alone(y, x))
    assert 2 * found <= most


def test_rows_without_weight_are_not_named() -> None:
    x, y = np.random.default_rng(24).normal(size=(2, 150, 2))
    x[:5, 0] += 10
    weights = np.ones(150)
    weights[:5] = 0
    assert not len(rows_alone(x, weights / 145, y, _equal(150)))


def test_zeros_that_were_measured_with_noise_are_one_point_still() -> None:
    """Rare counts among zeros were named as rows by themselves in one of six samples."""
    named = 0
    for seed in range(40):
        x, y = _noisy_counts(0.1, seed), _noisy_counts(0.1, 100 + seed)
        named += len(rows_alone(x, _equal(150), y, _equal(150))) > 0
    assert named <= 2
    x, y = _noisy_counts(0.3, 0), _noisy_counts(0.3, 1)
    x[3] = 8.0
    assert rows_alone(x, _equal(150), y, _equal(150)).tolist() == [3]


def _noisy_counts(rate: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng((45, seed))
    return rng.poisson(rate, (150, 1)) + rng.normal(0, 0.01, (150, 1))
