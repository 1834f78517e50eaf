"""Samples that come as blocks: any iterable of them, and Dask arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike

from kernel_ot._arrays import Array, counted, require_memory
from kernel_ot.samples._clouds import (
    Ask,
    Blocks,
    Cloud,
    DrawnRows,
    InBlock,
    check_block,
    never_late,
)
from kernel_ot.samples._cluster import computed, in_order

if TYPE_CHECKING:
    from dask.array import Array as DaskArray

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
        ask: Ask = never_late,
    ) -> None:
        self.name, self.ask = name, ask
        self._blocks, self._weights = blocks, weights
        self._check_restartable()
        self.n, self.dimension = -1, 0
        rows, n = self._read(keep, rng)
        if not n:
            raise ValueError(f"{name} gives no points; it must give blocks of at least two.")
        self._kept = rows
        self.n, self.dimension = n, rows.shape[1] - 3

    def _read(self, keep: int, rng: np.random.Generator) -> tuple[Array, int]:
        """Return `keep` random rows, behind keys, numbers and masses, and the count of all."""
        kept: list[Array] = []
        n = 0
        for points, masses in self.map_blocks(lambda points, masses: (points, masses)):
            keys = rng.random(len(points))
            rows = np.column_stack([keys, n + np.arange(len(points)), masses, points])
            n += len(points)
            kept.append(rows)
            held = sum(map(len, kept))
            require_memory(
                # So much again where they are put together.
                8.0 * held * rows.shape[1],
                purpose=f"{held} points that were drawn from the {n} of {self.name} so far",
                remedy="Give fewer features.",
            )
            if held > 2 * keep:
                kept = [_smallest(np.concatenate(kept), keep)]
        if not n:
            return np.empty((0, 0)), 0
        rows = _smallest(np.concatenate(kept), keep)
        return rows[np.argsort(rows[:, 1])], n

    def map_blocks(self, function: Callable[[Array, Array], _Result]) -> Iterator[_Result]:
        """Yield `function(points, masses)` of every block in order."""
        first_row, dimension = 0, self.dimension or None
        given: Iterator[ArrayLike | None] = repeat(None)
        if self._weights is not None:
            given = _begun(self._weights, self.name, 1)
        number, nothing_left = -1, object()
        for number, block in enumerate(_begun(self._blocks, self.name, 2)):
            self.ask()
            weights: object = next(given, nothing_left)
            if weights is nothing_left:
                raise ValueError(
                    f"weights_{self.name} ends after {number} blocks, {self.name} goes on; both "
                    "must have the same blocks."
                )
            points, masses = check_block(
                block,
                cast("ArrayLike | None", weights),
                self.name,
                place=InBlock(number, first_row),
                dimension=dimension,
            )
            dimension = points.shape[1]
            first_row += len(points)
            if len(points):
                yield function(points, masses)
        if self._weights is not None and next(given, nothing_left) is not nothing_left:
            raise ValueError(
                f"{self.name} ends after {number + 1} blocks, weights_{self.name} goes on; both "
                "must have the same blocks."
            )
        if self.n >= 0 and first_row != self.n:
            raise ValueError(
                f"{self.name} gave {counted(self.n, 'point')} when it was first read and "
                f"{first_row} now; its blocks must be the same each time. An iterator that is "
                "used up gives none."
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

    def draw_anew(self, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Return `count` random points of all, read again where not all were kept."""
        if self.n <= len(self._kept):
            return self.draw(count, rng)
        rows, _ = self._read(count, rng)
        return rows[:, 3:], rows[:, 2]

    def _check_restartable(self) -> None:
        for value, name in ((self._blocks, self.name), (self._weights, f"weights_{self.name}")):
            if value is not None and not callable(value) and iter(value) is value:
                raise ValueError(
                    f"{name} is an iterator, which is used up after one pass, and a fit makes "
                    "several; pass a list of blocks, or a function without arguments that returns "
                    "the iterator."
                )


def _begun(blocks: Blocks, name: str, n_dimensions: int) -> Iterator[ArrayLike]:
    """Start blocks anew."""
    given = blocks() if callable(blocks) else blocks
    if hasattr(given, "shape") or not isinstance(given, Iterable):
        label = name if n_dimensions > 1 else f"weights_{name}"
        raise ValueError(
            f"{label} is a function that returned {type(given).__name__}; it must return an "
            f"iterable of {n_dimensions}-D blocks."
        )
    return iter(given)


def _smallest(rows: Array, count: int) -> Array:
    """Return the rows with the smallest keys in the first column."""
    if len(rows) <= count:
        return rows
    return np.asarray(rows[np.argpartition(rows[:, 0], count)[:count]])


class DaskCloud(Cloud):
    """A Dask array; its blocks are computed where Dask's scheduler says, a cluster included."""

    def __init__(
        self, points: DaskArray, weights: DaskArray | None, name: str, ask: Ask = never_late
    ) -> None:
        self.name, self.ask = name, ask
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
        places = [InBlock(number, int(start)) for number, start in enumerate(self._starts())]
        tasks = [
            task(function, block, weights, self.name, place, self.dimension)
            for block, weights, place, rows in zip(
                blocks, masses, places, self._points.chunks[0], strict=False
            )
            if rows
        ]
        yield from in_order(tasks, f"a pass over {self.name}", self.ask)

    def take(self, rows: Array) -> tuple[Array, Array]:
        """Return the points at sorted indices, as float64, and their masses."""
        parts = [self._points[rows]]
        if self._weights is not None:
            parts.append(self._weights[rows])
        found = computed(parts, f"a draw from {self.name}", self.ask)
        points, masses = check_block(
            found[0],
            found[1] if len(found) > 1 else None,
            self.name,
            place=DrawnRows(rows, self._starts()),
            dimension=self.dimension,
        )
        return np.array(points, dtype=np.float64), masses

    def _starts(self) -> Array:
        return np.concatenate([[0], np.cumsum(self._points.chunks[0])[:-1]])


def _on_block(
    function: Callable[[Array, Array], _Result],
    block: Array,
    masses: Array | None,
    name: str,
    place: InBlock,
    dimension: int,
) -> _Result:
    """Run on a worker: check a block and hand it to the function."""
    return function(*check_block(block, masses, name, place=place, dimension=dimension))
