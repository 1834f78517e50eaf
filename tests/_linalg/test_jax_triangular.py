"""Triangular solves and Cholesky factors on JAX: values, derivatives, batches."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from helpers import Backend
from kernel_ot._linalg import cholesky, solve_lower

# Two worker threads, on any machine: fewer than the solves that wait for a product.
_TWO_THREADS = """
import os
os.environ["NPROC"] = "2"
import jax
import jax.numpy as jnp
import numpy as np
jax.config.update("jax_enable_x64", True)
from kernel_ot._linalg import cholesky, solve_lower

def many(matrix, other):
    both = [matrix * i @ other for i in range(1, 7)]
    return both, [solve_lower(cholesky(matrix * i), other * i) for i in range(1, 7)]

rng = np.random.default_rng(0)
factor = rng.normal(size=(8, 50, 50))
matrices = jnp.asarray(factor @ factor.transpose(0, 2, 1) + np.eye(50))
others = jnp.asarray(rng.normal(size=(8, 50, 50)))
batched = jax.jit(jax.vmap(many))
for _ in range(10):
    jax.block_until_ready(batched(matrices, others))
"""


def _positive_definite(rng: np.random.Generator, size: int) -> Any:
    factor = rng.normal(size=(size, size))
    return factor @ factor.T + np.eye(size)


@pytest.mark.parametrize("transpose", [False, True])
def test_derivatives_of_a_solve_are_those_of_the_inverse(
    jax_backend: Backend, transpose: bool
) -> None:
    import jax

    rng = np.random.default_rng(0)
    factor = np.linalg.cholesky(_positive_definite(rng, 6))
    rhs, change, weight = (rng.normal(size=shape) for shape in ((6, 3), (6, 6), (6, 3)))

    def weighed(step: Any, rhs: Any) -> Any:
        moved = jax_backend.array(factor) + step * change
        return (weight * solve_lower(moved, rhs, transpose=transpose)).sum()

    lower = factor.T if transpose else factor
    d_lower = np.tril(change).T if transpose else np.tril(change)
    inverse = np.linalg.inv(lower)
    by_step, by_rhs = jax.grad(weighed, argnums=(0, 1))(0.0, jax_backend.array(rhs))
    np.testing.assert_allclose(
        by_step, -(weight * (inverse @ d_lower @ inverse @ rhs)).sum(), rtol=1e-10
    )
    np.testing.assert_allclose(by_rhs, inverse.T @ weight, rtol=1e-10)


def test_derivatives_of_the_cholesky_factor(jax_backend: Backend) -> None:
    import jax

    rng = np.random.default_rng(1)
    matrix, change = _positive_definite(rng, 6), _positive_definite(rng, 6)
    weight = rng.normal(size=(6, 6))

    def weighed(step: Any) -> Any:
        return (weight * cholesky(jax_backend.array(matrix) + step * change)).sum()

    def reference(step: float) -> Any:
        return (weight * np.linalg.cholesky(matrix + step * change)).sum()

    h = 1e-4
    first = (reference(h) - reference(-h)) / (2 * h)
    second = (reference(h) - 2 * reference(0) + reference(-h)) / h**2
    np.testing.assert_allclose(jax.grad(weighed)(0.0), first, rtol=1e-6)
    np.testing.assert_allclose(jax.hessian(weighed)(0.0), second, rtol=1e-5)


def test_a_batch_equals_a_loop_and_needs_only_what_varies(jax_backend: Backend) -> None:
    import jax

    rng = np.random.default_rng(2)
    factors = np.stack([np.linalg.cholesky(_positive_definite(rng, 5)) for _ in range(3)])
    rhs = rng.normal(size=5)
    batched = jax.vmap(solve_lower, in_axes=(0, None))
    np.testing.assert_allclose(
        batched(jax_backend.array(factors), jax_backend.array(rhs)),
        [np.linalg.solve(factor, rhs) for factor in factors],
        rtol=1e-10,
    )


def test_batches_with_two_worker_threads_return(jax_backend: Backend) -> None:
    """The same with `jax.scipy.linalg.solve_triangular` never ends (jax 0.10.2)."""
    subprocess.run([sys.executable, "-c", _TWO_THREADS], check=True, timeout=120)
