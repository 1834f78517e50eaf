from __future__ import annotations

import numpy as np
import pytest

from kernel_ot import KernelOT, Potentials
from kernel_ot._arrays import Array
from kernel_ot.interop import DiscreteCTransform
from kernel_ot.kernels import Gaussian


@pytest.fixture(scope="module")
def model() -> KernelOT:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 2))
    y = rng.normal(size=(80, 2)) @ np.array([[2.0, 0.3], [0.3, 0.5]]) + 1
    return KernelOT(Gaussian(2.0), reg_potential=1e-2).fit(x, y)


def test_jacobians_are_differences_of_the_maps_in_the_coordinates_of_the_user(
    model: KernelOT,
) -> None:
    points = np.random.default_rng(1).normal(size=(6, 2))
    potentials, step = model.potentials_, 1e-5
    for jacobian, transport in (
        (potentials.jacobian(points), potentials.transport),
        (potentials.inverse_jacobian(points), potentials.inverse_transport),
    ):
        for axis in range(2):
            shift = step * np.eye(2)[axis]
            numeric = (transport(points + shift) - transport(points - shift)) / (2 * step)
            np.testing.assert_allclose(jacobian[:, :, axis], numeric, rtol=1e-6, atol=1e-7)


def test_a_density_pushed_forward_keeps_its_mass(model: KernelOT) -> None:
    # The mean over x ~ p of any function of T(x) is its integral against the density of T(x).
    x = np.random.default_rng(2).normal(size=(4000, 2))
    log_density = -np.sum(x**2, axis=1) / 2 - np.log(2 * np.pi)
    pushed = log_density - model.potentials_.log_determinant(x)
    images = model.transform(x)
    # Entropy of a Gaussian of the images' covariance is an upper bound, close for a near-Gaussian.
    gaussian = np.linalg.slogdet(2 * np.pi * np.e * np.cov(images.T))[1] / 2
    assert -pushed.mean() == pytest.approx(gaussian, abs=0.05)


def test_where_the_map_folds_there_is_no_density() -> None:
    class Bowl:
        def __call__(self, points: Array) -> Array:
            return np.asarray(np.sum(points**2, axis=1))

        def gradient(self, points: Array) -> Array:
            return 2 * points

        def hessian(self, points: Array) -> Array:
            return np.broadcast_to(2 * np.eye(2), (len(points), 2, 2))

    bowl = Bowl()
    assert np.isnan(Potentials(bowl, bowl).log_determinant(np.zeros((3, 2)))).all()


def test_piecewise_potentials_have_no_jacobian() -> None:
    points = np.zeros((2, 2))
    piecewise = DiscreteCTransform(points, np.zeros(2))
    with pytest.raises(ValueError, match="second derivatives"):
        Potentials(piecewise, piecewise).jacobian(points)
