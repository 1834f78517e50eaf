from __future__ import annotations

import numpy as np
import pytest

from helpers import Backend
from kernel_ot.kernels import (
    Anisotropic,
    Gaussian,
    Kernel,
    Linear,
    Matern,
    Multiquadric,
    Polynomial,
)

MATRIX = np.array([[1.0, 0.3], [0.0, 2.0], [0.5, -1.0]])
KERNELS = [
    Gaussian(1.3),
    Multiquadric(0.7),
    *(Matern(nu, 1.2) for nu in (0.5, 0.8, 1.5, 1.7, 2.2, 2.5, 3.7)),
    Linear(),
    Polynomial(1),
    Polynomial(3, 0.5),
    Anisotropic(Gaussian(1.0), MATRIX),
    Gaussian(0.8) + 0.5 * Polynomial(2),
]


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_hessians_are_differences_of_gradients(kernel: Kernel) -> None:
    rng = np.random.default_rng(0)
    x, y, weights = rng.normal(size=(5, 3)), rng.normal(size=(7, 3)), rng.normal(size=7)
    hessian = kernel.hessian(x, y, weights)
    step = 1e-5
    for axis in range(3):
        shift = step * np.eye(3)[axis]
        plus, minus = (kernel.gradient(x + s * shift, y, weights) for s in (1, -1))
        np.testing.assert_allclose(
            hessian[:, axis], (plus - minus) / (2 * step), rtol=1e-5, atol=1e-7
        )


def test_hessians_on_pairs_go_through_the_matrix_block_by_block() -> None:
    rng = np.random.default_rng(1)
    x, y, weights = rng.normal(size=(4, 6)), rng.normal(size=(5, 6)), rng.normal(size=5)
    whole = np.zeros((6, 4))
    whole[:3, :2] = whole[3:, 2:] = MATRIX
    expected = Anisotropic(Gaussian(1.5), whole).hessian(x, y, weights)
    found = Anisotropic(Gaussian(1.5), MATRIX).hessian(x, y, weights)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_hessians_stay_in_their_library(jax_backend: Backend) -> None:
    rng = np.random.default_rng(2)
    x, y, weights = rng.normal(size=(4, 2)), rng.normal(size=(5, 2)), rng.normal(size=5)
    kernel = Gaussian(1.0) + 2.0 * Multiquadric(1.0)
    found = kernel.hessian(*(jax_backend.array(a) for a in (x, y, weights)))
    assert jax_backend.owns(found)
    np.testing.assert_allclose(found, kernel.hessian(x, y, weights), atol=1e-12)


def test_hessians_at_coincident_points_are_finite() -> None:
    x = np.zeros((1, 2))
    for nu in (0.5, 0.8, 1.5, 1.7, 2.5):
        assert np.isfinite(Matern(nu, 1.0).hessian(x, x, np.ones(1))).all()
