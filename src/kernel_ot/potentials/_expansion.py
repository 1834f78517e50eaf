"""A function in a kernel's space: a weighted sum of the kernel at given centres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernel_ot._arrays import (
    Array,
    as_numbers,
    check_points,
    namespace_of,
    pytree,
    rounded_to,
    shown,
)
from kernel_ot.kernels import Kernel


@pytree()
@dataclass(frozen=True, eq=False)
class KernelExpansion:
    """The function `f(x) = sum_j coefficients_j k(x, centres_j)`.

    Parameters
    ----------
    kernel : Kernel
    centres : array of shape (k, d)
        Not copied and never written to.
    coefficients : array of shape (k,)

    Raises
    ------
    ValueError
        Centres or coefficients that are not finite, or of shapes that do not fit.

    Examples
    --------
    >>> from kernel_ot.kernels import Linear
    >>> f = KernelExpansion(Linear(), [[1.0, 0.0], [0.0, 1.0]], [2.0, 3.0])
    >>> f([[10.0, 100.0]]), f.gradient([[10.0, 100.0]])
    (array([320.]), array([[2., 3.]]))
    """

    kernel: Kernel
    centres: Array
    coefficients: Array

    def __post_init__(self) -> None:
        if not isinstance(self.kernel, Kernel):
            raise ValueError(f"kernel = {shown(self.kernel)} is not a Kernel.")
        xp = namespace_of(self.centres, self.coefficients)
        coefficients = xp.asarray(as_numbers(self.coefficients, "coefficients"))
        if xp is np:
            object.__setattr__(self, "centres", check_points(self.centres, "centres"))
        if coefficients.shape != self.centres.shape[:1]:
            raise ValueError(
                f"coefficients has shape {tuple(coefficients.shape)}; it must be "
                f"({self.centres.shape[0]},), one a centre."
            )
        if xp is np:
            column = check_points(coefficients[:, None], "coefficients")
            coefficients = column[:, 0]
        object.__setattr__(self, "coefficients", coefficients)

    def __repr__(self) -> str:
        # The arrays themselves would fill pages.
        return (
            f"KernelExpansion({type(self.kernel).__name__} kernel, "
            f"{self.centres.shape[0]} centres in {self.centres.shape[1]} dimensions)"
        )

    @property
    def dimension(self) -> int:
        """The number d of coordinates of a point."""
        return int(self.centres.shape[1])

    def __call__(self, points: Array) -> Array:
        """Return the values at `points` (n, d), of shape (n,), in the points' precision.

        Computed in the higher precision of points and centres, in blocks.

        Raises
        ------
        ValueError
            Points that are not finite, not 2-D, or not of the centres' dimension.
        """
        points = self._checked(points)
        values = self.kernel.apply(points, self.centres, self.coefficients)
        return rounded_to(points.dtype, values)

    def gradient(self, points: Array) -> Array:
        """Return the gradients at `points` (n, d), of shape (n, d), in the points' precision.

        Raises
        ------
        ValueError
            As calling the function does.
        """
        points = self._checked(points)
        gradients = self.kernel.gradient(points, self.centres, self.coefficients)
        return rounded_to(points.dtype, gradients)

    def value_and_gradient(self, points: Array) -> tuple[Array, Array]:
        """Return values (n,) and gradients (n, d) at `points` (n, d), in one pass over the centres.

        Raises
        ------
        ValueError
            As calling the function does.
        """
        points = self._checked(points)
        values, gradients = self.kernel.value_and_gradient(points, self.centres, self.coefficients)
        return rounded_to(points.dtype, values), rounded_to(points.dtype, gradients)

    def hessian(self, points: Array) -> Array:
        """Return the second derivatives at `points` (n, d), of shape (n, d, d).

        Raises
        ------
        ValueError
            As calling the function does.
        """
        points = self._checked(points)
        hessians = self.kernel.hessian(points, self.centres, self.coefficients)
        return rounded_to(points.dtype, hessians)

    def _checked(self, points: Array) -> Array:
        if namespace_of(points) is np:
            return check_points(points, "points", dimension=self.dimension)
        array: Array = points  # inside a traced function entries cannot be looked at
        return array
