"""Validation of input: what is accepted and as what, and what each refusal says."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_array

from kernel_ot._arrays import (
    check_non_negative,
    check_points,
    check_positive,
    check_same_dimension,
    check_sample,
    check_weights,
)


@pytest.mark.parametrize(
    ("given_type", "kept"),
    [
        (np.float64, np.float64),
        (np.float32, np.float32),
        (">f8", np.float64),
        (">f4", np.float32),
        (np.float16, np.float32),
        (np.longdouble, np.float64),
        (np.int64, np.float64),
        (np.uint8, np.float64),
        (np.bool_, np.float64),
        (object, np.float64),
    ],
)
def test_precision(given_type: Any, kept: Any) -> None:
    checked = check_points(np.ones((3, 2)).astype(given_type), "x")
    assert checked.dtype == kept
    np.testing.assert_array_equal(checked, np.ones((3, 2)))


@given(hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2), elements=st.floats(-9, 9)))
def test_good_points_come_back_as_they_are(points: Any) -> None:
    before = points.copy()
    assert check_points(points, "x") is points  # not copied
    np.testing.assert_array_equal(points, before)


def test_lists_and_strings_of_numbers() -> None:
    np.testing.assert_array_equal(check_points([[1, 2], [3, 4]], "x"), [[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(check_points([["1.5"], ["2"]], "x"), [[1.5], [2.0]])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([[1.0, np.nan], [np.nan, 1.0]], r"x contains nan \(first at index \(0, 1\), 2 entries"),
        ([[1.0], [np.inf]], r"x contains inf \(first at index \(1, 0\), 1 entry in all\)"),
        ([[1.0], [-np.inf]], "x contains -inf .* remove or impute those rows"),
        ([[1 + 2j]], "x is complex; pass its real part, or real and imaginary columns"),
        ([[1.0, 2.0], [3.0]], "x is ragged: all its rows must have the same length"),
        ([["a"]], "x has dtype .*; it must hold numbers"),
        ([[None]], r"x (has dtype object|contains nan)"),
        (
            np.zeros(3),
            r"x has shape \(3,\); points are rows .* Use x.reshape\(-1, 1\)",
        ),
        (3.0, r"x has shape \(\); it must be 2-D"),
        (np.zeros((2, 2, 2)), r"x has shape \(2, 2, 2\); it must be 2-D, one point a row"),
        ([], "x is empty; pass at least one point"),
        (np.zeros((0, 3)), r"x is empty \(shape \(0, 3\)\); pass at least one point"),
        (np.zeros((3, 0)), r"x is empty \(shape \(3, 0\)\)"),
        (csr_array(np.eye(2)), r"x is a sparse matrix; pass x.toarray\(\) instead"),
    ],
)
def test_bad_points(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_points(value, "x")


def test_dimension() -> None:
    assert check_points([[1.0, 2.0]], "x", dimension=2).shape == (1, 2)
    with pytest.raises(ValueError, match="x_new has 2 columns but 3 are needed"):
        check_points([[1.0, 2.0]], "x_new", dimension=3)
    check_same_dimension(np.ones((2, 3)), np.ones((5, 3)))
    with pytest.raises(ValueError, match="x has 3 columns and y has 4"):
        check_same_dimension(np.ones((2, 3)), np.ones((2, 4)))


def test_a_sample_has_two_points() -> None:
    assert check_sample(np.ones((2, 1)), "x").shape == (2, 1)
    with pytest.raises(ValueError, match="y has 1 point; a sample needs at least 2"):
        check_sample([[1.0, 2.0]], "y")


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=20).filter(lambda w: sum(w) > 1e-6))
def test_weights_sum_to_one_in_proportion(weights: list[float]) -> None:
    checked = check_weights(weights, len(weights), "w")
    assert checked.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(checked * sum(weights), weights, rtol=1e-9, atol=1e-300)
    assert checked.dtype == np.float64


def test_weights_by_default_are_equal_and_inputs_are_left_alone() -> None:
    np.testing.assert_array_equal(check_weights(None, 4, "w"), np.full(4, 0.25))
    weights = np.array([1.0, 3.0])
    check_weights(weights, 2, "w")
    np.testing.assert_array_equal(weights, [1.0, 3.0])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, 2.0], r"w has shape \(2,\); it must be \(3,\), one a point"),
        (np.ones((3, 1)), r"w has shape \(3, 1\)"),
        (1.0, r"w has shape \(\)"),
        ([1.0, -0.5, 1.0], r"w has a negative entry \(-0.5\); weights are masses"),
        ([1.0, np.nan, 1.0], "w contains nan"),
        ([0.0, 0.0, 0.0], "w sums to 0; at least one weight must be positive"),
    ],
)
def test_bad_weights(weights: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_weights(weights, 3, "w")


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1), np.int64(1)])
def test_numbers_of_any_kind(value: Any) -> None:
    assert check_positive(value, "n") == 1.0
    assert check_non_negative(value, "n") == 1.0
    assert type(check_positive(value, "n")) is float


@pytest.mark.parametrize("check", [check_positive, check_non_negative])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1.0, r"n = -1\.0 must"),
        (np.nan, "n = nan must be finite"),
        (np.inf, "n = inf must be finite"),
        ("1", "n = '1' is not a number"),
        (True, "n = True is not a number"),
        (None, "n = None is not a number"),
        ([1.0], r"n = \[1.0\] is not a number"),
        (np.ones(1), "is not a number"),
        (1j, "n = 1j is not a number"),
    ],
)
def test_bad_numbers(check: Any, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check(value, "n")


def test_zero() -> None:
    assert check_non_negative(0, "n") == 0.0
    with pytest.raises(ValueError, match=r"bandwidth = 0\.0 must be positive\. Try 1\."):
        check_positive(0, "bandwidth", "Try 1.")


def test_whole_numbers_of_jax_are_taken_without_its_warnings() -> None:
    jnp = pytest.importorskip("jax.numpy")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        points = check_points(jnp.arange(6).reshape(3, 2), "x")
    assert points.dtype.kind == "f"
