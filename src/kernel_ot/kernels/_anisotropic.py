"""Kernels of linearly transformed points: some directions count more than others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernel_ot._arrays import Array, check_points, counted, namespace_of, pytree, shown
from kernel_ot.kernels._base import Kernel
from kernel_ot.kernels._tiles import as_pair


@pytree()
@dataclass(frozen=True, eq=False)
class Anisotropic(Kernel):
    """The kernel `k(x, y) = k_1(x M, y M)` of points multiplied by a matrix M.

    With columns that are a few directions, only these are seen; with the inverse root of a
    covariance, all directions count alike; with the root of a covariance, the function varies most
    along the directions in which the points do.

    Parameters
    ----------
    kernel : Kernel
        k_1, on points of r coordinates.
    matrix : array of shape (d, r)
        M; a copy is kept, which is read-only. A row of a multiple of d coordinates, such as the
        pair (x, y) of a kernel on pairs, is multiplied block by block.

    Raises
    ------
    ValueError
        A matrix that is not a finite 2-D array; points whose number of coordinates is no multiple
        of d.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot.kernels import Gaussian
    >>> kernel = Anisotropic(Gaussian(1.0), np.array([[1.0], [0.0]]))  # the first coordinate alone
    >>> kernel([[0.0, 5.0]], [[2.0, -7.0]]).round(4)
    array([[0.1353]])
    """

    kernel: Kernel
    matrix: Array

    def __post_init__(self) -> None:
        if not isinstance(self.kernel, Kernel):
            raise ValueError(f"kernel = {shown(self.kernel)} is not a Kernel.")
        if namespace_of(self.matrix) is np:
            matrix = np.array(check_points(self.matrix, "matrix"), dtype=np.float64)
            matrix.flags.writeable = False
            object.__setattr__(self, "matrix", matrix)

    def __call__(self, x: Array, y: Array) -> Array:
        return self.kernel(*self._both(x, y)[1])

    @property
    def conditional(self) -> bool:
        return self.kernel.conditional

    def diagonal(self, x: Array) -> Array:
        (_, _), (moved, _) = self._both(x, x)
        return self.kernel.diagonal(moved)

    def apply(self, x: Array, y: Array, weights: Array) -> Array:
        return self.kernel.apply(*self._both(x, y)[1], weights)

    def gradient(self, x: Array, y: Array, weights: Array) -> Array:
        (x, y), moved = self._both(x, y)
        inner = self.kernel.gradient(*moved, weights)
        return self._by_blocks(inner, self._matrix_for(x, y).T)

    def value_and_gradient(self, x: Array, y: Array, weights: Array) -> tuple[Array, Array]:
        (x, y), moved = self._both(x, y)
        value, inner = self.kernel.value_and_gradient(*moved, weights)
        return value, self._by_blocks(inner, self._matrix_for(x, y).T)

    def hessian(self, x: Array, y: Array, weights: Array) -> Array:
        (x, y), moved = self._both(x, y)
        inner = self.kernel.hessian(*moved, weights)
        matrix = self._matrix_for(x, y)
        n, d = x.shape
        # The matrix goes block by block over either axis.
        left = self._by_blocks(inner.reshape(-1, inner.shape[2]), matrix.T)
        half = namespace_of(inner).swapaxes(left.reshape(n, -1, d), 1, 2)
        both = self._by_blocks(half.reshape(-1, inner.shape[1]), matrix.T)
        return both.reshape(n, d, d)

    def _both(self, x: Array, y: Array) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        """Return x and y as arrays, and both multiplied by M."""
        x, y = as_pair(x, y)
        d = self.matrix.shape[0]
        if x.shape[1] % d:
            raise ValueError(
                f"x has {counted(x.shape[1], 'column')}; this kernel's matrix is for points of {d} "
                "coordinates, or several such points side by side."
            )
        matrix = self._matrix_for(x, y)
        moved = self._by_blocks(x, matrix)
        return (x, y), (moved, moved if x is y else self._by_blocks(y, matrix))

    def _matrix_for(self, x: Array, y: Array) -> Array:
        xp = namespace_of(x, y, self.matrix)
        # The points decide the precision, as they do for weights.
        matrix: Array = xp.asarray(self.matrix, dtype=xp.result_type(x, y))
        return matrix

    @staticmethod
    def _by_blocks(points: Array, matrix: Array) -> Array:
        d, r = matrix.shape
        n_blocks = points.shape[1] // d
        moved: Array = (points.reshape(-1, d) @ matrix).reshape(points.shape[0], n_blocks * r)
        return moved

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Anisotropic):
            return NotImplemented
        return self.kernel == other.kernel and np.array_equal(self.matrix, other.matrix)

    def __hash__(self) -> int:
        matrix = np.asarray(self.matrix)
        return hash((Anisotropic, self.kernel, matrix.shape, matrix.tobytes()))

    def __repr__(self) -> str:
        matrix = self.matrix.tolist() if namespace_of(self.matrix) is np else self.matrix
        return f"Anisotropic(kernel={self.kernel!r}, matrix={matrix!r})"

    def __str__(self) -> str:
        """Return what fits on a line, without the matrix's entries."""
        return f"Anisotropic({self.kernel}, {' x '.join(map(str, self.matrix.shape))} matrix)"
