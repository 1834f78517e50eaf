"""The negative multiquadric: distances made smooth, for what compares equal masses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernel_ot._arrays import Array, namespace_of, pytree
from kernel_ot.kernels._radial import RadialKernel, check_bandwidth


@pytree()
@dataclass(frozen=True)
class Multiquadric(RadialKernel):
    r"""The function `k(x, y) = 2 - sqrt(1 + |x - y|^2 / bandwidth^2)`.

    It is conditionally positive definite (Micchelli 1986): positive for weights that sum to zero,
    as the difference of two distributions does. So it serves divergences and maximum mean
    discrepancies, where it is the energy distance smoothed below the bandwidth: never flat, however
    far two samples are apart, and zero for equal distributions only. It is no kernel for the
    potentials of a fit, whose multipliers do not sum to the masses.

    Parameters
    ----------
    bandwidth : float
        In the units of the points, positive.

    Raises
    ------
    ValueError
        A bandwidth that is not positive, or beyond 1e-100 ... 1e100.

    Examples
    --------
    >>> Multiquadric(1.0)([[0.0]], [[0.0], [100.0]]).round(2)
    array([[  1., -98.]])
    """

    bandwidth: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "bandwidth", check_bandwidth(self.bandwidth))

    @property
    def conditional(self) -> bool:
        return True

    @property
    def _scale(self) -> float:
        return 1.0 / self.bandwidth**2

    def _profile(self, s: Array) -> Array:
        xp = namespace_of(s)
        if xp is np:
            s += 1.0
            np.sqrt(s, out=s)
            np.subtract(2.0, s, out=s)
            return s
        values: Array = 2.0 - xp.sqrt(1.0 + s)
        return values

    def _slope(self, s: Array) -> Array:
        xp = namespace_of(s)
        if xp is np:
            s += 1.0
            np.sqrt(s, out=s)
            np.divide(-0.5, s, out=s)
            return s
        slopes: Array = -0.5 / xp.sqrt(1.0 + s)
        return slopes

    def _curvature(self, s: Array) -> Array:
        curvatures: Array = 0.25 * (1.0 + s) ** -1.5
        return curvatures
