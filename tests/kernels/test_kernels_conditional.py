from __future__ import annotations

import numpy as np
import pytest

from kernel_ot import KernelOT, KernelOTCV
from kernel_ot.kernels import Anisotropic, Gaussian, Kernel, Multiquadric

CONDITIONAL = [
    Multiquadric(1.0),
    2.0 * Multiquadric(1.0),
    Gaussian(1.0) + Multiquadric(1.0),
    Anisotropic(Multiquadric(1.0), np.eye(2)),
]


@pytest.mark.parametrize("kernel", CONDITIONAL, ids=str)
def test_fits_refuse_kernels_that_are_positive_for_balanced_masses_only(kernel: Kernel) -> None:
    x = np.random.default_rng(0).normal(size=(10, 2))
    assert kernel.conditional
    with pytest.raises(ValueError, match="serves divergences, not fits"):
        KernelOT(kernel).fit(x, x + 1)
    with pytest.raises(ValueError, match=r"kernels\[1\] = .* serves divergences"):
        KernelOTCV(kernels=(Gaussian(1.0), kernel)).fit(x, x + 1)


def test_multiquadrics_are_positive_for_weights_that_sum_to_zero() -> None:
    points = np.random.default_rng(1).normal(size=(40, 3))
    centring = np.eye(40) - 1 / 40
    gram = Multiquadric(0.5)(points, points)
    assert np.linalg.eigvalsh(centring @ gram @ centring).min() > -1e-10
    assert np.linalg.eigvalsh(gram).min() < -1
    assert not Gaussian(1.0).conditional
