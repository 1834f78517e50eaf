"""Values against scikit-learn and closed forms, and the algebra of kernels."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.gaussian_process.kernels import Matern as SklearnMatern
from sklearn.metrics.pairwise import polynomial_kernel, rbf_kernel

from kernel_ot._arrays import Array
from kernel_ot.kernels import (
    Anisotropic,
    Gaussian,
    Kernel,
    Linear,
    Matern,
    Polynomial,
    Scaled,
    Sobolev,
    Sum,
)

KERNELS: list[Kernel] = [
    Gaussian(0.7),
    Matern(0.5, 0.7),
    Matern(0.8, 0.7),
    Matern(1.0, 0.7),
    Matern(1.5, 0.7),
    Matern(2.5, 0.7),
    Matern(3.2, 0.7),
    Linear(),
    Polynomial(3, 0.5),
    0.3 * Gaussian(1.0) + Polynomial(2),
    Anisotropic(0.5 * Gaussian(0.7) + Linear(), [[1.3]]),  # type: ignore[arg-type]  # lists are read
]


def _points(n: int, d: int, seed: int) -> Array:
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.mark.parametrize("d", [1, 3, 48])
def test_gaussian_is_sklearns_rbf_kernel(d: int) -> None:
    x, y = _points(20, d, 0), _points(30, d, 1)
    bandwidth = np.sqrt(d)
    reference = rbf_kernel(x, y, gamma=1 / (2 * bandwidth**2))
    np.testing.assert_allclose(Gaussian(bandwidth)(x, y), reference, rtol=1e-12)


@pytest.mark.parametrize("nu", [0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 3.2, 20.0])
@pytest.mark.parametrize("d", [1, 3, 48])
def test_matern_is_sklearns(nu: float, d: int) -> None:
    x, y = _points(20, d, 0), _points(30, d, 1)
    bandwidth = np.sqrt(d)
    reference = SklearnMatern(bandwidth, nu=nu)(x, y)
    np.testing.assert_allclose(Matern(nu, bandwidth)(x, y), reference, rtol=1e-10)


@pytest.mark.parametrize("nu", [0.5, 1.5, 2.5])
def test_bessel_form_meets_the_closed_forms(nu: float) -> None:
    x, y = _points(20, 2, 0), _points(30, 2, 1)
    w = np.ones(30)
    nearby = Matern(nu * (1 + 1e-9), 1.0)  # not recognised as a half-integer
    np.testing.assert_allclose(nearby(x, y), Matern(nu, 1.0)(x, y), rtol=1e-7)
    np.testing.assert_allclose(
        nearby.gradient(x, y, w), Matern(nu, 1.0).gradient(x, y, w), rtol=1e-6, atol=1e-7
    )


def test_matern_of_large_nu_nears_the_gaussian_kernel_and_stays_finite() -> None:
    distances = np.concatenate([[0.0], np.logspace(-160, 1, 400)])[:, None]
    origin = np.zeros((1, 1))
    values = Matern(100.0, 1.0)(distances, origin)
    assert values[0, 0] == 1.0
    np.testing.assert_allclose(values, Gaussian(1.0)(distances, origin), atol=0.01)
    # Decreasing also where the series takes over from an overflowing Bessel function.
    assert np.all(np.diff(values[:, 0]) <= 1e-12)


def test_matern_small_distances_follow_the_series() -> None:
    nu = 100.0  # the Bessel function overflows up to a distance of about 0.004
    distances = np.linspace(0.0, 0.02, 200)[:, None]
    t_squared = 2 * nu * distances**2
    z = t_squared / 4
    series = 1 - z / (nu - 1) + z**2 / (2 * (nu - 1) * (nu - 2))
    np.testing.assert_allclose(Matern(nu, 1.0)(distances, np.zeros((1, 1))), series, atol=1e-11)


def test_sobolev_names_the_matern_kernel_of_the_space() -> None:
    assert Sobolev(order=2, dimension=3, bandwidth=0.4) == Matern(0.5, 0.4)
    assert Sobolev(order=5.5, dimension=6, bandwidth=0.4) == Matern(2.5, 0.4)
    with pytest.raises(ValueError, match=r"order = 1.0 must be above dimension / 2 = 1.0"):
        Sobolev(order=1, dimension=2, bandwidth=1.0)


@pytest.mark.parametrize(("degree", "offset"), [(1, 0.0), (2, 1.0), (5, 0.5)])
def test_polynomial_is_sklearns(degree: int, offset: float) -> None:
    x, y = _points(20, 3, 0), _points(30, 3, 1)
    reference = polynomial_kernel(x, y, degree=degree, gamma=1.0, coef0=offset)
    np.testing.assert_allclose(Polynomial(degree, offset)(x, y), reference, rtol=1e-12)
    if offset == 0.0:
        np.testing.assert_allclose(Linear()(x, y), reference, rtol=1e-12)


def test_sums_and_multiples() -> None:
    x, y = _points(20, 3, 0), _points(30, 3, 1)
    kernel = 0.3 * Gaussian(1.0) + Linear() * 2.0 + Polynomial(2)
    expected = 0.3 * Gaussian(1.0)(x, y) + 2 * x @ y.T + (x @ y.T + 1) ** 2
    np.testing.assert_allclose(kernel(x, y), expected, rtol=1e-12)
    assert isinstance(kernel, Sum)
    assert len(kernel.kernels) == 3  # flat, not nested
    with pytest.raises(ValueError, match=r"scale = -1.0 must be positive"):
        -1.0 * Gaussian(1.0)
    with pytest.raises(ValueError, match="not a Kernel"):
        Scaled(1.0, "gaussian")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="non-empty tuple"):
        Sum(())
    with pytest.raises(TypeError):
        Gaussian(1.0) + 1.0  # type: ignore[operator]


def test_a_kernel_on_pairs_is_the_kernel_on_concatenated_points() -> None:
    x, y = _points(20, 2, 0), _points(20, 3, 1)
    pairs = np.hstack([x, y])
    product = Gaussian(0.8)(x, x) * Gaussian(0.8)(y, y)
    np.testing.assert_allclose(Gaussian(0.8)(pairs, pairs), product, rtol=1e-12)


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_value_objects(kernel: Kernel) -> None:
    copy = pickle.loads(pickle.dumps(kernel))
    assert copy == kernel
    assert hash(copy) == hash(kernel)
    assert kernel != 2.0 * kernel
    assert eval(repr(kernel)) == kernel
    with pytest.raises(FrozenInstanceError):
        kernel.bandwidth = 3.0  # type: ignore[attr-defined]


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_diagonal_and_symmetry(kernel: Kernel) -> None:
    x = _points(40, 3, 0)
    gram = kernel(x, x)
    np.testing.assert_allclose(kernel.diagonal(x), np.diag(gram), rtol=1e-12)
    np.testing.assert_allclose(gram, gram.T, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    points=arrays(
        np.float64,
        st.tuples(st.integers(1, 12), st.integers(1, 4)),
        elements=st.floats(-3, 3, allow_subnormal=False),
    )
)
def test_gram_matrices_are_positive_semidefinite(kernel: Kernel, points: Array) -> None:
    points = np.vstack([points, points[:1]])  # with a repeated point
    gram = kernel(points, points)
    smallest = np.linalg.eigvalsh((gram + gram.T) / 2)[0]
    assert smallest >= -1e-12 * max(1.0, np.trace(gram))


@pytest.mark.parametrize("kernel", [k for k in KERNELS if isinstance(k, (Gaussian, Matern))])
def test_far_from_the_origin_nothing_is_lost(kernel: Kernel) -> None:
    # Multiples of 2^-20, so that adding 2^20 is exact and only the kernel could round.
    x, y = np.round(_points(40, 3, 0) * 2**20) / 2**20, np.round(_points(50, 3, 1) * 2**20) / 2**20
    w = _points(50, 1, 2)[:, 0]
    shift = 2.0**20
    np.testing.assert_allclose(kernel(x + shift, y + shift), kernel(x, y), atol=1e-12)
    for total in (kernel.apply, kernel.gradient):
        np.testing.assert_allclose(total(x + shift, y + shift, w), total(x, y, w), atol=1e-10)


def test_close_points_keep_their_distance() -> None:
    gaps = np.logspace(-6, -2, 30)[:, None]
    values = Matern(0.5, 1e-3)(gaps, np.zeros((1, 1)))[:, 0]
    np.testing.assert_allclose(values, np.exp(-gaps[:, 0] / 1e-3), rtol=1e-12)
    cloud = _points(200, 3, 0)
    moved = cloud + np.array([1e-5, 0.0, 0.0])
    found = -np.log(np.diag(Matern(0.5, 1.0)(moved, cloud)))
    np.testing.assert_allclose(found, 1e-5, rtol=1e-3)
    # A repeated point is seen as such: rounding does not pass through the square root.
    assert np.all(np.diag(Matern(0.5, 1.0)(cloud, cloud.copy())) == 1.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Gaussian(0.0), "bandwidth = 0.0 must be positive"),
        (lambda: Gaussian(-1.0), "bandwidth = -1.0 must be positive"),
        (lambda: Gaussian(float("nan")), "bandwidth = nan must be finite"),
        (lambda: Gaussian("wide"), "bandwidth = 'wide' is not a number"),  # type: ignore[arg-type]
        (lambda: Matern(1.5, 0.0), "bandwidth = 0.0 must be positive"),
        (lambda: Matern(0.0, 1.0), "nu = 0.0 must be positive"),
        (lambda: Matern(101.0, 1.0), "nu = 101.0 is above 100; Gaussian"),
        (lambda: Polynomial(0), "degree = 0.0 must be positive"),
        (lambda: Polynomial(1.5), "degree = 1.5 must be an integer"),  # type: ignore[arg-type]
        (lambda: Polynomial(2, -1.0), "offset = -1.0 must not be negative"),
    ],
)
def test_bad_parameters_are_named(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]
