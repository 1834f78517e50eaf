"""A sample without the rows that lie far outside of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot.samples._clouds import Cloud
from kernel_ot.samples._outliers import Reach

_Result = TypeVar("_Result")
# Rows whose quantiles say how far a sample reaches.
_LOOKED_AT = 20_000


class TrimmedCloud(Cloud):
    """A cloud whose blocks and draws leave out what lies outside of the reach of its rows.

    Attributes
    ----------
    outliers : ndarray of int
        The rows that the first pass over all blocks left out, in order; empty before it.
    """

    def __init__(self, cloud: Cloud, rng: np.random.Generator) -> None:
        self.name, self.n, self.dimension = cloud.name, cloud.n, cloud.dimension
        self.outliers = np.zeros(0, dtype=np.intp)
        self._cloud, self.ask = cloud, cloud.ask
        self._reach = Reach.of(*cloud.draw(_LOOKED_AT, rng))

    def map_blocks(self, function: Callable[[Array, Array], _Result]) -> Iterator[_Result]:
        """Yield `function(points, masses)` of what is left of every block, if anything is."""
        if self._reach is None:
            yield from self._cloud.map_blocks(function)
            return
        first_row, found = 0, []
        for part in self._cloud.map_blocks(_OnTheRest(function, self._reach)):
            found.append(first_row + part.left_out)
            first_row += part.count
            yield from part.results
        self.outliers = np.concatenate(found)
        self.n = self._cloud.n - len(self.outliers)

    def take(self, rows: Array) -> tuple[Array, Array]:
        """Return those of the points at sorted indices that are inside, and their masses."""
        return self._inside(*self._cloud.take(rows))

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Return at most `count` random points without repetition, and their masses."""
        return self._inside(*self._cloud.draw(count, rng))

    def draw_anew(self, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Return at most `count` random points that do not depend on those drawn before."""
        return self._inside(*self._cloud.draw_anew(count, rng))

    def _inside(self, points: Array, masses: Array) -> tuple[Array, Array]:
        if self._reach is None:
            return points, masses
        kept = ~self._reach.outside(points, masses)
        return points[kept], masses[kept]


@dataclass(frozen=True, eq=False)
class _Part(Generic[_Result]):
    """What came of a block: one result, or none where all its rows were left out."""

    results: tuple[_Result, ...]
    left_out: Array
    count: int


@dataclass(frozen=True, eq=False)
class _OnTheRest(Generic[_Result]):
    """The work on one block without its outlying rows, to be sent wherever the block is."""

    function: Callable[[Array, Array], _Result]
    reach: Reach

    def __call__(self, points: Array, masses: Array) -> _Part[_Result]:
        outside = self.reach.outside(points, masses)
        left_out = np.flatnonzero(outside)
        if len(left_out):
            points, masses = points[~outside], masses[~outside]
        results = (self.function(points, masses),) if len(points) else ()
        return _Part(results, left_out, len(outside))
