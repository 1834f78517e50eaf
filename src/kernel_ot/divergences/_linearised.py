r"""The divergence between samples that hardly differ: a quadratic form, shared by permutations.

Near equal distributions the c-transform is :math:`u^c = -u - |\nabla u|^2 / 2`, so that with the
pooled sample :math:`\eta` both directions of the divergence become

.. math:: \max_u \; \int u \, d(\mu - \nu) - \tfrac12 \int |\nabla u|^2 \, d\eta - \lambda |u|^2 ,

half the squared norm of :math:`\mu - \nu` in the dual of a Sobolev space: the linearised
Wasserstein distance for small :math:`\lambda`, the maximum mean discrepancy over
:math:`4 \lambda` for large. With u spanned by the kernel at landmarks, its value is
:math:`|R w|^2`, w the signed masses, and R knows nothing of who belongs to which sample.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg

from kernel_ot._arrays import Array, block_slices
from kernel_ot.kernels import Gaussian, Kernel, median_distance

# Bandwidths in median distances, each with lambda h^2: what is local is tested by discrepancies,
# what is spread out by displacements. Chosen on fresh draws of shifts, scalings, tails, rotations
# and bumps, see benchmarks/results.
_RESOLUTIONS = ((0.25, 1.0), (0.5, 1.0), (0.5, 0.1), (1.0, 0.1))
_MAX_LANDMARKS = 100
# Directions of the landmarks' span that are rounding, as those of equal landmarks are.
_NEGLIGIBLE = 1e-10


def resolutions(pooled: Array, rng: np.random.Generator) -> list[tuple[Kernel, float]]:
    """Return kernels with their regularisation, in the units of the pooled points."""
    if (pooled == pooled[0]).all():
        return [(Gaussian(1.0), 1.0)]
    # Halves at random: whose points they are must not matter.
    order = rng.permutation(len(pooled))
    half = len(pooled) // 2
    width = median_distance(pooled[order[:half]], pooled[order[half:]], rng)
    return [(Gaussian(factor * width), scaled / width**2) for factor, scaled in _RESOLUTIONS]


def draw_landmarks(pooled: Array, rng: np.random.Generator) -> Array:
    """Return the points that potentials are spanned by, drawn from the pooled sample."""
    chosen: Array = pooled[rng.permutation(len(pooled))[:_MAX_LANDMARKS]]
    return chosen


def quadratic_factor(
    pooled: Array, landmarks: Array, kernel: Kernel, reg_potential: float
) -> Array:
    r"""Return R, whose :math:`|R w|^2` is the linearised divergence of signed masses w.

    Parameters
    ----------
    pooled : ndarray of shape (n, d)
    landmarks : ndarray of shape (p, d)
    kernel : Kernel
    reg_potential : float
        lambda.

    Returns
    -------
    ndarray of shape (r, n)
        r is at most p - 1.
    """
    n, d = pooled.shape
    p = len(landmarks)
    energy = np.zeros((p, p))
    for rows in block_slices(n, d * p):
        gradients = np.stack(
            [kernel.gradient(pooled[rows], mark[None], np.ones(1)) for mark in landmarks], axis=-1
        ).reshape(-1, p)
        energy += gradients.T @ gradients / n
    # Coefficients that sum to zero: constants do not matter to masses that do, and a kernel that
    # is positive up to constants is positive then.
    basis = scipy.linalg.null_space(np.ones((1, p)))
    penalty = 2 * reg_potential * kernel(landmarks, landmarks)
    matrix = basis.T @ (energy + penalty) @ basis
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    kept = values > _NEGLIGIBLE * max(values.max(initial=0.0), np.abs(penalty).max())
    reduced = (vectors[:, kept] / np.sqrt(2 * values[kept])).T @ basis.T
    return np.asarray(reduced @ kernel(landmarks, pooled))
