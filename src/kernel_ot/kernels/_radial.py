"""Kernels of the distance alone: Gaussian, and what all such kernels share."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from kernel_ot._arrays import Array, check_positive, is_traced, namespace_of, pytree
from kernel_ot.kernels._base import Kernel
from kernel_ot.kernels._distances import ScaledDistances
from kernel_ot.kernels._tiles import as_pair, as_weights, contract

_LARGEST_BANDWIDTH = 1e100


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

    @abstractmethod
    def _curvature(self, s: Array) -> Array:
        """Return the second derivative f''(s)."""

    def __call__(self, x: Array, y: Array) -> Array:
        x, y = as_pair(x, y)
        return self._profile(self._distances(x, y).matrix(x, y))

    def diagonal(self, x: Array) -> Array:
        x, _ = as_pair(x, x)
        ones: Array = namespace_of(x).ones(x.shape[0], dtype=x.dtype)
        return ones

    def apply(self, x: Array, y: Array, weights: Array) -> Array:
        x, y = as_pair(x, y)
        weights = as_weights(weights, x, y, one_column=False)
        distances = self._distances(x, y)
        return contract(
            lambda a, b, w, out: self._profile(distances.between(a, b, out)) @ w,
            distances.rows(x),
            distances.columns(y),
            weights,
        )

    def gradient(self, x: Array, y: Array, weights: Array) -> Array:
        x, y = as_pair(x, y)
        distances = self._distances(x, y)
        sums = contract(
            lambda a, b, w, out: self._slope(distances.between(a, b, out)) @ w,
            distances.rows(x),
            distances.columns(y),
            self._moments(distances, x, y, weights),
        )
        return self._from_moments(distances, x, sums)

    def value_and_gradient(self, x: Array, y: Array, weights: Array) -> tuple[Array, Array]:
        x, y = as_pair(x, y)
        xp = namespace_of(x, y)
        distances = self._distances(x, y)

        def tile(a: Array, b: Array, w: Array, out: Array | None) -> Array:
            values, slopes = self._profile_and_slope(distances.between(a, b, out))
            both: Array = xp.concatenate([values @ w[:, :1], slopes @ w], axis=1)
            return both

        moments = self._moments(distances, x, y, weights)
        sums = contract(tile, distances.rows(x), distances.columns(y), moments)
        return sums[:, 0], self._from_moments(distances, x, sums[:, 1:])

    def hessian(self, x: Array, y: Array, weights: Array) -> Array:
        x, y = as_pair(x, y)
        xp = namespace_of(x, y)
        distances, d = self._distances(x, y), x.shape[1]

        def tile(a: Array, b: Array, w: Array, out: Array | None) -> Array:
            trace = self._slope(distances.between(a, b, out)) @ w[:, :1]
            bends = self._curvature(distances.between(a, b, out)) @ w
            both: Array = xp.concatenate([trace, bends], axis=1)
            return both

        # sum_j w_j (F'_ij I + 2 scale F''_ij r r'), r = a_i - b_j, each moment of b by one product.
        moments = self._moments(distances, x, y, weights)
        b = y - distances.centre
        squares = (b[:, :, None] * b[:, None, :]).reshape(-1, d * d)
        moments = xp.concatenate([moments, moments[:, :1] * squares], axis=1)
        sums = contract(tile, distances.rows(x), distances.columns(y), moments)
        a = x - distances.centre
        first = a[:, :, None] * sums[:, None, 2 : d + 2]
        outer = a[:, :, None] * a[:, None, :] * sums[:, 1:2, None]
        outer = outer - first - xp.swapaxes(first, 1, 2) + sums[:, d + 2 :].reshape(-1, d, d)
        trace = sums[:, :1, None] * xp.eye(d, dtype=sums.dtype)
        hessians: Array = (2.0 * self._scale) * (trace + 2.0 * self._scale * outer)
        return hessians

    def _profile_and_slope(self, s: Array) -> tuple[Array, Array]:
        """Return f(s) and f'(s); families share what both need."""
        return self._profile(s.copy()), self._slope(s)

    # sum_j w_j F_ij (a_i - b_j) = (F w)_i a_i - (F (w b))_i: both sums in one product.
    def _moments(self, distances: ScaledDistances, x: Array, y: Array, weights: Array) -> Array:
        w = as_weights(weights, x, y, one_column=True)[:, None]
        moments: Array = namespace_of(x, y).concatenate([w, w * (y - distances.centre)], axis=1)
        return moments

    def _from_moments(self, distances: ScaledDistances, x: Array, sums: Array) -> Array:
        gradient: Array = (x - distances.centre) * sums[:, :1] - sums[:, 1:]
        return (2.0 * self._scale) * gradient

    def _distances(self, x: Array, y: Array) -> ScaledDistances:
        return ScaledDistances(x, y, self._scale, snap=self._snap)


def check_bandwidth(value: object) -> float:
    """Return a bandwidth whose square, and that of its inverse, is a number."""
    bandwidth = check_positive(value, "bandwidth", "median_distance(x, y, rng) is a usual choice.")
    if not is_traced(bandwidth) and not 1 / _LARGEST_BANDWIDTH <= bandwidth <= _LARGEST_BANDWIDTH:
        raise ValueError(
            f"bandwidth = {bandwidth} is not between {1 / _LARGEST_BANDWIDTH:g} and "
            f"{_LARGEST_BANDWIDTH:g}; measure the points in another unit."
        )
    return bandwidth


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
        A bandwidth that is not positive, or beyond 1e-100 ... 1e100.

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
        object.__setattr__(self, "bandwidth", check_bandwidth(self.bandwidth))

    @property
    def _scale(self) -> float:
        return 0.5 / self.bandwidth**2

    def _profile(self, s: Array) -> Array:
        xp = namespace_of(s)
        if xp is np:
            np.negative(s, out=s)
            np.exp(s, out=s)
            return s
        values: Array = xp.exp(-s)
        return values

    def _slope(self, s: Array) -> Array:
        values = self._profile(s)
        return np.negative(values, out=values) if namespace_of(values) is np else -values

    def _curvature(self, s: Array) -> Array:
        return self._profile(s)

    def value_and_gradient(self, x: Array, y: Array, weights: Array) -> tuple[Array, Array]:
        x, y = as_pair(x, y)
        distances = self._distances(x, y)
        # f' = -f: one exponential and one product serve the values and both sums of the gradient.
        sums = contract(
            lambda a, b, w, out: self._profile(distances.between(a, b, out)) @ w,
            distances.rows(x),
            distances.columns(y),
            self._moments(distances, x, y, weights),
        )
        return sums[:, 0], -self._from_moments(distances, x, sums)
