r"""One direction of the divergence: points moved until they look like the other sample.

The estimator :math:`\max_u \int u \, d\mu + \int u^c \, d\nu - \lambda |u|^2` over a kernel's
space, with the c-transform :math:`u^c(y) = \min_s |s - y|^2 / 2 - u(s)`, is that of Vacher et al.
(2021) with the second potential free and the constraint imposed everywhere. By duality its value is

.. math::

    \min_{s_1, \dots, s_m} \; \sum_j b_j \frac{|s_j - y_j|^2}{2}
    + \frac{1}{4 \lambda} \Big| \sum_i a_i k(x_i, \cdot) - \sum_j b_j k(s_j, \cdot) \Big|^2 ,

where :math:`s_j` is the contact point of :math:`y_j`, whose multiplier is :math:`b_j`: nothing is
left to choose but the positions (of each point as a whole; over measures the two are equal). At the
optimum :math:`u = (\sum_i a_i k(x_i, \cdot) - \sum_j b_j k(s_j, \cdot)) / 2 \lambda` and
:math:`y_j = s_j - \nabla u(s_j)`. For equal distributions :math:`s = y` has the value 0, which is
why no term has to be taken off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernel_ot._arrays import Array, Scalar, namespace_of, pytree
from kernel_ot.distances import squared_mmd
from kernel_ot.divergences._descent import Descent, descend
from kernel_ot.divergences._settings import DivergenceSettings
from kernel_ot.potentials import KernelExpansion
from kernel_ot.samples import Samples


@pytree()
@dataclass(frozen=True, eq=False)
class Moved:
    """One sample moved towards the other.

    Attributes
    ----------
    images : array of shape (n, d)
        Where its points end, in the samples' units.
    value : float
        `transport + mismatch`, what the images make as small as possible.
    transport : float
        The mean of half their squared displacement.
    mismatch : float
        What is left between the images and the other sample: their squared maximum mean
        discrepancy over 4 `reg_potential`.
    residual : float
        Root mean square of what is left of the gradient in the images, in the samples' units.
    converged : bool
        Whether that is as small as the settings ask.
    evaluations : int
        Gradients that were evaluated.

    Examples
    --------
    >>> import numpy as np
    >>> import kernel_ot
    >>> x = np.linspace(-1, 1, 30)[:, None]
    >>> moved = kernel_ot.divergence(x, x + 1).forward
    >>> bool(np.isclose(moved.value, moved.transport + moved.mismatch))
    True
    """

    images: Array
    value: Scalar
    transport: Scalar
    mismatch: Scalar
    residual: Scalar
    converged: Array | bool
    evaluations: Scalar


def potential(samples: Samples, images: Array, settings: DivergenceSettings) -> KernelExpansion:
    """Return u, the potential on the side of x, where y was moved to `images`."""
    return KernelExpansion(settings.kernel, *_expansion(samples, images, settings))


def slope(samples: Samples, images: Array, settings: DivergenceSettings) -> Array:
    """Return s_j - y_j - grad u(s_j), the derivative of the value in the images over the masses."""
    pull = settings.kernel.gradient(images, *_expansion(samples, images, settings))
    difference: Array = images - samples.y - pull
    return difference


def _expansion(
    samples: Samples, images: Array, settings: DivergenceSettings
) -> tuple[Array, Array]:
    """Return centres and coefficients of u."""
    xp = namespace_of(samples.x, images)
    masses = xp.concatenate([samples.weights_x, -samples.weights_y])
    return xp.concatenate([samples.x, images]), masses / (2 * settings.reg_potential)


def parts(samples: Samples, images: Array, settings: DivergenceSettings) -> tuple[Scalar, Scalar]:
    """Return transport and mismatch at given images, see `Moved`."""
    xp = namespace_of(samples.x, images)
    a, b = samples.weights_x, samples.weights_y
    transport = b @ xp.sum(xp.square(images - samples.y), axis=1) / 2
    discrepancy = squared_mmd(samples.x, images, settings.kernel, a, b)
    return transport, discrepancy / (4 * settings.reg_potential)


def find_images(samples: Samples, settings: DivergenceSettings) -> Descent:
    """Return where y moves, by descent from y itself."""
    tol = settings.tol * length_unit(samples)
    return descend(
        lambda images: slope(samples, images, settings),
        samples.y,
        samples.weights_y,
        tol,
        settings.max_iter,
    )


def moved(samples: Samples, settings: DivergenceSettings) -> Moved:
    """Return y moved towards x; differentiable on JAX, see `kernel_ot.divergences._implicit`."""
    if namespace_of(samples.x) is np:
        found = find_images(samples, settings)
        transport, mismatch = parts(samples, found.points, settings)
        value = transport + mismatch
    else:
        from kernel_ot.divergences._implicit import images_of, value_at

        found = images_of(samples, settings)
        transport, mismatch = parts(samples, found.points, settings)
        value = value_at(samples, found.points, settings)
    reached = found.norm <= settings.tol * length_unit(samples)
    return Moved(found.points, value, transport, mismatch, found.norm, reached, found.evaluations)


def length_unit(samples: Samples) -> Scalar:
    """Return the root of the mean cost of a pair: what errors are relative to."""
    xp = namespace_of(samples.x)
    a, b = samples.weights_x, samples.weights_y
    mean_x, mean_y = a @ samples.x, b @ samples.y
    spread = a @ xp.sum(xp.square(samples.x - mean_x), axis=1)
    spread = spread + b @ xp.sum(xp.square(samples.y - mean_y), axis=1)
    unit: Scalar = xp.sqrt((spread + xp.sum(xp.square(mean_x - mean_y))) / 2)
    return unit
