"""The kernels of `kernel="auto"`, along the directions in which the samples vary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot.kernels import Anisotropic, Gaussian, Kernel, Matern, median_distance
from kernel_ot.samples import Samples

# For maps with kinks: on the pairs of Korotin et al. (2021), gradients of networks, it has a
# quarter to a half of the Gaussian's error.
_ROUGH_SMOOTHNESS = 2.5


@dataclass(frozen=True)
class RoughKernel:
    """The default kernel with the Matern family of smoothness 2.5 in place of the Gaussian.

    Attributes
    ----------
    factor : float
        Bandwidth in median distances.
    """

    factor: float


def default_kernel(factor: float, samples: Samples, rng: np.random.Generator) -> Kernel:
    r"""Return the Gaussian of the points multiplied by the root of their covariance.

    :math:`k(x, x') = \exp(-|S^{1/2} (x - x')|^2 / (2 h^2))` with S the samples' pooled covariance
    divided by the average variance of a coordinate, and h `factor` times the median distance of the
    multiplied points. Directions of little spread, which matter little to the cost, then hardly
    take from the kernel's resolution along those of much; benchmarks/results/ has what it gains.

    Parameters
    ----------
    factor : float
        Bandwidth in median distances.
    samples : Samples
        In the preconditioned coordinates.
    rng : numpy.random.Generator
        Chooses the points for the median, where there are many.

    Returns
    -------
    Kernel
        `Gaussian` on the line and where the samples do not vary, else `Anisotropic`.
    """
    root = _covariance_root(samples)
    if root is None:
        return Gaussian(factor * typical_distance(samples, rng))
    moved = Samples(samples.x @ root, samples.y @ root, samples.weights_x, samples.weights_y)
    return Anisotropic(Gaussian(factor * typical_distance(moved, rng)), root)


def roughened(kernel: Kernel) -> Kernel:
    """Return the Matern kernel of smoothness 2.5 with the bandwidth of a default kernel."""
    if isinstance(kernel, Anisotropic):
        return Anisotropic(roughened(kernel.kernel), kernel.matrix)
    assert isinstance(kernel, Gaussian)
    return Matern(_ROUGH_SMOOTHNESS, kernel.bandwidth)


def typical_distance(samples: Samples, rng: np.random.Generator) -> float:
    """Return the median distance of the pooled samples; 1 where all points are equal."""
    points = np.concatenate([samples.x, samples.y])
    if (points == points[0]).all():
        return 1.0
    return median_distance(samples.x, samples.y, rng)


def _covariance_root(samples: Samples) -> Array | None:
    """Return S^(1/2), or None where it would change nothing."""
    if samples.x.shape[1] == 1:
        return None
    covariance = 0.0
    for points, weights in ((samples.x, samples.weights_x), (samples.y, samples.weights_y)):
        centred = points - weights @ points
        covariance = covariance + (centred.T * weights) @ centred / 2
    level = float(np.trace(covariance)) / samples.x.shape[1]
    if not level > 0:
        return None
    values, vectors = np.linalg.eigh(covariance / level)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)
