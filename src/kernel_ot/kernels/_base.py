"""What every kernel can do, and the sums and multiples of kernels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np

from kernel_ot._arrays import Array, check_positive, is_traced, pytree, shown
from kernel_ot.kernels._tiles import as_pair, as_weights, contract


class Kernel(ABC):
    """A positive semidefinite kernel on points in R^d, immutable and comparable.

    Kernels are called with (n, d) and (m, d) arrays of one array library. Two float32 arrays
    give float32 results, integers are read as float64, and mixed precisions promote as the array
    library does. A kernel on pairs (x, y) is the same kernel on the concatenated rows in R^{2d}.

    Entries are not checked for NaN: a NaN in a point gives NaN in its row.

    Notes
    -----
    `kernel_1 + kernel_2` and `scale * kernel` (scale > 0) are kernels again.

    Examples
    --------
    >>> from kernel_ot.kernels import Gaussian, Linear
    >>> kernel = Gaussian(1.0) + 0.5 * Linear()
    >>> kernel([[1.0]], [[1.0]])
    array([[1.5]])
    """

    @abstractmethod
    def __call__(self, x: Array, y: Array) -> Array:
        """Return the matrix of k(x_i, y_j).

        Parameters
        ----------
        x : array of shape (n, d)
        y : array of shape (m, d)

        Returns
        -------
        array of shape (n, m)

        Raises
        ------
        ValueError
            An argument that is not 2-D, or different dimensions d.
        """

    @abstractmethod
    def diagonal(self, x: Array) -> Array:
        """Return k(x_i, x_i) for every row of `x`, of shape (n,), without the matrix."""

    def apply(self, x: Array, y: Array, weights: Array) -> Array:
        """Return `sum_j weights_j k(x_i, y_j)` without keeping the n x m matrix.

        Parameters
        ----------
        x : array of shape (n, d)
        y : array of shape (m, d)
        weights : array of shape (m,) or (m, k)
            Several columns share one evaluation of the kernel. Cast to the points' precision.

        Returns
        -------
        array of shape (n,) or (n, k)

        Raises
        ------
        ValueError
            As calling the kernel does; and where `weights` has not one row for each point of `y`.
        """
        x, y = as_pair(x, y)
        weights = as_weights(weights, x, y, one_column=False)
        return contract(lambda a, b, w, _: self(a, b) @ w, x, y, weights)

    @abstractmethod
    def gradient(self, x: Array, y: Array, weights: Array) -> Array:
        """Return `sum_j weights_j grad_1 k(x_i, y_j)`, the gradient of `apply` in each x_i.

        No array of n x m x d entries is ever made: the sum is a product of matrices.

        Parameters
        ----------
        x : array of shape (n, d)
        y : array of shape (m, d)
        weights : array of shape (m,)

        Returns
        -------
        array of shape (n, d)

        Raises
        ------
        ValueError
            As `apply` does.
        """

    def value_and_gradient(self, x: Array, y: Array, weights: Array) -> tuple[Array, Array]:
        """Return `apply` and `gradient`; families share what both need.

        Parameters
        ----------
        x, y : array of shape (n, d) and (m, d)
        weights : array of shape (m,)

        Returns
        -------
        values : array of shape (n,)
        gradients : array of shape (n, d)

        Raises
        ------
        ValueError
            As `apply` does.
        """
        return self.apply(x, y, weights), self.gradient(x, y, weights)

    @abstractmethod
    def hessian(self, x: Array, y: Array, weights: Array) -> Array:
        """Return `sum_j weights_j grad_1 grad_1' k(x_i, y_j)`, the derivative of `gradient`.

        Parameters
        ----------
        x : array of shape (n, d)
        y : array of shape (m, d)
        weights : array of shape (m,)

        Returns
        -------
        array of shape (n, d, d)
            Symmetric in its last two axes.

        Raises
        ------
        ValueError
            As `apply` does.
        """

    @property
    def conditional(self) -> bool:
        """Whether it is positive for weights that sum to zero only; see `Multiquadric`."""
        return False

    def __add__(self, other: Kernel) -> Kernel:
        if not isinstance(other, Kernel):
            return NotImplemented
        left = self.kernels if isinstance(self, Sum) else (self,)
        right = other.kernels if isinstance(other, Sum) else (other,)
        return Sum(left + right)

    def __mul__(self, scale: object) -> Kernel:
        if isinstance(scale, Kernel) or not (np.isscalar(scale) or is_traced(scale)):
            return NotImplemented
        return Scaled(check_positive(scale, "scale"), self)

    __rmul__ = __mul__


@pytree()
@dataclass(frozen=True)
class Sum(Kernel):
    """The sum of several kernels, `k(x, y) = sum_s k_s(x, y)`.

    Parameters
    ----------
    kernels : tuple of Kernel
        At least one.

    Examples
    --------
    >>> from kernel_ot.kernels import Gaussian, Linear
    >>> Gaussian(1.0) + 0.5 * Linear()
    Sum(kernels=(Gaussian(bandwidth=1.0), Scaled(scale=0.5, kernel=Linear())))
    """

    kernels: tuple[Kernel, ...]

    def __post_init__(self) -> None:
        kernels = tuple(self.kernels)
        if not kernels or not all(isinstance(kernel, Kernel) for kernel in kernels):
            raise ValueError(
                f"kernels = {shown(self.kernels)} must be a non-empty tuple of kernels."
            )
        object.__setattr__(self, "kernels", kernels)

    def __call__(self, x: Array, y: Array) -> Array:
        return _total(kernel(x, y) for kernel in self.kernels)

    @property
    def conditional(self) -> bool:
        return any(kernel.conditional for kernel in self.kernels)

    def diagonal(self, x: Array) -> Array:
        return _total(kernel.diagonal(x) for kernel in self.kernels)

    def apply(self, x: Array, y: Array, weights: Array) -> Array:
        return _total(kernel.apply(x, y, weights) for kernel in self.kernels)

    def gradient(self, x: Array, y: Array, weights: Array) -> Array:
        return _total(kernel.gradient(x, y, weights) for kernel in self.kernels)

    def hessian(self, x: Array, y: Array, weights: Array) -> Array:
        return _total(kernel.hessian(x, y, weights) for kernel in self.kernels)

    def value_and_gradient(self, x: Array, y: Array, weights: Array) -> tuple[Array, Array]:
        both = [kernel.value_and_gradient(x, y, weights) for kernel in self.kernels]
        return _total(value for value, _ in both), _total(gradient for _, gradient in both)


@pytree()
@dataclass(frozen=True)
class Scaled(Kernel):
    """A positive multiple of a kernel, `k(x, y) = scale k_1(x, y)`.

    Parameters
    ----------
    scale : float
        Positive.
    kernel : Kernel

    Raises
    ------
    ValueError
        A scale that is not positive and finite: the multiple would not be a kernel.

    Examples
    --------
    >>> from kernel_ot.kernels import Linear
    >>> (3.0 * Linear())([[2.0]], [[5.0]])
    array([[30.]])
    """

    scale: float
    kernel: Kernel

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", check_positive(self.scale, "scale"))
        if not isinstance(self.kernel, Kernel):
            raise ValueError(f"kernel = {shown(self.kernel)} is not a Kernel.")

    def __call__(self, x: Array, y: Array) -> Array:
        return self.scale * self.kernel(x, y)

    @property
    def conditional(self) -> bool:
        return self.kernel.conditional

    def diagonal(self, x: Array) -> Array:
        return self.scale * self.kernel.diagonal(x)

    def apply(self, x: Array, y: Array, weights: Array) -> Array:
        return self.scale * self.kernel.apply(x, y, weights)

    def gradient(self, x: Array, y: Array, weights: Array) -> Array:
        return self.scale * self.kernel.gradient(x, y, weights)

    def hessian(self, x: Array, y: Array, weights: Array) -> Array:
        return self.scale * self.kernel.hessian(x, y, weights)

    def value_and_gradient(self, x: Array, y: Array, weights: Array) -> tuple[Array, Array]:
        value, gradient = self.kernel.value_and_gradient(x, y, weights)
        return self.scale * value, self.scale * gradient


def _total(terms: Iterable[Array]) -> Array:
    return reduce(add, terms)
