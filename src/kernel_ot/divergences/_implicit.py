"""The images and the value as differentiable JAX functions; nothing is unrolled."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from kernel_ot._arrays import Array, Scalar
from kernel_ot.divergences._descent import Descent
from kernel_ot.divergences._moving import find_images, parts, slope
from kernel_ot.divergences._settings import DivergenceSettings
from kernel_ot.samples import Samples

_SOLVER_TOL, _SOLVER_STEPS = 1e-10, 500


@jax.custom_jvp
def images_of(samples: Samples, settings: DivergenceSettings) -> Descent:
    """Return where y moves; its derivative is that of the equation `slope = 0`.

    The linear system, whose matrix is the Hessian of the value, is solved by conjugate gradients:
    forward, backward, and again in a second derivative.
    """
    return find_images(samples, settings)


@images_of.defjvp
def _images_jvp(
    primals: tuple[Samples, DivergenceSettings], tangents: tuple[Samples, DivergenceSettings]
) -> tuple[Descent, Descent]:
    samples, settings = primals
    found = images_of(samples, settings)
    at, masses = found.points, samples.weights_y

    def equation(samples: Samples, settings: DivergenceSettings) -> Array:
        return slope(samples, at, settings)

    _, change = jax.jvp(equation, primals, tangents)
    # Symmetric in coordinates multiplied by the root of the masses.
    root = jnp.sqrt(jnp.maximum(masses, jnp.finfo(masses.dtype).tiny))[:, None]

    def hessian(direction: Array) -> Array:
        _, product = jax.jvp(
            lambda points: slope(samples, points, settings), (at,), (direction / root,)
        )
        scaled: Array = root * product
        return scaled

    def solve(matrix: Callable[[Array], Array], rhs: Array) -> Array:
        solution: Array = jax.scipy.sparse.linalg.cg(
            matrix, rhs, tol=_SOLVER_TOL, maxiter=_SOLVER_STEPS
        )[0]
        return solution

    moves = jax.lax.custom_linear_solve(hessian, -root * change, solve, symmetric=True) / root
    return found, Descent(
        moves, jnp.zeros_like(found.norm), np.zeros(found.evaluations.shape, jax.dtypes.float0)
    )


@jax.custom_jvp
def value_at(samples: Samples, images: Array, settings: DivergenceSettings) -> Scalar:
    """Return the value, whose derivative is that at fixed images by the envelope theorem."""
    transport, mismatch = parts(samples, images, settings)
    return transport + mismatch


@value_at.defjvp
def _value_jvp(
    primals: tuple[Samples, Array, DivergenceSettings],
    tangents: tuple[Samples, Array, DivergenceSettings],
) -> tuple[Scalar, Scalar]:
    samples, images, settings = primals

    def explicit(samples: Samples, settings: DivergenceSettings) -> Scalar:
        transport, mismatch = parts(samples, images, settings)
        return transport + mismatch

    value, tangent = jax.jvp(explicit, (samples, settings), (tangents[0], tangents[2]))
    return value, tangent
