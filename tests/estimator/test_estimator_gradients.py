from __future__ import annotations

import numpy as np
import pytest

from kernel_ot import KernelOT
from kernel_ot._arrays import Array
from kernel_ot.estimator import cost_gradients
from kernel_ot.kernels import Gaussian


@pytest.mark.filterwarnings("ignore::kernel_ot.diagnostics.CautionWarning")
def test_gradients_are_the_derivatives_of_the_regularised_value() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(15, 2)), rng.normal(size=(18, 2)) + 0.5
    filling = x[:12].copy(), y[:12].copy()

    def fit(points: Array, others: Array) -> KernelOT:
        return KernelOT(
            Gaussian(1.5),
            reg_potential=1e-2,
            preconditioner=None,
            filling=filling,
            tol=1e-9,
        ).fit(points, others)

    gradients = cost_gradients(fit(x, y))
    step = 1e-4
    for side, index in ((0, 3), (1, 5)):
        for axis in range(2):
            values = []
            for sign in (1, -1):
                moved = [x.copy(), y.copy()]
                moved[side][index, axis] += sign * step
                values.append(fit(*moved).solution_.objective)
            numeric = (values[0] - values[1]) / (2 * step)
            np.testing.assert_allclose(gradients[side][index, axis], numeric, rtol=1e-3, atol=1e-6)
