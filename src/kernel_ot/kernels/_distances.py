"""Scaled squared distances: by a product of matrices where that loses no digits, else exactly."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

from kernel_ot._arrays import Array, block_slices, namespace_of

# The product's rounding is a few eps times the largest scaled squared norm: below 1e-12 here.
_LARGEST_FOR_PRODUCT = 1e3
_BLOCK_BYTES = 2**18
# Up to so many coordinates are written out one after the other in JAX's compiled code.
_UNROLLED = 8


class ScaledDistances:
    """The function `scale |x_i - y_j|^2` of rows of two sets of points.

    One product of matrices computes it, about the mean of `y`. Where points lie so far out that
    its rounding would be seen, coordinates are subtracted one by one instead; so they always are
    on JAX, whose compiled code cannot decide by values without being compiled twice.

    Parameters
    ----------
    x, y : array of shape (n, d) and (m, d)
        All the points whose rows will be asked for; they decide which form is used.
    scale : float
    snap : bool, default False
        Set squared distances to 0 that the product cannot tell from 0 (points closer than about
        1e-7 |x_i|): for kernels whose slope at 0 is infinite in the squared distance.

    Attributes
    ----------
    centre : array of shape (1, d)
        An origin near most of the points in `y`.
    """

    def __init__(self, x: Array, y: Array, scale: float, *, snap: bool = False) -> None:
        self._scale, self._snap = scale, snap
        self.centre: Array
        self._exact = True
        if namespace_of(x, y) is not np:
            self.centre = _median_jax(y)
            return
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows here lies far out
            self.centre = np.mean(y, axis=0, keepdims=True)
            largest = max(float(_squared_norms(points - self.centre).max()) for points in (x, y))
            self._exact = not scale * largest <= _LARGEST_FOR_PRODUCT
        if self._exact:
            self.centre = np.median(y, axis=0, keepdims=True)  # which no outlier moves

    def rows(self, x: Array) -> Array:
        """Return what rows of have to be handed to `between` for rows of x.

        For the product both squared norms ride along as two more columns.
        """
        if self._exact:
            return x
        x = x - self.centre
        norms = np.sum(x * x, axis=1, keepdims=True)
        lifted: Array = np.concatenate([-2.0 * x, norms, np.ones_like(norms)], axis=1) * self._scale
        return lifted

    def columns(self, y: Array) -> Array:
        """Return what rows of have to be handed to `between` for rows of y."""
        if self._exact:
            return y
        y = y - self.centre
        norms = np.sum(y * y, axis=1, keepdims=True)
        # Transposed, a tile of these is read in one piece: half the time of the product.
        return np.asfortranarray(np.concatenate([y, np.ones_like(norms), norms], axis=1))

    def between(self, rows: Array, columns: Array, out: Array | None = None) -> Array:
        """Return the matrix for some of `rows(x)` and of `columns(y)`, not negative.

        On NumPy it is in `out`, if that is given, and the caller's to overwrite.
        """
        if namespace_of(rows, columns) is not np:
            return _differences_jax(rows, columns, self._scale)
        if self._exact:
            return _differences(rows, columns, self._scale, out)
        product: Array = np.matmul(rows, columns.T, out=out)
        if self._snap:
            eps = float(np.finfo(product.dtype).eps)
            product[product <= 4.0 * (rows.shape[1] + 2) * eps * rows[:, -2:-1]] = 0.0
        # What rounding made negative is as far from 0 as before; a maximum takes four times this.
        np.abs(product, out=product)
        return product

    def matrix(self, x: Array, y: Array) -> Array:
        """Return all of it, of shape (n, m); exactly symmetric, 0 on its diagonal, if `x is y`."""
        if not self._exact and x is y:
            return _product_with_itself(x - self.centre, self._scale, self._snap)
        return self.between(self.rows(x), self.columns(y))


def _squared_norms(x: Array) -> Array:
    norms: Array = np.einsum("ij,ij->i", x, x)
    return norms


def _product_with_itself(x: Array, scale: float, snap: bool) -> Array:
    """Return `scale |x_i - x_j|^2`, symmetric since each of its terms is."""
    squares = inner_products(*[np.sqrt(2.0 * scale).astype(x.dtype) * x] * 2)
    norms = squares.diagonal() / 2.0
    noise = 2.0 * (x.shape[1] + 4) * float(np.finfo(squares.dtype).eps)
    for rows in block_slices(len(x), len(x), squares.itemsize, _BLOCK_BYTES):
        sums = norms[rows, None] + norms
        np.maximum(sums - squares[rows], 0.0, out=squares[rows])
        if snap:
            squares[rows][squares[rows] <= noise * sums] = 0.0
    return squares


def inner_products(x: Array, y: Array) -> Array:
    """Return the matrix of `<x_i, y_j>`, exactly symmetric where `x is y`."""
    xp = namespace_of(x, y)
    if x is not y:
        product: Array = x @ y.T
        return product
    if xp is np:
        x = np.ascontiguousarray(x)  # the product is then one triangle, mirrored
    gram: Array = x @ x.T
    return gram if xp is np else (gram + gram.T) / 2


def _differences(x: Array, y: Array, scale: float, out: Array | None) -> Array:
    """Return `scale |x_i - y_j|^2` from differences of coordinates, at most a huge number.

    Correct to rounding of each entry, however far apart the other points are.
    """
    dtype = np.result_type(x, y)
    squares = cdist(x, y, out=out if dtype == np.float64 else None)
    squares *= np.sqrt(scale)
    # Not infinite: a profile may multiply it by what has become 0.
    np.minimum(squares, np.finfo(dtype).max ** 0.25, out=squares)
    result: Array = np.square(squares, out=squares).astype(dtype, copy=False)
    return result


def _differences_jax(x: Array, y: Array, scale: float) -> Array:
    """Return the same on JAX, one coordinate after the other: no n x m x d array, nor its tape."""
    import jax
    from jax import numpy as jnp

    dtype = jnp.result_type(x, y)
    root = jnp.sqrt(jnp.asarray(scale, dtype=dtype))
    x, y = x * root, y * root

    def add(total: Array, column: tuple[Array, Array]) -> tuple[Array, None]:
        return total + jnp.square(column[0][:, None] - column[1]), None

    squares = jnp.zeros((x.shape[0], y.shape[0]), dtype=dtype)
    if x.shape[1] <= _UNROLLED:
        for column in zip(x.T, y.T, strict=True):
            squares, _ = add(squares, column)
    else:
        squares, _ = jax.lax.scan(jax.checkpoint(add), squares, (x.T, y.T))
    result: Array = jnp.minimum(squares, float(np.sqrt(np.finfo(dtype).max)))
    return result


def _median_jax(y: Array) -> Array:
    """Return the median of each coordinate, a constant where a derivative is taken."""
    import jax
    from jax import numpy as jnp

    centre: Array = jnp.median(jax.lax.stop_gradient(y), axis=0, keepdims=True)
    return centre
