"""Where filling ends among many features."""

from __future__ import annotations

import numpy as np
import pytest

from kernel_ot import KernelOT
from kernel_ot.kernels import Gaussian


@pytest.mark.parametrize(("dimension", "share"), [(10, 1.0), (40, 0.5)])
def test_the_violation_that_is_left_does_not_grow_with_the_features(
    dimension: int, share: float
) -> None:
    ends = []
    for seed in range(3):
        x, y = np.random.default_rng(seed).normal(size=(2, 100, dimension))
        kernel = Gaussian(0.95 * np.sqrt(dimension))
        model = KernelOT(kernel, reg_potential=1e-3, verdict=False).fit(x, y + np.tanh(2 * y))
        ends.append(model.rounds_[-1].violation / model.violation_tol)
    assert max(ends) <= share
    assert max(ends) > share / 2
