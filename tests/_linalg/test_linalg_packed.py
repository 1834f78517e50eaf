"""A symmetric matrix and a factor in one array, on every backend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from helpers import Backend, load_backend
from kernel_ot._arrays import Array
from kernel_ot._linalg import (
    add_unpacked_in_place,
    packed_cholesky_in_place,
    unpacked,
    upper_product,
)

# Beyond 128 and 256 NumPy goes by blocks of rows.
SIZES = pytest.mark.parametrize("size", [1, 2, 7, 128, 129, 300])


@pytest.fixture(params=["numpy", "jax"])
def backend(request: pytest.FixtureRequest) -> Backend:
    return load_backend(request.param)


def _positive_definite(size: int, seed: int = 0) -> Array:
    root = np.random.default_rng(seed).normal(size=(size, size))
    return np.asarray(root @ root.T + np.eye(size))


@SIZES
def test_the_factor_and_the_matrix_come_back(backend: Backend, size: int) -> None:
    matrix = _positive_definite(size)
    packed = packed_cholesky_in_place(backend.array(matrix.copy()))
    assert backend.owns(packed)
    np.testing.assert_allclose(np.tril(packed), np.linalg.cholesky(matrix), atol=1e-9)
    np.testing.assert_array_equal(np.triu(packed, 1), np.triu(matrix, 1))
    whole = unpacked(packed, backend.array(matrix.diagonal()))
    assert backend.owns(whole)
    np.testing.assert_array_equal(whole, matrix)


@pytest.mark.parametrize("size", [1, 200])
def test_no_factor_is_nan(backend: Backend, size: int) -> None:
    assert np.isnan(np.asarray(packed_cholesky_in_place(backend.array(-np.eye(size))))[-1, -1])


@SIZES
@pytest.mark.parametrize("weighted", [False, True])
def test_adding(backend: Backend, size: int, weighted: bool) -> None:
    matrix, other = _positive_definite(size), np.random.default_rng(1).normal(size=(size, size))
    weights: Any = np.random.default_rng(2).normal(size=size) if weighted else -0.5
    packed = packed_cholesky_in_place(backend.array(matrix.copy()))
    diagonal = backend.array(matrix.diagonal())
    given = backend.array(weights) if weighted else weights
    total = add_unpacked_in_place(backend.array(other.copy()), packed, diagonal, given)
    np.testing.assert_allclose(total, other + matrix * weights, rtol=1e-13, atol=1e-13)


@SIZES
def test_inner_product_above_the_diagonal(backend: Backend, size: int) -> None:
    first, second = np.random.default_rng(3).normal(size=(2, size, size))
    product = upper_product(backend.array(first), backend.array(second))
    assert float(product) == pytest.approx((np.triu(first, 1) * second).sum(), abs=1e-9)


def test_single_precision_stays() -> None:
    matrix = _positive_definite(5).astype(np.float32)
    packed = packed_cholesky_in_place(matrix.copy())
    assert packed.dtype == unpacked(packed, matrix.diagonal()).dtype == np.float32
    assert np.asarray(upper_product(packed, packed)).dtype == np.float32
