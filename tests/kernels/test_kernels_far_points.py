"""Points that lie far out: they cost no digits anywhere else, and Gram matrices stay symmetric."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.spatial.distance import cdist

from helpers import load_backend
from kernel_ot._arrays import Array
from kernel_ot._linalg import feature_factor
from kernel_ot.kernels import Anisotropic, Gaussian, Kernel, Linear, Matern, Polynomial
from kernel_ot.kernels._distances import ScaledDistances

KERNELS: list[Kernel] = [
    Gaussian(0.7),
    Matern(0.5, 0.7),
    Matern(1.5, 0.7),
    Matern(3.2, 0.7),
    Gaussian(0.7) + 0.1 * Matern(2.5, 0.3),
    Anisotropic(Gaussian(0.7), np.array([[1.0, 0.2], [0.2, 0.5]])),
]


def points(seed: int, n: int = 40) -> Array:
    return np.random.default_rng(seed).normal(size=(n, 2))


@pytest.mark.parametrize("far", [1e5, 1e8, 1e9, 1e12, 1e40, 1e149])
@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_an_outlier_changes_nothing_among_the_others(kernel: Kernel, far: float) -> None:
    x, y, w = points(0), points(1), points(2)[:, 0]
    x_far, y_far = np.vstack([x, [[far, 0.0]]]), np.vstack([y, [[far, far]]])
    w_far = np.append(w, 3.0)
    np.testing.assert_allclose(kernel(x_far, y_far)[:-1, :-1], kernel(x, y), atol=1e-11)
    assert kernel(x_far, y_far)[-1, :-1].max() == 0.0
    np.testing.assert_allclose(
        kernel.apply(x_far, y_far, w_far)[:-1], kernel.apply(x, y, w), atol=1e-10
    )
    gradient = kernel.gradient(x_far, y_far, w_far)
    np.testing.assert_allclose(gradient[:-1], kernel.gradient(x, y, w), atol=1e-9)
    np.testing.assert_array_equal(gradient[-1], 0.0)
    values, both = kernel.value_and_gradient(x_far, y_far, w_far)
    np.testing.assert_allclose(values[:-1], kernel.apply(x, y, w), atol=1e-10)
    np.testing.assert_allclose(both[:-1], gradient[:-1], atol=1e-9)


@pytest.mark.parametrize("kernel", [*KERNELS, Linear(), Polynomial(3, 0.5)], ids=repr)
@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    exponent=st.integers(-12, 12),
    far=st.sampled_from([0.0, 1e3, 1e8]),
    transposed=st.booleans(),
    single=st.booleans(),
)
def test_gram_matrices_are_symmetric_to_the_last_bit(
    kernel: Kernel, seed: int, exponent: int, far: float, transposed: bool, single: bool
) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_cauchy((int(rng.integers(1, 60)), 2)) * 10.0**exponent
    x[0] += far
    if isinstance(kernel, Polynomial):
        x = np.tanh(x)  # whose cubes are numbers
    if transposed:
        x = np.asfortranarray(x)
    x = x.astype(np.float32) if single else x
    gram = kernel(x, x)
    np.testing.assert_array_equal(gram, gram.T)
    if not isinstance(kernel, Linear | Polynomial):
        np.testing.assert_array_equal(np.diag(gram), kernel.diagonal(x).astype(gram.dtype))


def test_one_long_coordinate_of_many_leaves_distances_to_the_product() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 60, 48))
    x[0, 0] = 20.0
    distances = ScaledDistances(x, y, 0.5)
    assert distances.columns(y).shape == (60, 50)  # squared norms ride along
    exact = cdist(x, y, "sqeuclidean") / 2
    np.testing.assert_allclose(distances.matrix(x, y), exact, rtol=0, atol=1e-12)
    x[0, 0] = 200.0
    assert ScaledDistances(x, y, 0.5).columns(y) is y


@pytest.mark.parametrize("bandwidth", [0.05, 0.5, 5.0])
def test_heavy_tails_have_features(bandwidth: float) -> None:
    for seed in range(20):
        pairs = np.random.default_rng(seed).standard_cauchy((120, 4))
        factor = feature_factor(Gaussian(bandwidth)(pairs, pairs))
        assert factor.truncation_error < 1e-12


@pytest.mark.parametrize("nu", [0.3, 0.5, 1.0])
def test_equal_rows_are_seen_as_equal_in_gram_matrices(nu: float) -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        rows = np.repeat(rng.normal(size=(3, 6)), 9, axis=0)
        gram = Matern(nu, 40.0)(rows, rows)
        np.testing.assert_array_equal(gram[:9, :9], 1.0)
        assert np.linalg.eigvalsh(gram)[0] > -1e-13


def test_jax_computes_differences_too() -> None:
    backend = load_backend("jax")
    import jax

    x, y, w = (np.vstack([points(seed), [[1e9, 1.0]]]) for seed in range(3))
    for kernel in (Gaussian(0.7), Matern(1.5, 0.7)):
        assert np.abs(kernel(backend.array(x), backend.array(y)) - kernel(x, y)).max() < 1e-11

        def total(a: Any, kernel: Kernel = kernel) -> Any:
            return backend.namespace.sum(w[:-1, 0] * kernel.apply(a, y, w[:, 0])[:-1])

        found = jax.jit(jax.grad(total))(backend.array(x))
        expected = kernel.gradient(x, y, w[:, 0])[:-1] * w[:-1, :1]
        np.testing.assert_allclose(found[:-1], expected, atol=1e-9)
        gram = np.asarray(kernel(*[backend.array(x)] * 2))
        np.testing.assert_array_equal(gram, gram.T)


@pytest.mark.parametrize("bandwidth", [1e160, 1e-200, 1e-101, np.float64(1e101)])
def test_bandwidths_without_a_square_are_refused(bandwidth: float) -> None:
    for make in (Gaussian, lambda value: Matern(1.5, value)):
        with pytest.raises(ValueError, match=r"bandwidth = .* another unit"):
            make(bandwidth)


@pytest.mark.parametrize("bandwidth", [1e-99, 1e99])
@pytest.mark.parametrize("size", [0.0, 1e-149, 1.0, 1e149])
def test_any_point_and_bandwidth_give_numbers(bandwidth: float, size: float) -> None:
    x = points(0, 3) * size
    for kernel in (Gaussian(bandwidth), Matern(0.5, bandwidth), Matern(3.2, bandwidth)):
        gram = kernel(x, x)
        assert np.isfinite(gram).all()
        np.testing.assert_array_equal(np.diag(gram), 1.0)
        assert np.isfinite(kernel.gradient(x, x, np.ones(3))).all()
