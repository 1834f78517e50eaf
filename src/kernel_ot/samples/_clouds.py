"""One sample with its masses, read block by block from wherever it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from mmap import mmap
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.lib.array_utils import byte_bounds
from numpy.typing import ArrayLike

from kernel_ot._arrays import Array, as_numbers, check_points, counted


class Sliceable(Protocol):
    """An array, a memory map, or an open data set of a file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first."""

    @property
    def dtype(self) -> np.dtype:
        """Type of its entries."""

    def __getitem__(self, rows: Array | slice) -> Array:
        """Return those rows."""


Blocks: TypeAlias = Iterable[ArrayLike] | Callable[[], Iterable[ArrayLike]]
"""Blocks of rows, or a function that starts them anew."""

Points: TypeAlias = ArrayLike | Sliceable | str | Path | Blocks
"""What a user may call a sample: an array, table or nested list, a file, or blocks."""

Masses: TypeAlias = ArrayLike | Sliceable | str | Path | Blocks
"""Its masses: the same in one dimension."""

Images: TypeAlias = Any  # NumPy's, JAX's, a frame, Dask's: `set_output` decides when it runs
"""What a map makes of points, in the container that they came in or that was asked for."""

Ask: TypeAlias = Callable[[], None]
"""Called between blocks, and at least once a second while a cluster works; what it raises ends the
pass.
"""


class OutOfTime(TimeoutError):  # noqa: N818 - it says what it is
    """A pass over a sample was left since its time was over."""


def never_late() -> None:
    """Ask nobody."""


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
    ask : callable
        See `Ask`.
    """

    name: str
    n: int
    dimension: int
    ask: Ask

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

    def draw_anew(self, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Return random points that do not depend on what was drawn before."""
        return self.draw(count, rng)


class Place(Protocol):
    """Where rows that were read together are in their sample."""

    def of(self, row: int) -> tuple[int, int, int]:
        """Return a row's block, its number there, and its number in the sample."""


@dataclass(frozen=True)
class InBlock:
    """Rows of one block."""

    number: int
    first_row: int

    def of(self, row: int) -> tuple[int, int, int]:
        """Return a row's block, its number there, and its number in the sample."""
        return self.number, row, self.first_row + row

    def __str__(self) -> str:
        return f"block {self.number}"


@dataclass(frozen=True, eq=False)
class DrawnRows:
    """Rows that were drawn, of blocks that start at these rows."""

    rows: Array
    starts: Array

    def of(self, row: int) -> tuple[int, int, int]:
        """Return a row's block, its number there, and its number in the sample."""
        of_all = int(self.rows[row])
        number = int(np.searchsorted(self.starts, of_all, side="right")) - 1
        return number, of_all - int(self.starts[number]), of_all

    def __str__(self) -> str:
        return "a part"


def check_block(
    points: ArrayLike,
    masses: ArrayLike | None,
    name: str,
    *,
    place: Place,
    dimension: int | None,
) -> tuple[Array, Array]:
    """Return a block's points and masses, or raise ValueError that names block and row.

    Examples
    --------
    >>> check_block([[1.0], [float("nan")]], None, "x", place=InBlock(17, 100), dimension=1)
    Traceback (most recent call last):
    ...
    ValueError: x contains nan in block 17, row 1 (row 101 of all, column 0); remove or impute
    those rows.
    """
    where = f"{place} of {name}"
    array = as_numbers(points, where)
    if array.ndim != 2:
        raise ValueError(f"{where} has shape {array.shape}; a block is 2-D, one point a row.")
    if dimension is not None and array.shape[1] != dimension:
        raise ValueError(
            f"{where} has {counted(array.shape[1], 'column')} and {dimension} are needed; all "
            "blocks, both samples and new points must have the same features."
        )
    if not len(array):
        return array, np.ones(0)
    finite = np.isfinite(array)
    if not finite.all():
        row, column = (int(i) for i in np.argwhere(~finite)[0])
        number, in_block, of_all = place.of(row)
        raise ValueError(
            f"{name} contains {array[row, column]} in block {number}, row {in_block} (row "
            f"{of_all} of all, column {column}); remove or impute those rows."
        )
    array = check_points(array, where)
    if masses is None:
        return array, np.ones(len(array))
    weights = as_numbers(masses, f"weights of {where}").astype(np.float64)
    if weights.shape != (len(array),):
        raise ValueError(
            f"weights of {where} have shape {weights.shape}; they must be ({len(array)},), one a "
            "point."
        )
    wrong = np.flatnonzero(~(weights >= 0) | ~np.isfinite(weights))
    if wrong.size:
        number, in_block, of_all = place.of(int(wrong[0]))
        raise ValueError(
            f"weights_{name} contains {weights[wrong[0]]} in block {number}, row {in_block} (row "
            f"{of_all} of all); masses are finite and not negative."
        )
    return array, weights


class ArrayCloud(Cloud):
    """An array, a memory map, or what can be sliced like one, such as an open file's data set."""

    def __init__(
        self,
        points: Sliceable,
        weights: Sliceable | None,
        name: str,
        ask: Ask = never_late,
    ) -> None:
        self.name, self.ask = name, ask
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
        for number, start in enumerate(range(0, self.n, self._block_rows)):
            self.ask()
            rows = slice(start, min(self.n, start + self._block_rows))
            yield function(*self._checked(rows, InBlock(number, start)))

    def take(self, rows: Array) -> tuple[Array, Array]:
        """Return the points at sorted indices, as float64, and their masses."""
        self.ask()
        # Data sets of files take sorted lists only, and slowly if they are long.
        chosen = slice(None) if len(rows) == self.n else rows
        points, masses = self._checked(
            chosen, DrawnRows(rows, np.arange(0, self.n, self._block_rows))
        )
        return np.array(points, dtype=np.float64), masses

    def _checked(self, rows: Array | slice, place: Place) -> tuple[Array, Array]:
        masses = (
            None
            if self._weights is None
            else read_rows(self._weights, rows, f"weights_{self.name}")
        )
        points = read_rows(self._points, rows, self.name)
        return check_block(points, masses, self.name, place=place, dimension=self.dimension)


def read_rows(array: Sliceable, rows: Array | slice, name: str) -> Array:
    """Return rows of what may be in a file.

    Raises
    ------
    ValueError
        The file has become shorter than what was opened, which for a memory map would end the
        process, or cannot be read; says what it holds.
    """
    _check_file_is_whole(array, name)
    try:
        return array[rows]
    except (OSError, RuntimeError) as error:  # of a codec, too
        raise ValueError(
            f"{name} cannot be read from its file ({error}): it was cut short or damaged since it "
            "was opened; write it again."
        ) from error


def _check_file_is_whole(array: object, name: str) -> None:
    if not isinstance(array, np.ndarray):
        return
    root = array
    while isinstance(root.base, np.ndarray):
        root = root.base  # a view of a memory map is read from the same file
    file: object = root.base
    if not isinstance(root, np.memmap) or not isinstance(file, mmap):
        return
    needed = root.offset + byte_bounds(array)[1] - byte_bounds(root)[0]
    there = file.size()
    if there < needed:
        raise ValueError(
            f"{root.filename}, which holds {name}, has {there} bytes and needs {needed}: it was "
            "cut short since it was opened; write it again."
        )
