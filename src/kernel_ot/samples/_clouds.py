"""One sample with its masses, read block by block from wherever it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from kernel_ot._arrays import Array, check_points


class Sliceable(Protocol):
    """An array, a memory map, or an open data set of a file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first."""

    def __getitem__(self, rows: Array | slice) -> Array:
        """Return those rows."""


Blocks: TypeAlias = Iterable[ArrayLike] | Callable[[], Iterable[ArrayLike]]
"""Blocks of rows, or a function that starts them anew."""

Points: TypeAlias = ArrayLike | Sliceable | str | Path | Blocks
"""What a user may call a sample: an array, table or nested list, a file, or blocks."""

Masses: TypeAlias = ArrayLike | Sliceable | str | Path | Blocks
"""Its masses: the same in one dimension."""

_Result = TypeVar("_Result")
# Large enough that a pass is not all overhead, small enough to be many in memory.
_BLOCK_BYTES = 8 * 2**20


class Cloud(ABC):
    """Points of one sample and their masses, of which only blocks are ever in memory.

    Attributes
    ----------
    name : str
        Of the argument, in messages.
    n : int
        Number of points.
    dimension : int
    """

    name: str
    n: int
    dimension: int

    @abstractmethod
    def map_blocks(self, function: Callable[[Array, Array], _Result]) -> Iterator[_Result]:
        """Yield `function(points, masses)` of every block in order.

        Blocks are finite and float32 or float64; masses are as the user gave them, ones where there
        are none.

        Raises
        ------
        ValueError
            A block that cannot be used; names the block and the row.
        """

    @abstractmethod
    def take(self, rows: Array) -> tuple[Array, Array]:
        """Return the points at sorted indices, as float64, and their masses."""

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Return `count` random points without repetition, or all, and their masses."""
        if count >= self.n:
            return self.take(np.arange(self.n))
        return self.take(np.sort(rng.choice(self.n, count, replace=False)))


def check_block(
    points: ArrayLike,
    masses: ArrayLike | None,
    name: str,
    *,
    number: int,
    first_row: int,
    dimension: int | None,
) -> tuple[Array, Array]:
    """Return a block's points and masses, or raise ValueError that names block and row.

    Examples
    --------
    >>> check_block([[1.0], [float("nan")]], None, "x", number=17, first_row=100, dimension=1)
    Traceback (most recent call last):
    ...
    ValueError: x contains nan in block 17, row 1 (row 101 of all, column 0); remove or impute
    those rows.
    """
    where = f"block {number} of {name}"
    array = np.asarray(points)
    if array.ndim != 2:
        raise ValueError(f"{where} has shape {array.shape}; a block is 2-D, one point a row.")
    if dimension is not None and array.shape[1] != dimension:
        raise ValueError(
            f"{where} has {array.shape[1]} columns where the blocks before have {dimension}; all "
            "blocks must have the same features."
        )
    if array.size and array.dtype.kind == "f":
        finite = np.isfinite(array)
        if not finite.all():
            row, column = (int(i) for i in np.argwhere(~finite)[0])
            raise ValueError(
                f"{name} contains {array[row, column]} in block {number}, row {row} (row "
                f"{first_row + row} of all, column {column}); remove or impute those rows."
            )
    array = check_points(array, where)
    if masses is None:
        return array, np.ones(len(array))
    weights = np.asarray(masses, dtype=np.float64)
    if weights.shape != (len(array),):
        raise ValueError(
            f"weights of {where} have shape {weights.shape}; they must be ({len(array)},), one a "
            "point."
        )
    wrong = np.flatnonzero(~(weights >= 0) | ~np.isfinite(weights))
    if wrong.size:
        raise ValueError(
            f"weights of {where} contain {weights[wrong[0]]} in row {wrong[0]} (row "
            f"{first_row + wrong[0]} of all); masses are finite and not negative."
        )
    return array, weights


class ArrayCloud(Cloud):
    """An array, a memory map, or what can be sliced like one, such as an open file's data set."""

    def __init__(self, points: Sliceable, weights: Sliceable | None, name: str) -> None:
        self.name = name
        self._points, self._weights = points, weights
        shape = tuple(points.shape)
        if len(shape) != 2:
            raise ValueError(f"{name} has shape {shape}; it must be 2-D, one point a row.")
        if 0 in shape:
            raise ValueError(f"{name} is empty (shape {shape}); pass at least two points.")
        self.n, self.dimension = (int(size) for size in shape)
        if weights is not None and tuple(weights.shape) != (self.n,):
            raise ValueError(
                f"weights_{name} has shape {tuple(weights.shape)}; it must be ({self.n},), one a "
                "point."
            )
        self._block_rows = max(1, _BLOCK_BYTES // (8 * self.dimension))

    def map_blocks(self, function: Callable[[Array, Array], _Result]) -> Iterator[_Result]:
        """Yield `function(points, masses)` of every block in order."""
        for array in (self._points, self._weights):
            check_file_is_whole(array, self.name)
        for number, start in enumerate(range(0, self.n, self._block_rows)):
            rows = slice(start, min(self.n, start + self._block_rows))
            yield function(*self._checked(rows, number, start))

    def take(self, rows: Array) -> tuple[Array, Array]:
        """Return the points at sorted indices, as float64, and their masses."""
        for array in (self._points, self._weights):
            check_file_is_whole(array, self.name)
        # Data sets of files take sorted lists only, and slowly if they are long.
        chosen = slice(None) if len(rows) == self.n else rows
        points, masses = self._checked(chosen, 0, 0)
        return np.array(points, dtype=np.float64), masses

    def _checked(self, rows: Array | slice, number: int, first_row: int) -> tuple[Array, Array]:
        masses = None if self._weights is None else self._weights[rows]
        return check_block(
            self._points[rows],
            masses,
            self.name,
            number=number,
            first_row=first_row,
            dimension=self.dimension,
        )


def check_file_is_whole(array: object, name: str) -> None:
    """Raise ValueError if a memory map's file has become shorter than the map: reading would end
    the process.
    """  # noqa: D205
    if not isinstance(array, np.memmap) or array.filename is None:
        return
    path = Path(str(array.filename))
    needed = array.offset + array.nbytes
    there = path.stat().st_size if path.exists() else 0
    if there < needed:
        raise ValueError(
            f"{path}, which holds {name}, has {there} bytes and needs {needed}: it was cut short "
            "or replaced since it was opened; write it again."
        )
