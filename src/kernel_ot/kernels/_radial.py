"""Kernels of the distance alone: Gaussian, and what all such kernels share."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from kernel_ot._arrays import Array, check_positive, namespace_of, pytree
from kernel_ot.kernels._base import Kernel
from kernel_ot.kernels._tiles import as_pair, as_weights, contract

_BANDWIDTH_REMEDY = "median_distance(x, y, rng) is a usual choice."


def scaled_distances(
    x: Array, y: Array, scale: float, *, snap: bool = False, out: Array | None = None
) -> Array:
    """Return `scale |x_i - y_j|^2` by one matrix product, for points that are already centred.

    Both squared norms ride along as two more columns, so a tile is written once. The absolute
    rounding error is a few eps (|x_i|^2 + |y_j|^2), hence the centring.

    Parameters
    ----------
    x : array of shape (n, d)
    y : array of shape (m, d)
    scale : float
    snap : bool, default False
        Set squared distances to 0 that rounding cannot tell from 0 (points closer than
        about 1e-7 |x_i|): for kernels whose slope at 0 is infinite in the squared distance.
    out : ndarray of shape (n, m), optional
        Written to and returned; for NumPy.

    Returns
    -------
    array of shape (n, m)
        Not negative.
    """
    xp = namespace_of(x, y)
    norms_x = xp.sum(x * x, axis=1, keepdims=True)
    norms_y = xp.sum(y * y, axis=1, keepdims=True)
    left = xp.concatenate([-2.0 * x, norms_x, xp.ones_like(norms_x)], axis=1) * scale
    right = xp.concatenate([y, xp.ones_like(norms_y), norms_y], axis=1)
    product: Array = np.matmul(left, right.T, out=out) if xp is np else left @ right.T
    if snap:
        noise = 4.0 * (x.shape[1] + 4) * float(np.finfo(product.dtype).eps) * scale * norms_x
        product = xp.where(product <= noise, 0.0, product)
    elif xp is np:
        np.maximum(product, 0.0, out=product)
    else:
        product = xp.maximum(product, 0.0)
    return product


class RadialKernel(Kernel):
    """A kernel `k(x, y) = f(s)` of the scaled squared distance `s = scale |x - y|^2`, f(0) = 1.

    A family states `_scale`, `_profile` (f) and `_slope` (f'), elementwise in s, which is theirs to
    overwrite: at millions of pairs fresh arrays take longer than the arithmetic.
    """

    # Families whose f' is infinite at s = 0 need coincident points to be seen as such.
    _snap: bool = False

    @property
    @abstractmethod
    def _scale(self) -> float:
        """The factor from |x - y|^2 to s."""

    @abstractmethod
    def _profile(self, s: Array) -> Array:
        """Return f(s)."""

    @abstractmethod
    def _slope(self, s: Array) -> Array:
        """Return the derivative f'(s)."""

    def __call__(self, x: Array, y: Array) -> Array:
        x, y = as_pair(x, y)
        centre = _centre(y)
        return self._values(x - centre, y - centre)

    def diagonal(self, x: Array) -> Array:
        x, _ = as_pair(x, x)
        ones: Array = namespace_of(x).ones(x.shape[0], dtype=x.dtype)
        return ones

    def apply(self, x: Array, y: Array, weights: Array) -> Array:
        x, y = as_pair(x, y)
        weights = as_weights(weights, x, y, one_column=False)
        centre = _centre(y)
        return contract(
            lambda a, b, w, out: self._values(a - centre, b - centre, out) @ w, x, y, weights
        )

    def gradient(self, x: Array, y: Array, weights: Array) -> Array:
        x, y = as_pair(x, y)
        xp = namespace_of(x, y)
        centre = _centre(y)

        # sum_j w_j F_ij (a_i - b_j) = (F w)_i a_i - (F (w b))_i: both sums in one product.
        def tile(a: Array, b: Array, w: Array, out: Array | None) -> Array:
            a, b = a - centre, b - centre
            slopes = self._slope(scaled_distances(a, b, self._scale, snap=self._snap, out=out))
            sums = slopes @ xp.concatenate([w, w * b], axis=1)
            sums_of_differences: Array = a * sums[:, :1] - sums[:, 1:]
            return sums_of_differences

        weights = as_weights(weights, x, y, one_column=True)
        return (2.0 * self._scale) * contract(tile, x, y, weights[:, None])

    def _values(self, x: Array, y: Array, out: Array | None = None) -> Array:
        return self._profile(scaled_distances(x, y, self._scale, snap=self._snap, out=out))


def _centre(y: Array) -> Array:
    """Return the origin that distances are computed about: large common offsets cancel first."""
    centre: Array = namespace_of(y).mean(y, axis=0, keepdims=True)
    return centre


@pytree()
@dataclass(frozen=True)
class Gaussian(RadialKernel):
    """The Gaussian kernel `k(x, y) = exp(-|x - y|^2 / (2 bandwidth^2))`.

    Parameters
    ----------
    bandwidth : float
        In the units of the points, positive. The papers on kernel sums of squares write
        `exp(-|x - y|^2 / sigma)`: `sigma = 2 bandwidth^2`. scikit-learn's `gamma` is
        `1 / (2 bandwidth^2)`.

    Raises
    ------
    ValueError
        A bandwidth that is not a positive finite number.

    Examples
    --------
    >>> Gaussian(1.0)([[0.0]], [[0.0], [2.0]]).round(4)
    array([[1.    , 0.1353]])
    >>> Gaussian(0.0)
    Traceback (most recent call last):
    ...
    ValueError: bandwidth = 0.0 must be positive. median_distance(x, y, rng) is a usual choice.
    """

    bandwidth: float

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "bandwidth", check_positive(self.bandwidth, "bandwidth", _BANDWIDTH_REMEDY)
        )

    @property
    def _scale(self) -> float:
        return 0.5 / self.bandwidth**2

    def _profile(self, s: Array) -> Array:
        xp = namespace_of(s)
        if xp is np:
            np.negative(s, out=s)
            return np.exp(s, out=s)
        values: Array = xp.exp(-s)
        return values

    def _slope(self, s: Array) -> Array:
        values = self._profile(s)
        return np.negative(values, out=values) if namespace_of(values) is np else -values

    def value_and_gradient(self, x: Array, y: Array, weights: Array) -> tuple[Array, Array]:
        x, y = as_pair(x, y)
        xp = namespace_of(x, y)
        centre = _centre(y)

        # f' = -f: one exponential serves sum_j w_j F_ij and both sums of the gradient.
        def tile(a: Array, b: Array, w: Array, out: Array | None) -> Array:
            a, b = a - centre, b - centre
            sums: Array = self._values(a, b, out) @ xp.concatenate([w, w * b], axis=1)
            return sums

        weights = as_weights(weights, x, y, one_column=True)
        sums = contract(tile, x, y, weights[:, None])
        gradient = (-2.0 * self._scale) * ((x - centre) * sums[:, :1] - sums[:, 1:])
        return sums[:, 0], gradient
