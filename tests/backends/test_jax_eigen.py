"""Eigen-decompositions, also where the accelerator's own fails."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from helpers import Backend
from kernel_ot._linalg import _eigen, eigh, eigvalsh

MATRIX = np.cov(np.random.default_rng(0).normal(size=(6, 20)))


def _nothing(matrix: Any) -> tuple[Any, Any]:
    return np.nan * matrix[0], np.nan * matrix


def test_decompositions(backend: Backend) -> None:
    values, vectors = eigh(backend.array(MATRIX))
    assert backend.owns(values)
    assert backend.owns(vectors)
    np.testing.assert_allclose(vectors * values @ vectors.T, MATRIX, atol=1e-12)
    np.testing.assert_allclose(eigvalsh(backend.array(MATRIX)), np.linalg.eigvalsh(MATRIX))


def test_what_an_accelerator_does_not_find_is_found_on_the_cpu(
    jax_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    import jax

    monkeypatch.setattr(_eigen, "_plain_eigh", _nothing)
    matrices = jax_backend.array(np.stack([MATRIX, 2 * MATRIX]))
    with pytest.warns(RuntimeWarning, match="repeated on the CPU"):
        values, vectors = jax.block_until_ready(jax.jit(_eigen._guarded_eigh)(matrices[0]))
    np.testing.assert_allclose(vectors * values @ vectors.T, MATRIX, atol=1e-12)
    with pytest.warns(RuntimeWarning, match="repeated on the CPU"):
        batch, _ = jax.block_until_ready(jax.jit(jax.vmap(_eigen._guarded_eigh))(matrices))
    np.testing.assert_allclose(batch[1], 2 * values, atol=1e-12)


def test_a_matrix_that_is_not_finite_is_nobodys_fault(
    jax_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_eigen, "_plain_eigh", _nothing)
    values, _ = _eigen._guarded_eigh(jax_backend.array(np.full((3, 3), np.nan)))
    assert np.isnan(values).all()
