from __future__ import annotations

import numpy as np
import pytest

from kernel_ot import KernelOT, divergence, interpolate
from kernel_ot.kernels import Gaussian


@pytest.fixture(scope="module")
def model() -> KernelOT:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 2)), rng.normal(size=(60, 2)) * [2.0, 0.5] + 3
    return KernelOT(Gaussian(2.0), reg_potential=1e-2).fit(x, y)


def test_the_ends_are_the_samples(model: KernelOT) -> None:
    start, end = interpolate(model, 0), interpolate(model, 1)
    np.testing.assert_array_equal(start.from_x, model.samples_.x)
    np.testing.assert_array_equal(end.from_y, model.samples_.y)
    assert start.weights[60:].sum() == 0
    assert end.weights[:60].sum() == 0


def test_both_ways_give_the_distribution_in_between(model: KernelOT) -> None:
    for t in (0.25, 0.5, 0.75):
        between = interpolate(model, t)
        assert between.weights.sum() == pytest.approx(1)
        assert between.points.shape == (120, 2)
        # For Gaussians means and standard deviations go straight from one end to the other.
        for points in (between.from_x, between.from_y):
            for statistic in (np.mean, np.std):
                ends = [statistic(ends, axis=0) for ends in (model.samples_.x, model.samples_.y)]
                wanted = (1 - t) * ends[0] + t * ends[1]
                np.testing.assert_allclose(statistic(points, axis=0), wanted, atol=0.1)
        across = divergence(model.samples_.x, model.samples_.y).value
        assert divergence(between.from_x, between.from_y).value < 0.02 * across


def test_what_is_no_time_or_not_fitted_is_refused(model: KernelOT) -> None:
    with pytest.raises(ValueError, match=r"t = 1\.5 must be between"):
        interpolate(model, 1.5)
    with pytest.raises(ValueError, match="t = -1"):
        interpolate(model, -1)
    with pytest.raises(ValueError, match="not fitted"):
        interpolate(KernelOT(), 0.5)
