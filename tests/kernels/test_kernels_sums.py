"""Weighted sums and their gradients: finite differences, tiles, precision, memory, messages."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from kernel_ot._arrays import Array
from kernel_ot.kernels import Anisotropic, Gaussian, Kernel, Linear, Matern, Polynomial

KERNELS: list[Kernel] = [
    Gaussian(0.7),
    Matern(0.3, 0.7),
    Matern(0.5, 0.7),
    Matern(0.8, 0.7),
    Matern(1.0, 0.7),
    Matern(1.5, 0.7),
    Matern(1.8, 0.7),
    Matern(2.5, 0.7),
    Matern(40.0, 0.7),
    Linear(),
    Polynomial(1),
    Polynomial(3, 0.5),
    0.3 * Gaussian(1.0) + Polynomial(2),
    Anisotropic(0.5 * Gaussian(0.7) + Linear(), [[1.3]]),  # type: ignore[arg-type]  # lists are read
]


def _data(n: int, m: int, d: int) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(5)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)), rng.normal(size=m)


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
@pytest.mark.parametrize("d", [1, 3])
def test_gradient_is_the_derivative_of_apply(kernel: Kernel, d: int) -> None:
    x, y, w = _data(30, 40, d)
    # Away from the points where kernels of nu <= 1 have a kink, which differences cannot cross.
    x = x[np.abs(x[:, None] - y).sum(axis=2).min(axis=1) > 1e-2]
    step = 1e-5
    differences = np.stack(
        [
            (kernel.apply(x + step * e, y, w) - kernel.apply(x - step * e, y, w)) / (2 * step)
            for e in np.eye(d)
        ],
        axis=1,
    )
    scale = np.abs(differences).max()
    np.testing.assert_allclose(kernel.gradient(x, y, w), differences, atol=1e-6 * scale, rtol=1e-5)


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_tiles_give_what_the_dense_matrix_gives(kernel: Kernel) -> None:
    x, y, w = _data(300, 1100, 3)  # more than one tile in both directions
    columns = np.stack([w, w**2], axis=1)
    dense = kernel(x, y)
    size = np.abs(dense) @ np.abs(columns)
    assert np.all(np.abs(kernel.apply(x, y, columns) - dense @ columns) <= 1e-13 * size)
    assert np.all(np.abs(kernel.apply(x, y, w) - dense @ w) <= 1e-13 * size[:, 0])
    few = kernel.gradient(x[:5], y, w)
    np.testing.assert_allclose(
        kernel.gradient(x, y, w)[:5], few, rtol=1e-9, atol=1e-11 * np.abs(few).max()
    )


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_one_pass_gives_the_values_and_gradients_of_two(kernel: Kernel) -> None:
    x, y, w = _data(37, 1100, 3)
    found = kernel.value_and_gradient(x, y, w)
    for got, wanted in zip(found, (kernel.apply(x, y, w), kernel.gradient(x, y, w)), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-12 * np.abs(wanted).max())


def test_gaussian_gradient_against_all_differences() -> None:
    x, y, w = _data(300, 1500, 4)
    values = Gaussian(0.9)(x, y)
    explicit = -np.einsum("ij,j,ijk->ik", values, w, x[:, None] - y) / 0.9**2
    np.testing.assert_allclose(Gaussian(0.9).gradient(x, y, w), explicit, atol=1e-11)


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_coincident_points(kernel: Kernel) -> None:
    x, _, _ = _data(25, 5, 3)
    one = np.ones(1)
    for point in x:
        gradient = kernel.gradient(point[None], point[None], one)
        assert np.isfinite(gradient).all()
        if isinstance(kernel, (Gaussian, Matern)):
            np.testing.assert_array_equal(gradient, 0.0)
    # Among others, where the common centre is not the point itself.
    own_term = kernel.gradient(x, x, np.ones(25)) - np.stack(
        [kernel.gradient(x[i][None], np.delete(x, i, 0), np.ones(24))[0] for i in range(25)]
    )
    if isinstance(kernel, (Gaussian, Matern)):
        np.testing.assert_allclose(own_term, 0.0, atol=1e-12)


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_single_precision_stays_single_and_close(kernel: Kernel) -> None:
    x, y, w = _data(50, 60, 3)
    x32, y32 = x.astype(np.float32), y.astype(np.float32)
    exact_x, exact_y = x32.astype(np.float64), y32.astype(np.float64)
    for found, exact, tol in (
        (kernel(x32, y32), kernel(exact_x, exact_y), 2e-5),
        (kernel.diagonal(x32), kernel.diagonal(exact_x), 1e-6),
        (kernel.apply(x32, y32, w), kernel.apply(exact_x, exact_y, w), 2e-5),
        (kernel.gradient(x32, y32, w), kernel.gradient(exact_x, exact_y, w), 3e-4),
    ):
        assert found.dtype == np.float32
        assert exact.dtype == np.float64
        np.testing.assert_allclose(found, exact, atol=tol * np.abs(exact).max())
    assert kernel(x32, exact_y).dtype == np.float64
    assert kernel([[1, 2]], [[3, 4]]).dtype == np.float64  # type: ignore[arg-type]


@pytest.mark.parametrize("kernel", [Gaussian(4.0), Matern(0.5, 4.0), Polynomial(2), Linear()])
def test_memory_stays_at_a_few_tiles(kernel: Kernel) -> None:
    x, y, w = _data(6000, 1200, 40)  # the matrix would take 58 MB, all differences 2.3 GB
    tracemalloc.start()
    try:
        kernel.apply(x, y, w)
        kernel.gradient(x, y, w)
        kernel.apply(y[:50], x, np.ones(len(x)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # Five tiles, and the result of the gradient twice while its blocks are joined.
    assert peak < 5 * 2 * 2**20 + 3 * x.nbytes


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_inputs_are_not_modified(kernel: Kernel) -> None:
    inputs = _data(10, 12, 2)
    copies = [array.copy() for array in inputs]
    for array in inputs:
        array.flags.writeable = False
    x, y, w = inputs
    kernel(x, y), kernel.diagonal(x), kernel.apply(x, y, w), kernel.gradient(x, y, w)
    for array, copy in zip(inputs, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("kernel", [Gaussian(1.0), Linear(), Polynomial(2), 2.0 * Gaussian(1.0)])
def test_messages(kernel: Kernel) -> None:
    x, y, w = _data(10, 12, 2)
    with pytest.raises(ValueError, match=r"x has 2 columns and y has 1"):
        kernel(x, y[:, :1])
    with pytest.raises(ValueError, match=r"x has shape \(10,\).*x.reshape\(-1, 1\)"):
        kernel.apply(x[:, 0], y, w)
    with pytest.raises(ValueError, match=r"weights has shape \(11,\)"):
        kernel.apply(x, y, w[:-1])
    with pytest.raises(ValueError, match=r"weights has shape \(12, 2\); it must be \(12,\)"):
        kernel.gradient(x, y, np.ones((12, 2)))
