"""Contract a kernel with weights tile by tile, so that no large temporary is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from kernel_ot._arrays import Array, as_numbers, block_slices, counted, namespace_of, rows_per_block

# A tile stays in the second cache: products of matrices with few columns take half the time that
# they take with tiles of 2 MiB, and what is done once a tile costs next to nothing.
TILE_BYTES = 2**19
_TILE_COLUMNS = 512
# On JAX a tile is compiled once and its temporaries are fused, so what bounds it is memory.
_JAX_TILE_BYTES = 256 * 2**20
Tile: TypeAlias = Callable[[Array, Array, Array, Array | None], Array]


def as_pair(x: object, y: object) -> tuple[Array, Array]:
    """Return `x` and `y` as 2-D floating-point arrays of one library, or say what is wrong.

    Masks, dates and the like are refused; that numbers are finite is checked once, where a user's
    data enter. One array for both stays one array, so that kernels know a Gram matrix.
    """
    xp, same = namespace_of(x, y), x is y
    arrays: list[Array] = []
    for value, name in ((x, "x"), (y, "y"))[: 1 if same else 2]:
        array = xp.asarray(as_numbers(value, name))
        if array.ndim != 2:
            raise ValueError(
                f"{name} has shape {tuple(array.shape)}; a kernel takes points as rows of a 2-D "
                f"array, {name}.reshape(-1, 1) for points on a line."
            )
        arrays.append(array)
    first, second = arrays * 2 if same else arrays
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"x has {counted(first.shape[1], 'column')} and y has {second.shape[1]}; a kernel "
            "compares points of the same dimension."
        )
    return first, second


def as_weights(weights: object, x: Array, y: Array, *, one_column: bool) -> Array:
    """Return `weights` as a floating-point array of shape (m,), or (m, k) unless `one_column`."""
    xp = namespace_of(x, y, weights)
    array = xp.asarray(as_numbers(weights, "weights"))
    allowed = (1,) if one_column else (1, 2)
    if array.ndim not in allowed or array.shape[0] != y.shape[0]:
        shapes = f"({y.shape[0]},)" if one_column else f"({y.shape[0]},) or ({y.shape[0]}, k)"
        raise ValueError(
            f"weights has shape {tuple(array.shape)}; it must be {shapes}, one row for each of "
            f"the {counted(y.shape[0], 'point')} in y."
        )
    # The points decide the precision: float32 points with float64 weights stay float32.
    cast: Array = xp.asarray(array, dtype=xp.result_type(x, y))
    return cast


def contract(tile: Tile, x: Array, y: Array, weights: Array) -> Array:
    """Return the sum over tiles of columns of `tile(x_rows, y_columns, weights_columns, out)`.

    Parameters
    ----------
    tile : callable
        Takes rows of `x`, rows of `y` and the rows of `weights` that go with them; returns one
        row for each row of its first argument, linear in its third. The fourth is an array for
        the tile's matrix, or None.
    x, y : arrays with n and m rows
    weights : array of shape (m,) or (m, k)

    Returns
    -------
    array with n rows
    """
    if namespace_of(x, y) is not np:
        return _contract_jax(tile, x, y, weights)
    columns = list(block_slices(y.shape[0], 1, 1, _TILE_COLUMNS))
    n_columns = min(y.shape[0], _TILE_COLUMNS)
    itemsize = int(x.dtype.itemsize)
    # One array for all tiles: a fresh one for each is given back to the system and fetched again,
    # which took four fifths of the time.
    n_rows = min(x.shape[0], rows_per_block(n_columns, itemsize, TILE_BYTES))
    space = np.empty(n_rows * n_columns, dtype=np.result_type(x, y))
    blocks = []
    for rows in block_slices(x.shape[0], n_columns, itemsize, TILE_BYTES):
        total: Array | float = 0.0
        for part in columns:
            shape = rows.stop - rows.start, part.stop - part.start
            out = space[: shape[0] * shape[1]].reshape(shape)
            total = total + tile(x[rows], y[part], weights[part], out)
        blocks.append(np.asarray(total))
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=0)


def _contract_jax(tile: Tile, x: Array, y: Array, weights: Array) -> Array:
    """Return the same sum with tiles of rows in a compiled loop, the last one filled up."""
    rows = rows_per_block(y.shape[0], int(x.dtype.itemsize), _JAX_TILE_BYTES)
    n_points, dimension = x.shape
    if n_points <= rows:
        return tile(x, y, weights, None)
    import jax
    from jax import numpy as jnp

    filled = jnp.pad(x, ((0, -n_points % rows), (0, 0))).reshape(-1, rows, dimension)
    blocks = jax.lax.map(lambda block: tile(block, y, weights, None), filled)
    result: Array = blocks.reshape(-1, *blocks.shape[2:])[:n_points]
    return result
