"""Filling points: which pairs are taken, none twice, weights, boxes, messages."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from scipy.stats import qmc

from kernel_ot._arrays import Array
from kernel_ot.filling import FillingStrategy, filling_points, plan_pairs, random_pairs

STRATEGIES = get_args(FillingStrategy)
PAIRS = [name for name in STRATEGIES if name != "sobol"]


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _samples(n: int, m: int, d: int) -> tuple[Array, Array]:
    rng = _rng(7)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) + 1


def _rows(points: Array, sample: Array) -> Array:
    """Return which row of `sample` each point is."""
    distances = cdist(points, sample)
    np.testing.assert_array_equal(distances.min(axis=1), 0.0)
    return np.asarray(distances.argmin(axis=1))


def _n_distinct(x_fill: Array, y_fill: Array) -> int:
    return len(np.unique(np.hstack([x_fill, y_fill]), axis=0))


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(("n", "m", "n_fill"), [(50, 50, 20), (80, 30, 200), (2, 3, 1)])
def test_shape_precision_seed_and_no_pair_twice(strategy: Any, n: int, m: int, n_fill: int) -> None:
    x, y = _samples(n, m, 3)
    x, y = x.astype(np.float32), y.astype(np.float32)
    x.flags.writeable = y.flags.writeable = False
    x_fill, y_fill = filling_points(x, y, n_fill, strategy, rng=_rng())
    assert x_fill.shape == y_fill.shape == (n_fill, 3)
    assert x_fill.dtype == y_fill.dtype == np.float32
    assert _n_distinct(x_fill, y_fill) == n_fill
    again = filling_points(x, y, n_fill, strategy, rng=_rng())
    np.testing.assert_array_equal(again, (x_fill, y_fill))
    if n_fill > 1:
        other = filling_points(x, y, n_fill, strategy, rng=_rng(1))
        assert not np.array_equal(other[0], x_fill)
    if strategy in PAIRS:
        _rows(x_fill, x), _rows(y_fill, y)


@pytest.mark.parametrize("strategy", PAIRS)
@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    n=st.integers(1, 9), m=st.integers(1, 9), n_fill=st.integers(1, 120), seed=st.integers(0, 99)
)
def test_as_many_as_there_are_distinct_pairs(
    strategy: Any, n: int, m: int, n_fill: int, seed: int
) -> None:
    rng = _rng(seed)
    x, y = rng.integers(4, size=(n, 2)), rng.integers(4, size=(m, 2))  # with repeated points
    distinct = len(np.unique(x, axis=0)) * len(np.unique(y, axis=0))
    x_fill, y_fill = filling_points(x, y, n_fill, strategy, rng=rng)
    assert len(x_fill) == len(y_fill) == min(n_fill, distinct)
    assert _n_distinct(x_fill, y_fill) == len(x_fill)


@pytest.mark.parametrize("strategy", PAIRS)
def test_points_are_used_by_their_weight(strategy: Any) -> None:
    x, y = _samples(300, 300, 2)
    left = x[:, 0] < 0
    weights_x = np.where(left, 4.0, 1.0)
    weights_x[:20] = 0.0
    share = weights_x[left].sum() / weights_x.sum()
    x_fill, _ = filling_points(x, y, 400, strategy, rng=_rng(), weights_x=weights_x)
    assert _rows(x_fill, x).min() >= 20
    # Four standard deviations of 400 independent draws.
    assert abs((x_fill[:, 0] < 0).mean() - share) < 4 * np.sqrt(share * (1 - share) / 400)


def test_mass_on_one_pair_still_ends() -> None:
    x, y = _samples(3000, 3000, 1)  # more pairs than are listed
    weights = np.full(3000, 1e-9)
    weights[5] = 1.0
    x_fill, y_fill = random_pairs(x, y, 50, rng=_rng(), weights_x=weights, weights_y=weights)
    assert _n_distinct(x_fill, y_fill) == 50
    assert x_fill[0, 0] == x[5, 0]


def test_random_pairs_are_uniform() -> None:
    x, y = _samples(10, 12, 1)
    counts = np.zeros((10, 12))
    rng = _rng()
    for _ in range(600):
        x_fill, y_fill = random_pairs(x, y, 20, rng=rng)
        counts[_rows(x_fill, x), _rows(y_fill, y)] += 1
    # 600 * 20 / 120 = 100 expected, with a deviation of at most 10: five of them.
    assert counts.min() > 50
    assert counts.max() < 150


@pytest.mark.parametrize("d", [1, 4])
def test_the_plan_is_the_optimal_one(d: int) -> None:
    x, y = _samples(60, 60, d)
    x_fill, y_fill = plan_pairs(x, y, 60, rng=_rng())
    cost = cdist(x, y, "sqeuclidean") / 2
    best = cost[linear_sum_assignment(cost)].sum()
    assert 0.5 * ((x_fill - y_fill) ** 2).sum() == pytest.approx(best, rel=1e-12)
    assert len(set(_rows(x_fill, x))) == len(set(_rows(y_fill, y))) == 60
    if d == 1:
        order = np.argsort(x_fill[:, 0])
        assert np.all(np.diff(y_fill[order, 0]) > 0)


def test_the_plan_does_not_depend_on_a_large_shift_of_either_sample() -> None:
    # Multiples of 2^-10, so that the shift itself is exact.
    x, y = (np.round(points * 1024) / 1024 for points in _samples(200, 200, 3))
    x_fill, y_fill = plan_pairs(x, y, 150, rng=_rng())
    shifted = plan_pairs(x + 2.0**41, y - 2.0**40, 150, rng=_rng())
    np.testing.assert_array_equal(shifted[0] - 2.0**41, x_fill)
    np.testing.assert_array_equal(shifted[1] + 2.0**40, y_fill)


@pytest.mark.parametrize("strategy", PAIRS)
def test_pairs_rotate_with_the_samples(strategy: Any) -> None:
    x, y = _samples(100, 90, 3)
    rotation = np.linalg.qr(_rng(3).normal(size=(3, 3)))[0]
    x_fill, y_fill = filling_points(x, y, 70, strategy, rng=_rng())
    turned = filling_points(x @ rotation, y @ rotation, 70, strategy, rng=_rng())
    np.testing.assert_allclose(turned, (x_fill @ rotation, y_fill @ rotation), atol=1e-12)


def test_pairs_are_half_plan_half_random() -> None:
    x, y = _samples(101, 101, 2)
    x_fill, y_fill = filling_points(x, y, 81, "pairs", rng=_rng())
    rows, columns = linear_sum_assignment(cdist(x, y, "sqeuclidean"))
    partner = dict(zip(rows.tolist(), columns.tolist(), strict=True))
    in_plan = [
        partner[i] == j
        for i, j in zip(_rows(x_fill, x).tolist(), _rows(y_fill, y).tolist(), strict=True)
    ]
    assert all(in_plan[:41])
    assert sum(in_plan[41:]) <= 5  # one in a hundred by chance


def test_sobol_fills_the_box_of_the_weighted_points_evenly() -> None:
    x, y = _samples(200, 100, 2)
    x[0], weights_x = 100.0, np.ones(200)
    weights_x[0] = 0.0
    x_fill, y_fill = filling_points(x, y, 100, "sobol", rng=_rng(), weights_x=weights_x)
    pairs, box = np.hstack([x_fill, y_fill]), np.vstack([x[1:].min(axis=0), x[1:].max(axis=0)])
    assert np.all((x_fill >= box[0]) & (x_fill <= box[1]))
    low, high = np.hstack([box, np.vstack([y.min(axis=0), y.max(axis=0)])])
    unit = (pairs - low) / (high - low)
    assert qmc.discrepancy(unit) < 0.5 * qmc.discrepancy(_rng().random((100, 4)))


def test_sobol_on_boxes_without_extent() -> None:
    x, y = np.array([[1.0, 2.0], [1.0, 3.0]]), np.array([[5.0, 6.0], [5.0, 6.0]])
    x_fill, y_fill = filling_points(x, y, 10, "sobol", rng=_rng())
    assert len(x_fill) == 10
    assert set(x_fill[:, 0]) == {1.0}
    x_fill, y_fill = filling_points(x[:1], y, 10, "sobol", rng=_rng())
    np.testing.assert_array_equal((x_fill, y_fill), ([[1.0, 2.0]], [[5.0, 6.0]]))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_large_samples_are_thinned_by_weight(strategy: Any) -> None:
    rng = _rng()
    x, y = rng.random((50_000, 2)), rng.random((30_000, 2))
    weights_x = np.where(x[:, 0] < 0.5, 9.0, 1.0)
    x_fill, y_fill = filling_points(x, y, 500, strategy, rng=rng, weights_x=weights_x)
    assert _n_distinct(x_fill, y_fill) == 500
    if strategy in PAIRS:
        assert (x_fill[:, 0] < 0.5).mean() == pytest.approx(0.9, abs=0.06)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strategy": "grid"}, r"strategy = 'grid' must be one of \('pairs', 'random_pairs'"),
        ({"n_fill": 0}, "n_fill = 0 must be at least 1"),
        ({"n_fill": 2.5}, "n_fill = 2.5 must be an integer"),
        ({"rng": "0"}, "rng = '0' must be a numpy.random.Generator"),
        ({"y": np.ones((4, 3))}, "x has 2 columns and y has 3"),
        ({"x": np.full((4, 2), np.nan)}, "x contains nan"),
        ({"weights_x": [1.0]}, r"weights_x has shape \(1,\)"),
        ({"weights_y": -np.ones(6)}, "weights_y has a negative entry"),
    ],
)
@pytest.mark.parametrize("strategy", ["pairs", "sobol"])
def test_messages(strategy: str, changes: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {
        "x": np.ones((5, 2)),
        "y": np.ones((6, 2)),
        "n_fill": 3,
        "strategy": strategy,
        "rng": _rng(),
    }
    with pytest.raises(ValueError, match=message):
        filling_points(**(arguments | changes))
