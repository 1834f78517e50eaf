"""Factorisations and products: exactness, symmetry, failure as NaN, inputs left alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from kernel_ot._arrays import Array
from kernel_ot._linalg import (
    cholesky,
    cholesky_solve,
    cholesky_with_ridge,
    gram,
    inplace,
    inverse_from_cholesky,
    multiply_lower,
    schur_complement,
    solve_lower,
    symmetric,
    weighted_gram,
)

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 15)
layouts = st.sampled_from(["C", "F"])


def _positive_definite(size: int, seed: int, dtype: Any = np.float64) -> Array:
    root = np.random.default_rng(seed).normal(size=(size, size))
    return np.asarray(root @ root.T + np.eye(size), dtype=dtype)


@given(size=sizes, seed=seeds, layout=layouts)
def test_cholesky_factor(size: int, seed: int, layout: Any) -> None:
    matrix = np.array(_positive_definite(size, seed), order=layout)
    before = matrix.copy()
    factor = cholesky(matrix)
    np.testing.assert_array_equal(matrix, before)
    np.testing.assert_array_equal(factor, np.tril(factor))
    np.testing.assert_allclose(factor @ factor.T, matrix, atol=1e-12 * np.abs(matrix).max())
    np.testing.assert_allclose(factor, np.linalg.cholesky(matrix), atol=1e-11)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cholesky_keeps_the_precision(dtype: Any) -> None:
    factor = cholesky(_positive_definite(4, seed=1, dtype=dtype))
    assert factor.dtype == dtype
    assert cholesky(-np.eye(4, dtype=dtype)).dtype == dtype


@pytest.mark.parametrize(
    "matrix",
    [
        np.array([[-1.0]]),
        np.array([[0.0]]),
        np.diag([1.0, 1.0, -1e-300]),
        np.array([[1.0, 2.0], [2.0, 1.0]]),
        np.array([[np.nan]]),
        np.array([[1.0, np.nan], [np.nan, 1.0]]),
        np.diag([np.nan, 1.0, 1.0]),
        np.diag([1.0, 1.0, np.inf]),
    ],
)
def test_cholesky_says_nan_where_there_is_no_factor(matrix: Array) -> None:
    assert np.isnan(cholesky(matrix)).all()


@given(size=sizes, seed=seeds, columns=st.integers(0, 4), transpose=st.booleans(), layout=layouts)
def test_triangular_solves(
    size: int, seed: int, columns: int, transpose: bool, layout: Any
) -> None:
    rng = np.random.default_rng(seed)
    factor = np.array(cholesky(_positive_definite(size, seed)), order=layout)
    rhs = rng.normal(size=(size, columns) if columns else size)
    factor_before, rhs_before = factor.copy(), rhs.copy()
    solution = solve_lower(factor, rhs, transpose=transpose)
    assert solution.shape == rhs.shape
    back = (factor.T if transpose else factor) @ solution
    np.testing.assert_allclose(back, rhs, atol=1e-11)
    np.testing.assert_array_equal(factor, factor_before)
    np.testing.assert_array_equal(rhs, rhs_before)


@given(size=sizes, seed=seeds)
def test_cholesky_solve(size: int, seed: int) -> None:
    matrix = _positive_definite(size, seed)
    rhs = np.random.default_rng(seed).normal(size=size)
    np.testing.assert_allclose(matrix @ cholesky_solve(cholesky(matrix), rhs), rhs, atol=1e-10)


def test_a_failed_factor_makes_a_solution_of_nan() -> None:
    assert np.isnan(cholesky_solve(cholesky(-np.eye(3)), np.ones(3))).all()


@given(rows=sizes, columns=sizes, seed=seeds)
def test_gram(rows: int, columns: int, seed: int) -> None:
    matrix = np.random.default_rng(seed).normal(size=(rows, columns))
    product = gram(matrix)
    np.testing.assert_allclose(product, np.einsum("ki,kj->ij", matrix, matrix), atol=1e-12)
    np.testing.assert_array_equal(product, product.T)


@given(
    rows=sizes,
    columns=sizes,
    seed=seeds,
    kind=st.sampled_from(["mixed", "positive", "negative", "zeros"]),
)
def test_weighted_gram(rows: int, columns: int, seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    features, weights = rng.normal(size=(rows, columns)), rng.normal(size=columns)
    weights[rng.uniform(size=columns) < 0.2] = 0.0
    weights = {
        "mixed": weights,
        "positive": np.abs(weights),
        "negative": -np.abs(weights),
        "zeros": np.zeros(columns),
    }[kind]
    features_before, weights_before = features.copy(), weights.copy()
    product = weighted_gram(features, weights)
    np.testing.assert_allclose(product, features @ np.diag(weights) @ features.T, atol=1e-12)
    np.testing.assert_array_equal(product, product.T)
    np.testing.assert_array_equal(features, features_before)
    np.testing.assert_array_equal(weights, weights_before)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weighted_gram_hides_no_bad_weight(value: float) -> None:
    assert not np.isfinite(weighted_gram(np.ones((3, 2)), np.array([1.0, value]))).any()


def test_weighted_gram_keeps_the_precision() -> None:
    assert weighted_gram(np.ones((3, 2), np.float32), np.ones(2, np.float32)).dtype == np.float32


def test_symmetric_part() -> None:
    matrix = np.array([[1.0, 4.0], [2.0, 3.0]])
    np.testing.assert_array_equal(symmetric(matrix), [[1.0, 3.0], [3.0, 3.0]])
    np.testing.assert_array_equal(matrix, [[1.0, 4.0], [2.0, 3.0]])


@given(size=sizes, seed=seeds, layout=layouts)
def test_inverse_from_cholesky(size: int, seed: int, layout: Any) -> None:
    matrix = _positive_definite(size, seed)
    factor = np.array(cholesky(matrix), order=layout)
    before = factor.copy()
    inverse = inverse_from_cholesky(factor)
    np.testing.assert_array_equal(factor, before)
    np.testing.assert_array_equal(inverse, inverse.T)
    np.testing.assert_allclose(inverse @ matrix, np.eye(size), atol=1e-9)


def test_inverse_of_a_singular_factor_is_not_finite() -> None:
    assert not np.isfinite(inverse_from_cholesky(np.diag([1.0, 0.0]))).any()


@given(size=sizes, width=sizes, seed=seeds, layout=layouts, other=layouts)
@pytest.mark.parametrize("transpose", [False, True])
def test_product_with_a_triangular_matrix(
    transpose: bool, size: int, width: int, seed: int, layout: Any, other: Any
) -> None:
    rng = np.random.default_rng(seed)
    factor = np.array(np.tril(rng.normal(size=(size, size))), order=layout)
    matrix = np.array(rng.normal(size=(size, width)), order=other)
    before = matrix.copy()
    product = multiply_lower(factor, matrix, transpose=transpose)
    np.testing.assert_array_equal(matrix, before)
    expected = (factor.T if transpose else factor) @ matrix
    np.testing.assert_allclose(product, expected, atol=1e-13 * size)


# 300 is more than one block of rows.
@pytest.mark.parametrize(("rank", "size"), [(1, 1), (3, 7), (5, 300), (300, 5)])
def test_schur_complement(rank: int, size: int) -> None:
    rng = np.random.default_rng(size)
    first, second = rng.normal(size=(2, rank, size))
    quadratic = symmetric(rng.normal(size=(size, size)))
    for other in (first, second):
        expected = (first.T @ first) * (other.T @ other) + 0.3 * quadratic
        matrix = schur_complement(first, other, quadratic, 0.3)
        np.testing.assert_array_equal(matrix, matrix.T)
        np.testing.assert_allclose(matrix, expected, atol=1e-12 * np.abs(expected).max())


def test_weighted_gram_of_many_rows() -> None:
    rng = np.random.default_rng(0)
    features, weights = rng.normal(size=(300, 20)), rng.normal(size=20)
    product = weighted_gram(features, weights)
    np.testing.assert_array_equal(product, product.T)
    np.testing.assert_allclose(product, (features * weights) @ features.T, atol=1e-12)


# 300 is more than one block of rows.
@pytest.mark.parametrize("size", [1, 5, 300])
def test_sums_in_place(size: int) -> None:
    first, second = np.random.default_rng(size).normal(size=(2, size, size))
    np.testing.assert_array_equal(inplace.symmetrise(first.copy()), symmetric(first))
    np.testing.assert_array_equal(
        inplace.add_scaled(first.copy(), 0.3, second), first + 0.3 * second
    )
    weights = second[0]
    np.testing.assert_array_equal(
        inplace.add_scaled(first.copy(), weights, second), first + weights * second
    )


@pytest.mark.parametrize("size", [1, 5, 300])
@pytest.mark.parametrize("definite", [True, False])
def test_ridge_in_place(size: int, definite: bool) -> None:
    root = np.random.default_rng(size).normal(size=(size, size))
    matrix = root @ root.T + np.eye(size) if definite else np.ones((size, size))
    expected = cholesky_with_ridge(matrix)
    factor = cholesky_with_ridge(matrix.copy(), overwrite=True)
    np.testing.assert_array_equal(factor, expected)
    np.testing.assert_array_equal(factor, np.tril(factor))
    np.testing.assert_allclose(factor @ factor.T, matrix, atol=1e-5)
    np.testing.assert_array_equal(cholesky(matrix.copy(), overwrite=True), cholesky(matrix))


def test_ridge_in_place_gives_up_with_nan() -> None:
    assert np.isnan(cholesky_with_ridge(-np.eye(3), overwrite=True)).all()
