"""Eigen-decompositions of symmetric matrices, guarded where an accelerator's may fail."""

from __future__ import annotations

import warnings

import numpy as np

from kernel_ot._arrays import Array, namespace_of


def eigh(matrix: Array) -> tuple[Array, Array]:
    """Return eigenvalues in increasing order and orthonormal eigenvectors, one a column.

    On JAX everywhere but on a CPU the result is looked at: accelerators' eigen-solvers have been
    seen to return NaN for large finite matrices. Where that happens the decomposition is repeated
    on the CPU, with a `RuntimeWarning`.

    Parameters
    ----------
    matrix : array of shape (r, r)
        Symmetric.

    Raises
    ------
    numpy.linalg.LinAlgError
        LAPACK did not converge, on NumPy; on JAX the result is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> eigh(np.array([[0.0, 2.0], [2.0, 0.0]]))[0]
    array([-2.,  2.])
    """
    xp = namespace_of(matrix)
    if xp is np:
        decomposition = np.linalg.eigh(matrix)
        return decomposition.eigenvalues, decomposition.eigenvectors
    import jax

    values, vectors = jax.lax.platform_dependent(matrix, cpu=_plain_eigh, default=_guarded_eigh)
    return values, vectors


def eigvalsh(matrix: Array) -> Array:
    """Return the eigenvalues in increasing order, guarded as `eigh` is."""
    xp = namespace_of(matrix)
    if xp is np:
        return np.linalg.eigvalsh(matrix)
    import jax

    values: Array = jax.lax.platform_dependent(
        matrix,
        cpu=lambda m: jax.numpy.linalg.eigvalsh(m),
        default=lambda m: _guarded_eigh(m)[0],
    )
    return values


def _plain_eigh(matrix: Array) -> tuple[Array, Array]:
    import jax

    values, vectors = jax.numpy.linalg.eigh(matrix)
    return values, vectors


def _guarded_eigh(matrix: Array) -> tuple[Array, Array]:
    """Return `_plain_eigh`, from the CPU if what comes back for a finite matrix is not finite."""
    import jax
    from jax import numpy as jnp

    values, vectors = _plain_eigh(matrix)
    failed = jnp.all(jnp.isfinite(matrix)) & ~jnp.all(jnp.isfinite(values))

    def on_cpu() -> tuple[Array, Array]:
        shapes = [jax.ShapeDtypeStruct(part.shape, part.dtype) for part in (values, vectors)]
        found = jax.pure_callback(_numpy_eigh, tuple(shapes), matrix, vmap_method="sequential")
        return found[0], found[1]

    chosen: tuple[Array, Array] = jax.lax.cond(failed, on_cpu, lambda: (values, vectors))
    return chosen


def _numpy_eigh(matrix: Array) -> tuple[Array, Array]:
    warnings.warn(
        "The accelerator's eigen-solver returned NaN for a finite matrix of shape "
        f"{matrix.shape}; its eigen-decomposition is repeated on the CPU.",
        RuntimeWarning,
        stacklevel=2,
    )
    array = np.asarray(matrix)
    values, vectors = np.linalg.eigh(array)
    return values.astype(array.dtype), vectors.astype(array.dtype)
