"""Samples that come as blocks: any iterable of them, and Dask arrays."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot.samples._clouds import Blocks, Cloud, check_block

if TYPE_CHECKING:
    from dask.array import Array as DaskArray
    from dask.delayed import Delayed

_Result = TypeVar("_Result")


class BlockCloud(Cloud):
    """Any iterable of blocks (k, d) that can be started anew; read once to count its points.

    While it counts, it keeps a random part: each row has a random key, and the smallest keys stay.
    """

    def __init__(
        self,
        blocks: Blocks,
        weights: Blocks | None,
        name: str,
        *,
        keep: int,
        rng: np.random.Generator,
    ) -> None:
        self.name = name
        self._blocks, self._weights = blocks, weights
        self._check_restartable()
        self.n, self.dimension = -1, 0
        kept: list[Array] = []
        n = 0
        for points, masses in self.map_blocks(lambda points, masses: (points, masses)):
            keys = rng.random(len(points))
            rows = np.column_stack([keys, n + np.arange(len(points)), masses, points])
            n += len(points)
            kept.append(rows)
            if sum(map(len, kept)) > 2 * keep:
                kept = [_smallest(np.concatenate(kept), keep)]
        if not n:
            raise ValueError(f"{name} gives no points; it must give blocks of at least two.")
        rows = _smallest(np.concatenate(kept), keep)
        self._kept = rows[np.argsort(rows[:, 1])]
        self.n, self.dimension = n, rows.shape[1] - 3

    def map_blocks(self, function: Callable[[Array, Array], _Result]) -> Iterator[_Result]:
        """Yield `function(points, masses)` of every block in order."""
        first_row, dimension = 0, self.dimension or None
        masses: Blocks | repeat[None] = repeat(None) if self._weights is None else self._weights
        given = iter(masses() if callable(masses) else masses)
        blocks = self._blocks() if callable(self._blocks) else self._blocks
        for number, block in enumerate(blocks):
            try:
                weights = next(given)
            except StopIteration:
                raise ValueError(
                    f"weights_{self.name} ends after {number} blocks, {self.name} goes on; both "
                    "must have the same blocks."
                ) from None
            points, weights = check_block(
                block,
                weights,
                self.name,
                number=number,
                first_row=first_row,
                dimension=dimension,
            )
            dimension = points.shape[1]
            first_row += len(points)
            yield function(points, weights)
        if self.n >= 0 and first_row != self.n:
            raise ValueError(
                f"{self.name} gave {self.n} points when it was first read and {first_row} now; its "
                "blocks must be the same each time. An iterator that is used up gives none."
            )

    def take(self, rows: Array) -> tuple[Array, Array]:
        """Return kept points; `draw` is what this class can do."""
        chosen = self._kept[rows]
        return chosen[:, 3:], chosen[:, 2]

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Return `count` of the points that were kept, or all of them, and their masses."""
        if count >= len(self._kept):
            return self.take(np.arange(len(self._kept)))
        return self.take(np.sort(rng.choice(len(self._kept), count, replace=False)))

    def _check_restartable(self) -> None:
        for value, name in ((self._blocks, self.name), (self._weights, f"weights_{self.name}")):
            if value is not None and not callable(value) and iter(value) is value:
                raise ValueError(
                    f"{name} is an iterator, which is used up after one pass, and a fit makes "
                    "several; pass a list of blocks, or a function without arguments that returns "
                    "the iterator."
                )


def _smallest(rows: Array, count: int) -> Array:
    """Return the rows with the smallest keys in the first column."""
    if len(rows) <= count:
        return rows
    return np.asarray(rows[np.argpartition(rows[:, 0], count)[:count]])


class DaskCloud(Cloud):
    """A Dask array; its blocks are computed where Dask's scheduler says, a cluster included."""

    # Blocks whose results may be under way at once: bounds the memory of the one who collects.
    _AT_ONCE = 64

    def __init__(self, points: DaskArray, weights: DaskArray | None, name: str) -> None:
        self.name = name
        if points.ndim != 2:
            raise ValueError(
                f"{name} has {points.ndim} dimensions; it must be 2-D, one point a row."
            )
        for array, label in ((points, name), (weights, f"weights_{name}")):
            if array is not None and any(np.isnan(size) for size in array.shape):
                raise ValueError(
                    f"{label} is a Dask array with unknown chunk sizes; call "
                    f"{label}.compute_chunk_sizes() first."
                )
        self.n, self.dimension = (int(size) for size in points.shape)
        if 0 in points.shape:
            raise ValueError(f"{name} is empty (shape {points.shape}); pass at least two points.")
        self._points = points.rechunk({1: -1})
        if weights is not None:
            import dask.array as da

            if tuple(weights.shape) != (self.n,):
                raise ValueError(
                    f"weights_{name} has shape {tuple(weights.shape)}; it must be ({self.n},), one "
                    "a point."
                )
            weights = da.asarray(weights).rechunk((self._points.chunks[0],))
        self._weights = weights

    def map_blocks(self, function: Callable[[Array, Array], _Result]) -> Iterator[_Result]:
        """Yield `function(points, masses)` of every block in order, computed on Dask."""
        import dask

        blocks = self._points.to_delayed()[:, 0]
        masses = repeat(None) if self._weights is None else self._weights.to_delayed()
        task = dask.delayed(_on_block)
        starts = np.concatenate([[0], np.cumsum(self._points.chunks[0])[:-1]])
        tasks = [
            task(function, block, weights, self.name, number, int(start), self.dimension)
            for number, (block, weights, start) in enumerate(
                zip(blocks, masses, starts, strict=False)
            )
        ]
        for first in range(0, len(tasks), self._AT_ONCE):
            yield from computed(tasks[first : first + self._AT_ONCE], f"a pass over {self.name}")

    def take(self, rows: Array) -> tuple[Array, Array]:
        """Return the points at sorted indices, as float64, and their masses."""
        parts = [self._points[rows]]
        if self._weights is not None:
            parts.append(self._weights[rows])
        found = computed(parts, f"a draw from {self.name}")
        points, masses = check_block(
            found[0],
            found[1] if len(found) > 1 else None,
            self.name,
            number=0,
            first_row=0,
            dimension=self.dimension,
        )
        return np.array(points, dtype=np.float64), masses


def _on_block(
    function: Callable[[Array, Array], _Result],
    block: Array,
    masses: Array | None,
    name: str,
    number: int,
    first_row: int,
    dimension: int,
) -> _Result:
    """Run on a worker: check a block and hand it to the function."""
    points, weights = check_block(
        block, masses, name, number=number, first_row=first_row, dimension=dimension
    )
    return function(points, weights)


def cluster_is_there() -> bool:
    """Return whether a Dask client is connected; inside of a task, which must not wait, False."""
    distributed: Any = sys.modules.get("distributed")
    if distributed is None:
        return False
    try:
        distributed.get_worker()
    except ValueError:
        pass
    else:
        return False
    try:
        distributed.default_client()
    except ValueError:
        return False
    return True


def computed(tasks: list[Delayed], purpose: str) -> tuple[Any, ...]:
    """Return the results of Dask tasks; a cluster that is gone is a RuntimeError that says so."""
    import dask

    try:
        results: tuple[Any, ...] = dask.compute(*tasks)
    except Exception as error:
        of_cluster = type(error).__module__.split(".")[0] == "distributed"
        # What was persisted on a cluster that is gone is missing for the scheduler that is left.
        lost = isinstance(error, OSError | TimeoutError) or "Missing dependency" in str(error)
        if of_cluster or lost:
            raise RuntimeError(
                f"The Dask cluster went away during {purpose} ({type(error).__name__}: {error}). "
                "Nothing was fitted; start the cluster anew and fit again."
            ) from error
        raise
    return results
