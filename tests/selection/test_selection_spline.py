"""Smoothing splines on the line, and what they weigh beside the Gaussian map."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import make_smoothing_spline

from kernel_ot._arrays import Array
from kernel_ot.samples import Samples
from kernel_ot.selection import Combination, combine_splines, spline_potentials

_EVERYWHERE = np.linspace(-4, 4, 81)[:, None]


def _samples(x: Array, y: Array, a: Array | None = None, b: Array | None = None) -> Samples:
    return Samples(
        np.reshape(x, (-1, 1)),
        np.reshape(y, (-1, 1)),
        np.full(len(x), 1 / len(x)) if a is None else a,
        np.full(len(y), 1 / len(y)) if b is None else b,
    )


def _spread(n: int, seed: int) -> Array:
    """Points no two of which share a knot."""
    return np.linspace(-2, 2, n) + np.random.default_rng(seed).uniform(-0.01, 0.01, n)


@pytest.mark.parametrize("smoothing", [1e-6, 1e-3, 1.0])
def test_it_is_the_smoothing_spline_of_the_sorted_pairs(smoothing: float) -> None:
    rng = np.random.default_rng(1)
    x, y = _spread(50, 2), np.exp(_spread(50, 3))
    (found,) = spline_potentials(_samples(rng.permutation(x), rng.permutation(y)), (smoothing,))
    x, y = np.sort(x), np.sort(y)
    expected = make_smoothing_spline(x, y, np.full(50, 1 / 50), smoothing * np.std(x) ** 3)
    inside = np.linspace(x[0], x[-1], 200)
    np.testing.assert_allclose(found.transport(inside[:, None])[:, 0], expected(inside), atol=1e-7)


@pytest.mark.parametrize("smoothing", [1e-6, 1e-2, 1e2])
@pytest.mark.parametrize("n", [2, 3, 4, 30, 3000])
def test_a_straight_map_is_found_exactly_both_ways(n: int, smoothing: float) -> None:
    x = np.random.default_rng(n).normal(size=n)
    (found,) = spline_potentials(_samples(x, 3 * x[::-1] - 1), (smoothing,))
    np.testing.assert_allclose(found.transport(_EVERYWHERE), 3 * _EVERYWHERE - 1, atol=1e-8)
    np.testing.assert_allclose(found.inverse_transport(3 * _EVERYWHERE - 1), _EVERYWHERE, atol=1e-8)


def test_masses_are_repeated_points_and_samples_may_differ_in_size() -> None:
    x, y = _spread(20, 4), np.sinh(_spread(30, 5))
    counts = np.arange(20) % 3 + 1
    with_masses = _samples(x, y, counts / counts.sum())
    repeated = _samples(np.repeat(x, counts), y)
    (one,), (other,) = (spline_potentials(s, (1e-4,)) for s in (with_masses, repeated))
    np.testing.assert_allclose(one.transport(_EVERYWHERE), other.transport(_EVERYWHERE), rtol=1e-9)
    np.testing.assert_allclose(
        one.inverse_transport(_EVERYWHERE), other.inverse_transport(_EVERYWHERE), rtol=1e-9
    )


def test_nothing_smoothed_keeps_the_mean_of_the_target() -> None:
    x, y = _spread(40, 6), np.exp(_spread(70, 7))
    for potentials in spline_potentials(_samples(x, y), (1e-8, 1e-3, 1.0)):
        assert potentials.transport(x[:, None]).mean() == pytest.approx(y.mean(), rel=1e-6)


def test_the_potentials_add_up_to_the_cost_of_the_map_in_the_mean() -> None:
    x = _spread(40, 8)
    for potentials in spline_potentials(_samples(x, np.exp(_spread(40, 9))), (1e-5, 1e-1)):
        points = x[:, None]
        moved = potentials.transport(points)
        sums = potentials.u(points) + potentials.v(moved)
        assert sums.mean() == pytest.approx(np.square(points - moved).mean() / 2, rel=1e-9)


def test_a_sample_of_one_point_is_moved_to_the_mean() -> None:
    (found,) = spline_potentials(_samples(np.zeros(5), np.arange(5.0)), (1e-3,))
    np.testing.assert_allclose(found.transport(_EVERYWHERE), 2.0)
    np.testing.assert_allclose(found.inverse_transport(_EVERYWHERE), 0.0, atol=1e-12)


def _combined(transport: str, n: int = 800) -> Combination:
    rng = np.random.default_rng(10)
    x, y = rng.normal(size=(2, n))
    images = {"straight": 2 * y + 1, "rough": y + np.sign(y) + np.tanh(20 * (y - 1))}[transport]
    return combine_splines(_samples(x, images), "gaussian", np.random.default_rng(0))


def test_straight_maps_get_smooth_splines_and_rough_maps_rough_ones() -> None:
    straight, rough = _combined("straight"), _combined("rough")
    for found in (straight, rough):
        weights = [found.gaussian, *(weight for _, weight in found.splines)]
        assert sum(weights) == pytest.approx(1)
        assert all(weight == 0 or weight >= 0.05 for weight in weights)
        assert found.kernel == 0
        assert not found.entropic
    assert straight.gaussian + dict(straight.splines).get(0.1, 0.0) > 0.9
    assert sum(weight for level, weight in rough.splines if level <= 1e-3) > 0.9
