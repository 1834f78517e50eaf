"""Cut rows into blocks so that no temporary array outgrows a stated size."""

from __future__ import annotations

from collections.abc import Iterator

# Small enough for a laptop's cache hierarchy to help, large enough for BLAS to be efficient.
DEFAULT_BLOCK_BYTES = 64 * 2**20


def rows_per_block(
    n_columns: int, itemsize: int = 8, block_bytes: int = DEFAULT_BLOCK_BYTES
) -> int:
    """Return how many rows of `n_columns` items fit into `block_bytes`, at least one.

    Examples
    --------
    >>> rows_per_block(1000, itemsize=8, block_bytes=80_000)
    10
    """
    return max(1, block_bytes // max(1, n_columns * itemsize))


def block_slices(
    n_rows: int,
    n_columns: int,
    itemsize: int = 8,
    block_bytes: int = DEFAULT_BLOCK_BYTES,
) -> Iterator[slice]:
    """Yield slices that cover `range(n_rows)` in order, each at most `block_bytes` large.

    Examples
    --------
    >>> list(block_slices(5, 1000, itemsize=8, block_bytes=16_000))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    step = rows_per_block(n_columns, itemsize, block_bytes)
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))
