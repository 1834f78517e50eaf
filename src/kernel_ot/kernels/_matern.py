"""Matern kernels, the reproducing kernels of Sobolev spaces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gamma as gamma_function, kve

from kernel_ot._arrays import Array, check_positive, namespace_of, pytree
from kernel_ot.kernels._radial import RadialKernel, check_bandwidth

_LARGEST_NU = 100.0
_CLOSED_FORMS = (0.5, 1.5, 2.5)


@pytree(static=("nu",))
@dataclass(frozen=True)
class Matern(RadialKernel):
    r"""The Matern kernel of smoothness nu, in the usual parametrisation.

    With `t = sqrt(2 nu) |x - y| / bandwidth` and K the modified Bessel function,
    `k(x, y) = 2^(1 - nu) / Gamma(nu) t^nu K_nu(t)`; see Rasmussen and Williams, Gaussian
    Processes for Machine Learning, 2006, equation 4.14. Its limit for large nu is the Gaussian
    kernel of the same bandwidth.

    Parameters
    ----------
    nu : float
        Smoothness, in (0, 100]. 0.5, 1.5 and 2.5 use closed forms and work with every array
        library; any other value calls `scipy.special.kve` and takes NumPy arrays only (and
        is about thirty times slower).
    bandwidth : float
        In the units of the points, positive.

    Raises
    ------
    ValueError
        `nu` or `bandwidth` out of range; a nu without closed form on arrays that are not NumPy's.

    Notes
    -----
    For nu <= 1 the kernel has no gradient where x = y: there the gradient is
    defined as 0 (for nu <= 1/2 the mean of all one-sided derivatives). For nu <= 1 points closer
    than about 1e-7 of their distance from the mean of `y` (3e-3 in float32) count as coincident,
    since the product formula for distances cannot tell them apart.

    Examples
    --------
    >>> Matern(1.5, 1.0)([[0.0]], [[0.0], [1.0]]).round(4)
    array([[1.    , 0.4834]])
    """

    nu: float
    bandwidth: float

    def __post_init__(self) -> None:
        nu = check_positive(self.nu, "nu")
        if nu > _LARGEST_NU:
            raise ValueError(
                f"nu = {nu} is above {_LARGEST_NU:g}; Gaussian(bandwidth) is the limit, use it."
            )
        object.__setattr__(self, "nu", nu)
        object.__setattr__(self, "bandwidth", check_bandwidth(self.bandwidth))

    @property
    def _snap(self) -> bool:  # type: ignore[override]
        return self.nu <= 1.0

    @property
    def _scale(self) -> float:
        return 2.0 * self.nu / self.bandwidth**2

    def _profile(self, s: Array) -> Array:
        if self.nu not in _CLOSED_FORMS:
            return _bessel_profile(s, self.nu)
        t = _root(s)
        return _times(self._profile_factor(s, t), _decay(t))

    def _slope(self, s: Array) -> Array:
        if self.nu not in _CLOSED_FORMS:
            return _bessel_slope(s, self.nu)
        t = _root(s)
        return _times(self._slope_factor(s, t), _decay(t))

    def _profile_and_slope(self, s: Array) -> tuple[Array, Array]:
        if self.nu not in _CLOSED_FORMS:
            return super()._profile_and_slope(s)
        t = _root(s)
        profile, slope = self._profile_factor(s, t), self._slope_factor(s, t)
        decay = _decay(t)
        return _times(profile, decay), _times(slope, decay)

    def _profile_factor(self, s: Array, t: Array) -> Array | float:
        """Return what exp(-t) is multiplied by in f, t = sqrt(s)."""
        if self.nu == 0.5:
            return 1.0
        factor: Array = t + 1.0
        if self.nu == 2.5:
            factor += s * (1.0 / 3.0)
        return factor

    def _slope_factor(self, s: Array, t: Array) -> Array | float:
        """Return what exp(-t) is multiplied by in f'."""
        if self.nu == 1.5:
            return -0.5
        if self.nu == 2.5:
            factor: Array = t * (-1.0 / 6.0)
            factor += -1.0 / 6.0
            return factor
        # exp(-t) / t without a division by zero; 0 at coincident points.
        xp = namespace_of(s)
        inverse: Array = xp.where(s > 0.0, -0.5 / xp.where(s > 0.0, t, 1.0), 0.0)
        return inverse

    def _curvature(self, s: Array) -> Array:
        xp = namespace_of(s)
        apart = s > 0.0
        # At coincident points, where the families below nu = 2 have no second derivative, 0.
        t = xp.where(apart, _root(s), 1.0)
        if self.nu == 0.5:
            factor = xp.where(apart, 0.25 * (1.0 + t) / t**3, 0.0)
        elif self.nu == 1.5:
            factor = xp.where(apart, 0.25 / t, 0.0)
        elif self.nu == 2.5:
            factor = 1.0 / 12.0
        else:
            return _bessel_curvature(s, self.nu)
        curvatures: Array = factor * xp.exp(-_root(s))
        return curvatures


def Sobolev(order: float, dimension: int, bandwidth: float) -> Matern:  # noqa: N802
    """Return the Matern kernel whose space is the Sobolev space H^order(R^dimension).

    The two agree as sets with equivalent norms, for `nu = order - dimension / 2`
    (Wendland, Scattered Data Approximation, 2005, section 10.5). The name is capitalised since
    it is used like the other kernels' constructors.

    Parameters
    ----------
    order : float
        Number of square-integrable derivatives; above dimension / 2.
    dimension : int
        Of the points the kernel is evaluated at: d for a potential, 2 d for pairs.
    bandwidth : float
        In the units of the points, positive.

    Returns
    -------
    Matern
        Of smoothness `nu = order - dimension / 2`.

    Raises
    ------
    ValueError
        An order not above dimension / 2: point evaluation is not continuous there.

    Examples
    --------
    >>> Sobolev(order=3, dimension=3, bandwidth=0.5)
    Matern(nu=1.5, bandwidth=0.5)
    """
    order = check_positive(order, "order")
    dimension = int(check_positive(dimension, "dimension"))
    if order <= dimension / 2:
        raise ValueError(
            f"order = {order} must be above dimension / 2 = {dimension / 2}: functions of lower "
            "order have no values at points."
        )
    return Matern(order - dimension / 2, bandwidth)


def _decay(t: Array) -> Array:
    """Return exp(-t), in the place of t on NumPy."""
    xp = namespace_of(t)
    if xp is np:
        np.negative(t, out=t)
        np.exp(t, out=t)
        return t
    values: Array = xp.exp(-t)
    return values


def _times(factor: Array | float, decay: Array) -> Array:
    """Return the product, in the place of the factor if that is an array of NumPy."""
    if isinstance(factor, np.ndarray):
        factor *= decay
        return factor
    product: Array = factor * decay
    return product


def _root(s: Array) -> Array:
    """Return sqrt(s); where JAX differentiates it at 0, the derivative is 0 and not infinite."""
    xp = namespace_of(s)
    if xp is np:
        return np.asarray(np.sqrt(s))
    root: Array = xp.where(s > 0, xp.sqrt(xp.where(s > 0, s, 1.0)), 0.0)
    return root


def _require_numpy(s: Array, nu: float) -> None:
    if namespace_of(s) is not np:
        raise ValueError(
            f"nu = {nu} has no closed form here and needs scipy.special, which takes NumPy "
            "arrays only; use nu = 0.5, 1.5 or 2.5, or pass NumPy arrays."
        )


def _bessel_profile(s: Array, nu: float) -> Array:
    """Return `2 / Gamma(nu) (t / 2)^nu K_nu(t)` at `t = sqrt(s)`, 1 at 0."""
    _require_numpy(s, nu)
    t = np.sqrt(s, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        bessel = kve(nu, t)
        values = np.exp(nu * np.log(t / 2.0) - t) * (bessel * (2.0 / gamma_function(nu)))
        # Where K overflows, t is so small that the first term of the series is exact enough.
        near = np.exp(-(t * t) / (4.0 * (nu - 1.0))) if nu > 1.0 else np.ones_like(t)
    profile: Array = np.where(np.isfinite(bessel), values, near).astype(s.dtype)
    return profile


def _bessel_slope(s: Array, nu: float) -> Array:
    """Return the derivative of `_bessel_profile` in s, 0 at 0 where it is infinite (nu <= 1).

    From (t^nu K_nu)' = -t^nu K_{nu-1}; for nu > 1 it is a multiple of the profile of nu - 1.
    """
    if nu > 1.0:
        return (-0.25 / (nu - 1.0)) * _bessel_profile(s, nu - 1.0)
    _require_numpy(s, nu)
    t = np.sqrt(s, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        bessel = kve(1.0 - nu, t)
        values = -0.5 / gamma_function(nu) * np.exp((nu - 1.0) * np.log(t / 2.0) - t) * bessel
    return np.where(t > 0.0, values, 0.0).astype(s.dtype)


def _bessel_curvature(s: Array, nu: float) -> Array:
    """Return the derivative of `_bessel_slope` in s, 0 at 0 where it is infinite (nu <= 2)."""
    if nu > 1.0:
        return (-0.25 / (nu - 1.0)) * _bessel_slope(s, nu - 1.0)
    _require_numpy(s, nu)
    t = np.sqrt(s, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        bessel = kve(2.0 - nu, t)
        values = np.exp((nu - 2.0) * np.log(t / 2.0) - t) * bessel / (8.0 * gamma_function(nu))
    return np.where(t > 0.0, values, 0.0).astype(s.dtype)
