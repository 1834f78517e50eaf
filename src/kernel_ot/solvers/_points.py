"""Points that the loop remembers: from nothing, from a method, or left behind by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot._linalg import from_lower_triangle, lower_triangle
from kernel_ot.problem import Problem
from kernel_ot.solvers._method import AnyMethod, StartingPoint, State


class Point(Protocol):
    """A gamma, and a multiplier that is formed when it is asked for."""

    @property
    def gamma(self) -> Array:
        """Multipliers of the filling points, of shape (l,)."""

    def multiplier(self, problem: Problem) -> Array:
        """Return X, of shape (r, r)."""

    def stored(self, problem: Problem) -> Point:
        """Return the same point in as little memory as it takes."""


@dataclass(frozen=True, eq=False)
class GivenPoint:
    """A point that no method made: what is returned if not even a first state can be."""

    start: StartingPoint | None
    size: int

    @property
    def gamma(self) -> Array:
        """That of the start, or zeros."""
        return np.zeros(self.size) if self.start is None else self.start.gamma

    def multiplier(self, problem: Problem) -> Array:
        """Return that of the start, or zeros."""
        if self.start is None or self.start.multiplier is None:
            return np.zeros((problem.rank, problem.rank))
        return self.start.multiplier

    def stored(self, problem: Problem) -> Point:
        """Return itself: its arrays are the caller's."""
        return self


@dataclass(frozen=True, eq=False)
class ReachedPoint:
    """A point that a method reached: of its state what `Method.kept` leaves."""

    method: AnyMethod
    kept: State

    @property
    def gamma(self) -> Array:
        """That of the state."""
        return self.kept.gamma

    def multiplier(self, problem: Problem) -> Array:
        """Return that of the state."""
        return self.method.multiplier(problem, self.kept)

    def stored(self, problem: Problem) -> Point:
        """Return gamma and half of X."""
        return StoredPoint(self.gamma, lower_triangle(self.multiplier(problem)))


@dataclass(frozen=True, eq=False)
class StoredPoint:
    """A point that the method has left: gamma, and one triangle of X."""

    gamma: Array
    triangle: Array

    def multiplier(self, problem: Problem) -> Array:
        """Return the whole of X."""
        return from_lower_triangle(self.triangle, problem.rank)

    def stored(self, problem: Problem) -> Point:
        """Return itself."""
        return self
