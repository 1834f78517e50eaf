"""The Lanczos estimate of a smallest eigenvalue: exact with all steps, cautious with few."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from kernel_ot._arrays import Array
from kernel_ot._linalg import extreme_eigenvalues, generic_vector, smallest_eigenvalue

seeds = st.integers(0, 2**32 - 1)


def _symmetric(size: int, seed: int) -> Array:
    root = np.random.default_rng(seed).normal(size=(size, size))
    return np.asarray(root + root.T)


@given(size=st.integers(1, 12), seed=seeds, scale=st.sampled_from([1e-8, 1.0, 1e8]))
def test_all_steps_give_the_eigenvalue(size: int, seed: int, scale: float) -> None:
    matrix = scale * _symmetric(size, seed)
    start = generic_vector(size, matrix)
    estimate = float(smallest_eigenvalue(matrix.__matmul__, start, steps=size))
    exact = np.linalg.eigvalsh(matrix)
    assert estimate == pytest.approx(exact[0], abs=1e-9 * np.abs(exact).max())


@pytest.mark.parametrize("steps", [8, 14])
def test_few_steps_err_on_the_safe_side(steps: int) -> None:
    ratios = []
    for seed in range(40):
        matrix = _symmetric(120, seed)
        estimate = smallest_eigenvalue(matrix.__matmul__, generic_vector(120, matrix), steps)
        ratios.append(float(estimate) / np.linalg.eigvalsh(matrix)[0])
    # Nearly always below the (negative) eigenvalue, so that a step length is not overestimated;
    # never far from it, so that it is of use.
    assert np.mean(np.array(ratios) >= 1) >= 0.8
    assert min(ratios) > 0.9
    assert max(ratios) < 1.3


def test_spends_no_more_products_than_asked_for() -> None:
    matrix, products = _symmetric(30, 0), 0

    def apply(vector: Array) -> Array:
        nonlocal products
        products += 1
        return np.asarray(matrix @ vector)

    smallest_eigenvalue(apply, np.ones(30), steps=7)
    assert products == 7
    smallest_eigenvalue(apply, np.ones(30), steps=100)
    assert products == 7 + 30


@pytest.mark.parametrize("value", [0.0, 2.5, -3.0])
def test_multiples_of_the_identity(value: float) -> None:
    # The Krylov space is one vector; the steps beyond it may only lower a positive estimate.
    estimate = float(smallest_eigenvalue(lambda v: value * v, generic_vector(10, np.eye(2)), 6))
    assert min(value, 0.0) - 1e-12 <= estimate <= value + 1e-12


def test_low_rank_operators() -> None:
    direction = np.arange(1.0, 21.0)
    matrix = -np.outer(direction, direction)
    estimate = smallest_eigenvalue(matrix.__matmul__, generic_vector(20, matrix), steps=8)
    assert float(estimate) == pytest.approx(-direction @ direction, rel=1e-10)


def test_the_generic_vector_is_always_the_same() -> None:
    single = np.zeros(1, np.float32)
    assert generic_vector(9, single).dtype == np.float32
    np.testing.assert_array_equal(generic_vector(9, single), generic_vector(9, single))
    assert generic_vector(9, np.zeros(1)).shape == (9,)
    assert (generic_vector(50, np.zeros(1)) != 0).all()


@pytest.mark.parametrize("size", [30, 150])
def test_both_ends_of_a_spectrum(size: int) -> None:
    rng = np.random.default_rng(size)
    matrix = rng.normal(size=(size, size))
    matrix = matrix + matrix.T
    values = np.linalg.eigvalsh(matrix)
    lowest, highest = extreme_eigenvalues(matrix.__matmul__, matrix, 30)
    spread = values[-1] - values[0]
    assert values[0] - 0.1 * spread <= lowest <= values[0] + 1e-9 * spread
    assert values[-1] - 1e-9 * spread <= highest <= values[-1] + 0.1 * spread
