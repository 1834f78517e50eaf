"""Products that NumPy takes by blocks or in place: the same on every backend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from helpers import Backend, load_backend
from kernel_ot._linalg import inplace, quadratic_forms, solve_lower, weighted_squares, zero_matrix

SIZES = pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 5), (128, 256), (130, 300)])


@pytest.fixture(params=["numpy", "jax"])
def backend(request: pytest.FixtureRequest) -> Backend:
    return load_backend(request.param)


@SIZES
@pytest.mark.parametrize("weighted", [False, True])
def test_quadratic_forms(backend: Backend, rows: int, columns: int, weighted: bool) -> None:
    rng = np.random.default_rng(0)
    matrix, features = rng.normal(size=(rows, rows)), rng.normal(size=(rows, columns))
    weights = rng.uniform(size=rows)
    scaled = np.sqrt(weights)[:, None] * features if weighted else features
    values = quadratic_forms(
        backend.array(matrix),
        backend.array(features),
        backend.array(weights) if weighted else None,
    )
    assert backend.owns(values)
    np.testing.assert_allclose(values, np.diag(scaled.T @ matrix @ scaled), rtol=1e-9, atol=1e-9)


@SIZES
def test_weighted_squares(backend: Backend, rows: int, columns: int) -> None:
    rng = np.random.default_rng(1)
    weights, features = rng.normal(size=rows), rng.normal(size=(rows, columns))
    values = weighted_squares(backend.array(weights), backend.array(features))
    np.testing.assert_allclose(values, weights @ features**2, rtol=1e-12, atol=1e-12)


@SIZES
def test_multiplied(backend: Backend, rows: int, columns: int) -> None:
    rng = np.random.default_rng(2)
    matrix, other = rng.normal(size=(rows, columns)), rng.normal(size=(columns, columns))
    product = inplace.multiply(backend.array(matrix.copy()), backend.array(other))
    np.testing.assert_allclose(product, matrix @ other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("size", [1, 4, 128, 300])
def test_mirrored_and_diagonal(backend: Backend, size: int) -> None:
    matrix = np.random.default_rng(3).normal(size=(size, size))
    mirrored = inplace.mirror_lower(backend.array(matrix.copy()))
    np.testing.assert_array_equal(mirrored, np.tril(matrix) + np.tril(matrix, -1).T)
    entries = np.arange(1.0, size + 1)
    total = inplace.add_to_diagonal(backend.array(matrix.copy()), backend.array(entries))
    np.testing.assert_array_equal(total, matrix + np.diag(entries))


def test_zero_matrix_takes_no_memory() -> None:
    zeros = zero_matrix(np.ones((1000, 1000), np.float32))
    assert zeros.shape == (1000, 1000)
    assert zeros.dtype == np.float32
    assert zeros.strides == (0, 0)
    assert not zeros.flags.writeable


@pytest.mark.parametrize("layout", ["C", "F"])
@pytest.mark.parametrize("shape", [(40,), (40, 7)])
@pytest.mark.parametrize("transpose", [False, True])
def test_a_triangular_solve_reads_one_triangle(
    layout: Any, shape: tuple[int, ...], transpose: bool
) -> None:
    rng = np.random.default_rng(4)
    lower = np.tril(rng.normal(size=(40, 40))) + 10 * np.eye(40)
    rhs = np.array(rng.normal(size=shape), order=layout)
    factor = np.array(lower + np.triu(np.full((40, 40), 7.0), 1), order=layout)
    solved = solve_lower(factor, rhs, transpose=transpose)
    exact = np.linalg.solve(lower.T if transpose else lower, rhs)
    np.testing.assert_allclose(solved, exact, rtol=1e-10, atol=1e-12)


def test_negligible_entries_go_and_others_stay() -> None:
    matrix = np.array([[2.0, 1e-150], [-1e-153, 1e-300]])
    kept = [[2.0, 1e-150], [-1e-153, 0.0]]
    np.testing.assert_array_equal(inplace.drop_negligible(matrix.copy()), kept)
    single = np.array([1.0, 1e-18, 1e-20], np.float32)
    np.testing.assert_array_equal(inplace.drop_negligible(single.copy()), single * [1, 1, 0])
    np.testing.assert_array_equal(inplace.drop_negligible(np.zeros((2, 2))), 0)
