from __future__ import annotations

from dataclasses import replace

import numpy as np
import ot
import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st

from helpers import Backend
from kernel_ot import DivergenceSettings, distances, divergence
from kernel_ot._arrays import Array
from kernel_ot.kernels import Gaussian, Kernel, Linear, Matern, Multiquadric


def pair(
    seed: int, n: int = 30, m: int = 25, d: int = 2, shift: float = 1.0
) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), 1.5 * rng.normal(size=(m, d)) + shift


def half_squared_wasserstein(x: Array, y: Array) -> float:
    masses = (np.full(len(x), 1 / len(x)), np.full(len(y), 1 / len(y)))
    return float(ot.emd2(*masses, ot.dist(x, y) / 2))


def squared_mmd(x: Array, y: Array, kernel: Kernel) -> float:
    masses = np.full(len(x), 1 / len(x)), np.full(len(y), 1 / len(y))
    return float(distances.squared_mmd(x, y, kernel, *masses))


def test_equal_samples_have_divergence_zero_in_every_library(library: Backend) -> None:
    x, y = pair(0)
    settings = DivergenceSettings.from_samples(x, y)
    points = library.array(x)
    assert float(divergence(points, points, settings=settings).value) == 0
    shuffled = library.array(x[::-1].copy())
    assert abs(float(divergence(points, shuffled, settings=settings).value)) < 1e-12


def test_every_library_gives_the_same_numbers_as_its_own_arrays(library: Backend) -> None:
    x, y = pair(1)
    settings = DivergenceSettings.from_samples(x, y, tol=1e-9)
    expected = divergence(x, y, settings=settings)
    found = divergence(library.array(x), library.array(y), settings=settings)
    for name in ("value", "gradient_x", "gradient_y", "cost"):
        value = getattr(found, name)
        assert library.owns(value), name
        np.testing.assert_allclose(
            library.numbers(value), getattr(expected, name), rtol=1e-6, atol=1e-8
        )
    for direction in ("forward", "backward"):
        images = getattr(found, direction).images
        assert library.owns(images)
        np.testing.assert_allclose(
            library.numbers(images), getattr(expected, direction).images, atol=1e-6
        )
    assert bool(found.converged)


def test_single_precision_comes_back_as_single_precision(library: Backend) -> None:
    x, y = (library.array(points.astype(np.float32)) for points in pair(2))
    found = divergence(x, y)
    assert library.numbers(found.gradient_x).dtype == np.float32
    assert library.numbers(found.forward.images).dtype == np.float32
    value = divergence(*pair(2)).value
    assert float(found.value) == pytest.approx(value, rel=1e-5)


@hypothesis_settings(max_examples=12)
@given(
    seed=st.integers(0, 1000), d=st.integers(1, 6), regularisation=st.sampled_from([1e-2, 0.1, 3])
)
def test_it_lies_between_zero_and_the_maximum_mean_discrepancy(
    seed: int, d: int, regularisation: float
) -> None:
    x, y = pair(seed, 12, 15, d, shift=seed % 5)
    settings = DivergenceSettings.from_samples(x, y, regularisation=regularisation)
    found = divergence(x, y, settings=settings)
    mismatch = squared_mmd(x, y, settings.kernel) / (4 * settings.reg_potential)
    assert 0 < found.value <= mismatch * (1 + 1e-9)
    assert found.value <= found.cost
    assert found.value == pytest.approx(divergence(y, x, settings=settings).value, rel=1e-6)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_it_is_at_most_half_the_squared_wasserstein_distance(d: int) -> None:
    x, y = pair(d, 40, 40, d)
    found = divergence(x, y)
    assert found.value < found.cost < half_squared_wasserstein(x, y)


def test_samples_of_one_distribution_are_nearer_than_the_wasserstein_distance_says() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(200, 10)), rng.normal(size=(200, 10))
    assert divergence(x, y).value < 0.1 * half_squared_wasserstein(x, y)


def test_little_regularisation_gives_half_the_squared_wasserstein_distance() -> None:
    x, y = pair(4, 20, 20, 1)
    settings = DivergenceSettings.from_samples(x, y, regularisation=1e-5, max_iter=20_000)
    found = divergence(x, y, settings=settings)
    assert found.value == pytest.approx(half_squared_wasserstein(x, y), rel=2e-2)


def test_much_regularisation_gives_the_maximum_mean_discrepancy() -> None:
    x, y = pair(5)
    settings = DivergenceSettings(Gaussian(1.0), 1e6, tol=1e-12)
    expected = squared_mmd(x, y, Gaussian(1.0)) / 4e6
    assert divergence(x, y, settings=settings).value == pytest.approx(expected, rel=1e-5)


def test_a_linear_kernel_sees_the_means_alone() -> None:
    x, y = pair(6)
    settings = DivergenceSettings(Linear(), 0.25)
    gap = x.mean(axis=0) - y.mean(axis=0)
    # min over t of t^2 |gap|^2 / 2 + (1 - t)^2 |gap|^2 / 4 lambda
    expected = gap @ gap / 2 / (1 + 2 * 0.25)
    assert divergence(x, y, settings=settings).value == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("kernel", [Gaussian(1.5), Matern(2.5, 1.5), Multiquadric(1.0)], ids=str)
def test_gradients_are_those_of_central_differences(kernel: Kernel) -> None:
    x, y = pair(7)
    rng = np.random.default_rng(0)
    settings = DivergenceSettings(kernel, 0.02, tol=1e-11)
    found = divergence(x, y, settings=settings)
    direction_x, direction_y = rng.normal(size=x.shape), rng.normal(size=y.shape)
    step = 1e-4
    plus, minus = (
        divergence(x + s * direction_x, y + s * direction_y, settings=settings).value
        for s in (step, -step)
    )
    along = np.sum(found.gradient_x * direction_x) + np.sum(found.gradient_y * direction_y)
    assert along == pytest.approx((plus - minus) / (2 * step), rel=1e-6)


def test_a_mass_of_two_is_a_point_twice() -> None:
    x, y = pair(8, 10, 12)
    settings = DivergenceSettings.from_samples(x, y, tol=1e-10, regularisation=0.3)
    twice = divergence(np.concatenate([x, x[:3]]), y, settings=settings)
    weighted = divergence(x, y, settings=settings, weights_x=[2, 2, 2, 1, 1, 1, 1, 1, 1, 1])
    assert weighted.value == pytest.approx(twice.value, rel=1e-9)
    np.testing.assert_allclose(weighted.gradient_x[:3], 2 * twice.gradient_x[:3], atol=1e-8)


def test_the_map_takes_images_back_to_their_points() -> None:
    x, y = pair(9)
    found = divergence(x, y, settings=DivergenceSettings.from_samples(x, y, tol=1e-9))
    np.testing.assert_allclose(found.potentials.transport(found.backward.images), y, atol=1e-6)
    np.testing.assert_allclose(
        found.potentials.inverse_transport(found.forward.images), x, atol=1e-6
    )


def test_moving_both_samples_or_turning_them_changes_nothing() -> None:
    x, y = pair(10)
    settings = DivergenceSettings.from_samples(x, y, tol=1e-9)
    value = divergence(x, y, settings=settings).value
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(2, 2)))[0]
    other = divergence(x @ turn + 1e4, y @ turn + 1e4, settings=settings).value
    assert other == pytest.approx(value, rel=1e-7)


def test_units_of_the_samples_are_those_of_the_root_of_the_value() -> None:
    x, y = pair(11)
    assert divergence(1e6 * x, 1e6 * y).value == pytest.approx(1e12 * divergence(x, y).value)


def test_settings_are_part_of_the_result_and_give_it_again() -> None:
    x, y = pair(12)
    found = divergence(x, y)
    assert found.settings == DivergenceSettings.from_samples(x, y)
    assert divergence(x, y, settings=found.settings).value == found.value


def test_an_ending_without_convergence_says_so() -> None:
    x, y = pair(13)
    settings = replace(DivergenceSettings.from_samples(x, y), max_iter=3)
    found = divergence(x, y, settings=settings)
    assert not found.converged
    assert "max_iter" in found.message
    assert "max_iter" in str(found)


def test_constant_samples_are_a_distance_apart() -> None:
    x, y = np.zeros((3, 2)), np.ones((4, 2))
    assert divergence(x, x).value == 0
    # Half the squared distance is 1, of which the regularisation takes a little.
    assert divergence(x, y).value == pytest.approx(1.0, rel=0.05)
