"""Which rows are outliers, and which never are."""

from __future__ import annotations

import numpy as np
import pytest

from kernel_ot.samples import Samples, outlying_rows


def _equal(n: int) -> np.ndarray:
    return np.full(n, 1 / n)


@pytest.mark.parametrize("far", [1e2, 1e4, 1e8, 1e12])
@pytest.mark.parametrize("dimension", [1, 2, 8])
def test_one_far_row_is_found_and_no_other(far: float, dimension: int) -> None:
    points = np.random.default_rng(61).normal(size=(150, dimension))
    points[7] = far * np.sign(points[7])
    assert np.flatnonzero(outlying_rows(points, _equal(150))).tolist() == [7]


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
