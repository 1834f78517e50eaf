"""Kernels of linearly transformed points."""

from __future__ import annotations

import numpy as np
import pytest

from kernel_ot.kernels import Anisotropic, Gaussian, Linear, Matern


@pytest.fixture
def points() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return (
        rng.normal(size=(20, 4)),
        rng.normal(size=(30, 4)),
        rng.normal(size=30),
        rng.normal(size=(4, 2)),
    )


def test_it_is_the_kernel_of_the_multiplied_points(points: tuple[np.ndarray, ...]) -> None:
    x, y, w, matrix = points
    kernel, inner = Anisotropic(Gaussian(1.1), matrix), Gaussian(1.1)
    np.testing.assert_allclose(kernel(x, y), inner(x @ matrix, y @ matrix), rtol=1e-12)
    np.testing.assert_allclose(kernel.apply(x, y, w), kernel(x, y) @ w, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(kernel.diagonal(x), 1.0)


@pytest.mark.parametrize("inner", [Gaussian(1.1), Matern(1.5, 1.1), Linear()], ids=repr)
def test_gradient_is_the_derivative(
    points: tuple[np.ndarray, ...], inner: Gaussian | Matern | Linear
) -> None:
    x, y, w, matrix = points
    kernel = Anisotropic(inner, matrix)
    step = 1e-5
    differences = np.stack(
        [
            (kernel.apply(x + step * e, y, w) - kernel.apply(x - step * e, y, w)) / (2 * step)
            for e in np.eye(4)
        ],
        axis=1,
    )
    np.testing.assert_allclose(kernel.gradient(x, y, w), differences, rtol=1e-5, atol=1e-7)


def test_pairs_are_multiplied_block_by_block(points: tuple[np.ndarray, ...]) -> None:
    x, y, _, matrix = points
    kernel = Anisotropic(Gaussian(1.1), matrix)
    pairs = np.hstack([x, y[:20]])
    np.testing.assert_allclose(
        kernel(pairs, pairs), kernel(x, x) * kernel(y[:20], y[:20]), rtol=1e-12
    )
    assert kernel.gradient(pairs, pairs, np.ones(20)).shape == (20, 8)
    with pytest.raises(ValueError, match=r"x has 3 columns; .* points of 4 coordinates"):
        kernel(x[:, :3], y[:, :3])


def test_it_keeps_its_own_matrix() -> None:
    matrix = np.eye(2)
    kernel = Anisotropic(Gaussian(1.0), matrix)
    before = hash(kernel)
    matrix[0, 0] = 7.0
    assert kernel == Anisotropic(Gaussian(1.0), np.eye(2))
    assert hash(kernel) == before
    assert str(kernel) == "Anisotropic(Gaussian(bandwidth=1.0), 2 x 2 matrix)"
    assert kernel != Anisotropic(Gaussian(2.0), np.eye(2))
    assert kernel != Anisotropic(Gaussian(1.0), matrix)
    with pytest.raises(ValueError, match="read-only"):
        kernel.matrix[0, 0] = 1.0
    with pytest.raises(ValueError, match="matrix"):
        Anisotropic(Gaussian(1.0), np.array([[np.nan]]))
    with pytest.raises(ValueError, match="not a Kernel"):
        Anisotropic("gaussian", np.eye(2))  # type: ignore[arg-type]
