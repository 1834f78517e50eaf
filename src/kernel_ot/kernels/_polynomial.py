"""Kernels of the inner product: linear and polynomial."""

from __future__ import annotations

from dataclasses import dataclass

from kernel_ot._arrays import Array, check_non_negative, check_positive, namespace_of, pytree
from kernel_ot.kernels._base import Kernel
from kernel_ot.kernels._distances import inner_products
from kernel_ot.kernels._tiles import as_pair, as_weights, contract


@pytree()
@dataclass(frozen=True)
class Linear(Kernel):
    """The linear kernel `k(x, y) = <x, y>`; its functions are linear, so their maps translate.

    Examples
    --------
    >>> Linear()([[1.0, 2.0]], [[3.0, 4.0]])
    array([[11.]])
    """

    def __call__(self, x: Array, y: Array) -> Array:
        x, y = as_pair(x, y)
        return inner_products(x, y)

    def diagonal(self, x: Array) -> Array:
        x, _ = as_pair(x, x)
        squares: Array = namespace_of(x).sum(x * x, axis=1)
        return squares

    def apply(self, x: Array, y: Array, weights: Array) -> Array:
        x, y = as_pair(x, y)
        # The sum over points first: O((n + m) d), no n x m tile at all.
        values: Array = x @ (y.T @ as_weights(weights, x, y, one_column=False))
        return values

    def gradient(self, x: Array, y: Array, weights: Array) -> Array:
        x, y = as_pair(x, y)
        slope: Array = y.T @ as_weights(weights, x, y, one_column=True)
        gradients: Array = namespace_of(x, y).zeros_like(x) + slope
        return gradients

    def hessian(self, x: Array, y: Array, weights: Array) -> Array:
        x, y = as_pair(x, y)
        as_weights(weights, x, y, one_column=True)
        n, d = x.shape
        zeros: Array = namespace_of(x, y).zeros((n, d, d), dtype=x.dtype)
        return zeros


@pytree(static=("degree",))
@dataclass(frozen=True)
class Polynomial(Kernel):
    """The polynomial kernel `k(x, y) = (<x, y> + offset)^degree`.

    Parameters
    ----------
    degree : int
        At least 1. Degree 2 with a positive offset holds every quadratic function, so
        affine maps between samples are represented exactly.
    offset : float, default 1.0
        Not negative; 0 leaves the monomials of exactly this degree, a positive one all up to it.

    Raises
    ------
    ValueError
        A degree that is not a positive integer, or a negative offset: not a kernel then.

    Examples
    --------
    >>> Polynomial(2)([[1.0, 2.0]], [[3.0, 4.0]])
    array([[144.]])
    """

    degree: int
    offset: float = 1.0

    def __post_init__(self) -> None:
        degree = check_positive(self.degree, "degree")
        if degree != int(degree):
            raise ValueError(f"degree = {degree} must be an integer.")
        object.__setattr__(self, "degree", int(degree))
        object.__setattr__(self, "offset", check_non_negative(self.offset, "offset"))

    def __call__(self, x: Array, y: Array) -> Array:
        x, y = as_pair(x, y)
        return self._power(x, y, self.degree)

    def diagonal(self, x: Array) -> Array:
        x, _ = as_pair(x, x)
        squares: Array = namespace_of(x).sum(x * x, axis=1)
        return (squares + self.offset) ** self.degree

    def gradient(self, x: Array, y: Array, weights: Array) -> Array:
        x, y = as_pair(x, y)
        weights = as_weights(weights, x, y, one_column=True)
        return self.degree * contract(
            lambda a, b, w, _: self._power(a, b, self.degree - 1) @ (w * b), x, y, weights[:, None]
        )

    def hessian(self, x: Array, y: Array, weights: Array) -> Array:
        x, y = as_pair(x, y)
        weights = as_weights(weights, x, y, one_column=True)
        n, d = x.shape
        if self.degree == 1:
            return Linear().hessian(x, y, weights)

        def tile(a: Array, b: Array, w: Array, _: Array | None) -> Array:
            squares = (b[:, :, None] * b[:, None, :]).reshape(-1, d * d)
            sums: Array = self._power(a, b, self.degree - 2) @ (w * squares)
            return sums

        sums: Array = contract(tile, x, y, weights[:, None]).reshape(n, d, d)
        hessians: Array = self.degree * (self.degree - 1) * sums
        return hessians

    def _power(self, x: Array, y: Array, degree: int) -> Array:
        product: Array = inner_products(x, y) + self.offset
        return product**degree
