"""The distributions on the way from one sample to the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from kernel_ot._arrays import Array, check_non_negative, shown
from kernel_ot.potentials import Potentials
from kernel_ot.samples import Samples


class Transport(Protocol):
    """What interpolation needs of a fitted `KernelOT`."""

    @property
    def samples_(self) -> Samples:
        """The samples of the fit."""

    @property
    def potentials_(self) -> Potentials:
        """In the same coordinates."""


@dataclass(frozen=True, eq=False)
class Interpolation:
    """A distribution between two samples, as weighted points from either side.

    Attributes
    ----------
    t : float
    from_x : ndarray of shape (n, d)
        `(1 - t) x + t T(x)`.
    from_y : ndarray of shape (m, d)
        `t y + (1 - t) S(y)`. Where both maps were exact it would have the same distribution.
    weights_x, weights_y : ndarray of shape (n,) and (m,)
        Masses, each summing to one.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import KernelOT
    >>> from kernel_ot.kernels import Gaussian
    >>> x = np.linspace(0, 1, 20)[:, None]
    >>> model = KernelOT(Gaussian(2.0), reg_potential=1e-2).fit(x, x + 3)
    >>> from kernel_ot import interpolate
    >>> interpolate(model, 0.5).points.shape
    (40, 1)
    """

    t: float
    from_x: Array
    from_y: Array
    weights_x: Array
    weights_y: Array

    def __repr__(self) -> str:
        return f"Interpolation(t={self.t:g}, {len(self.from_x)} + {len(self.from_y)} points)"

    @property
    def points(self) -> Array:
        """Both sets of points, those of x first."""
        return np.concatenate([self.from_x, self.from_y])

    @property
    def weights(self) -> Array:
        """Masses of `points`: x counts 1 - t and y counts t, so that the ends are the samples."""
        return np.concatenate([(1 - self.t) * self.weights_x, self.t * self.weights_y])


def interpolate(model: Transport, t: float) -> Interpolation:
    r"""Return McCann's displacement interpolation of the samples of a fit, both ways.

    Points of x go straight to their images T(x) and points of y to S(y), at constant speed: at
    time t the distribution is :math:`((1 - t) \mathrm{id} + t T)_\# \mu`, the geodesic of the
    Wasserstein distance from :math:`\mu` to :math:`\nu`.

    Parameters
    ----------
    model : KernelOT or KernelOTCV
        Fitted. Rows that the fit left out as outliers have no mass.
    t : float
        0 for x, 1 for y.

    Returns
    -------
    Interpolation

    Raises
    ------
    ValueError
        A model that is not fitted, t outside of [0, 1].

    References
    ----------
    R. J. McCann, A convexity principle for interacting gases, Advances in Mathematics 128 (1997).

    Examples
    --------
    >>> import numpy as np
    >>> import kernel_ot
    >>> x = np.linspace(-1, 1, 40)[:, None]
    >>> model = kernel_ot.KernelOT(kernel_ot.kernels.Gaussian(2.0), reg_potential=1e-2)
    >>> between = kernel_ot.interpolate(model.fit(x, x + 4), 0.25)
    >>> between, bool(np.allclose(between.from_x, x + 1, atol=0.01))
    (Interpolation(t=0.25, 40 + 40 points), True)
    """
    model = getattr(model, "best_estimator_", model)
    if not hasattr(model, "potentials_"):
        raise ValueError(f"model = {shown(model)} is not fitted; call fit(x, y) first.")
    t = check_non_negative(t, "t")
    if t > 1:
        raise ValueError(f"t = {t} must be between 0, which is x, and 1, which is y.")
    samples, potentials = model.samples_, model.potentials_
    images_x = np.asarray(potentials.transport(samples.x))
    images_y = np.asarray(potentials.inverse_transport(samples.y))
    return Interpolation(
        t,
        (1 - t) * samples.x + t * images_x,
        t * samples.y + (1 - t) * images_y,
        samples.weights_x,
        samples.weights_y,
    )
