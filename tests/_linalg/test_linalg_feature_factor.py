"""The feature factor: exactness, degenerate Gram matrices, recorded errors, messages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import qmc

from kernel_ot._arrays import Array
from kernel_ot._linalg import FeatureFactor, feature_factor
from kernel_ot.kernels import Gaussian, Linear

EPS = np.finfo(np.float64).eps


def _error(factor: FeatureFactor, gram: Array) -> float:
    remainder = gram + factor.jitter * np.eye(len(gram)) - factor.features.T @ factor.features
    return float(np.abs(remainder).max()) / float(np.diag(gram).max())


def _wide_gram(n: int, d: int) -> Array:
    pairs = qmc.Sobol(2 * d, seed=1).random_base2(int(np.log2(n)))
    return Gaussian(np.sqrt(d) / 3)(pairs, pairs)


@pytest.mark.parametrize("method", ["auto", "cholesky", "pivoted"])
@pytest.mark.parametrize("d", [1, 2, 5])
def test_well_conditioned_matrices_keep_full_rank(method: Any, d: int) -> None:
    gram = _wide_gram(64, d) + 1e-3 * np.eye(64)
    factor = feature_factor(gram, method=method)
    assert factor.rank == 64
    assert factor.method == ("pivoted" if method == "pivoted" else "cholesky")
    assert _error(factor, gram) < 64 * EPS
    assert factor.truncation_error < 64 * EPS
    assert factor.trace_error < 64 * EPS


@pytest.mark.parametrize("d", [1, 2, 3])
def test_ill_conditioned_matrices_lose_nothing_by_default(d: int) -> None:
    gram = _wide_gram(256, d)
    factor = feature_factor(gram)
    assert _error(factor, gram) < 1e3 * EPS
    assert factor.truncation_error <= 256 * EPS
    if d == 1:
        assert factor.method == "pivoted"
        assert factor.rank < 256
        # As many features as eigenvalues that double precision can tell from zero, about.
        visible = int((np.linalg.eigvalsh(gram) > 256 * EPS).sum())
        assert 0.8 * visible <= factor.rank <= 1.3 * visible


@pytest.mark.parametrize("rank_tol", [1e-2, 1e-4, 1e-6, 1e-8])
def test_truncation_error_is_measured_and_bounds_every_entry(rank_tol: float) -> None:
    gram = _wide_gram(128, 1)
    factor = feature_factor(gram, rank_tol=rank_tol)
    remainder = gram - factor.features.T @ factor.features
    assert factor.rank < 128
    assert 0 < factor.truncation_error <= rank_tol
    assert factor.truncation_error == pytest.approx(np.diag(remainder).max(), rel=1e-6)
    assert factor.trace_error == pytest.approx(np.trace(remainder) / 128, rel=1e-6)
    assert np.abs(remainder).max() <= factor.truncation_error * (1 + 1e-6)
    assert np.linalg.eigvalsh(remainder)[0] >= -1e-13
    # One feature fewer would have been too few.
    shorter = factor.features[:-1]
    assert np.diag(gram - shorter.T @ shorter).max() > rank_tol


def test_auto_truncates_where_cholesky_succeeds_on_rounding_noise() -> None:
    gram = np.diag([1.0, 0.5, 1e-17])
    assert feature_factor(gram, method="cholesky").rank == 3
    factor = feature_factor(gram)
    assert (factor.method, factor.rank) == ("pivoted", 2)
    assert factor.truncation_error == pytest.approx(1e-17)


def test_repeated_points() -> None:
    rng = np.random.default_rng(0)
    points = rng.random((30, 3))
    points = points[rng.integers(30, size=80)]
    distinct = len(np.unique(points, axis=0))
    gram = Gaussian(0.1)(points, points)
    factor = feature_factor(gram)
    assert factor.method == "pivoted"
    assert factor.rank == distinct
    assert _error(factor, gram) < 80 * EPS
    with pytest.raises(ValueError, match="not numerically positive definite"):
        feature_factor(gram - 1e-12 * np.eye(80), method="cholesky")


@pytest.mark.parametrize("method", ["auto", "cholesky", "pivoted"])
def test_one_point_and_identity(method: Any) -> None:
    one = feature_factor(np.array([[4.0]]), method=method)
    np.testing.assert_array_equal(np.abs(one.features), [[2.0]])
    identity = feature_factor(np.eye(7), method=method)
    assert identity.rank == 7
    np.testing.assert_array_equal(identity.features.T @ identity.features, np.eye(7))
    assert identity.truncation_error == 0.0


@pytest.mark.parametrize("method", ["auto", "pivoted"])
def test_rank_one_with_zero_rows(method: Any) -> None:
    points = np.array([[0.0], [2.0], [-3.0], [0.0], [1.0]])
    gram = Linear()(points, points)
    factor = feature_factor(gram, method=method)
    assert factor.rank == 1
    # The columns are in the points' order, although row 2 was the pivot.
    np.testing.assert_allclose(np.abs(factor.features[0]), np.abs(points[:, 0]))
    assert np.sign(factor.features[0, 1]) == -np.sign(factor.features[0, 2])


def test_jitter_is_added_and_recorded() -> None:
    gram = np.ones((20, 20))
    factor = feature_factor(gram, jitter=1e-3)
    assert (factor.method, factor.rank, factor.jitter) == ("cholesky", 20, 1e-3)
    np.testing.assert_allclose(
        factor.features.T @ factor.features, gram + 1e-3 * np.eye(20), atol=1e-14
    )


def test_single_precision() -> None:
    gram = _wide_gram(64, 1).astype(np.float32)
    factor = feature_factor(gram)
    assert factor.features.dtype == np.float32
    assert factor.rank < 64
    assert _error(factor, gram) < 1e-4


def test_the_matrix_is_not_modified() -> None:
    gram = _wide_gram(32, 2)
    copy = gram.copy()
    gram.flags.writeable = False
    for method in ("auto", "cholesky", "pivoted"):
        feature_factor(gram, method=method, jitter=0.5)
    np.testing.assert_array_equal(gram, copy)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    size=st.integers(1, 25),
    rank=st.integers(1, 25),
    seed=st.integers(0, 10_000),
    log_scale=st.floats(-12, 12),
    decay=st.floats(0, 4),
)
def test_any_positive_semidefinite_matrix(
    size: int, rank: int, seed: int, log_scale: float, decay: float
) -> None:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(min(rank, size), size)) * 10.0 ** -(
        decay * np.arange(min(rank, size))[:, None] / 3
    )
    gram = 10.0**log_scale * (root.T @ root)
    gram = (gram + gram.T) / 2
    factor = feature_factor(gram)
    assert 1 <= factor.rank <= min(rank, size) or factor.method == "cholesky"
    assert _error(factor, gram) < 1e4 * EPS
    assert factor.truncation_error < 1e3 * EPS


@pytest.mark.parametrize(
    ("gram", "options", "message"),
    [
        (np.ones((2, 3)), {}, r"gram has shape \(2, 3\); it must be square"),
        (np.ones((0, 0)), {}, "it must be square and not empty"),
        (np.array([[1.0, np.nan], [np.nan, 1.0]]), {}, "gram has entries that are not finite"),
        (np.array([[1.0, 0.5], [0.2, 1.0]]), {}, r"not symmetric \(largest difference 0.3\)"),
        (np.zeros((3, 3)), {}, "no positive diagonal entry"),
        (np.array([[1.0, 2.0], [2.0, 1.0]]), {}, "not positive semidefinite"),
        (np.eye(2), {"rank_tol": 1.0}, r"rank_tol = 1.0 must be below 1"),
        (np.eye(2), {"rank_tol": -1.0}, r"rank_tol = -1.0 must not be negative"),
        (np.eye(2), {"rank_tol": 0.1, "method": "cholesky"}, "have no effect"),
        (np.eye(2), {"jitter": -1.0}, "jitter = -1.0 must not be negative"),
        (np.eye(2), {"method": "qr"}, "method = 'qr' must be"),
    ],
)
def test_messages(gram: Array, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        feature_factor(gram, **options)


def test_truncation_that_leaves_nothing_out_keeps_the_triangle() -> None:
    gram = np.array([[2.0, 1.0], [1.0, 3.0]])
    plain = feature_factor(gram)
    for options in ({"rank_tol": 1e-6}, {"rank": 2}, {"rank": 5, "rank_tol": 1e-6}):
        kept = feature_factor(gram, **options)
        assert kept.method == "cholesky"
        np.testing.assert_array_equal(kept.features, plain.features)
    assert feature_factor(gram, method="pivoted", rank_tol=1e-6).method == "pivoted"
    assert feature_factor(gram, rank=1).method == "pivoted"
