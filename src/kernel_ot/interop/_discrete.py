r"""The c-transform of values at points: how discrete dual variables become a function."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernel_ot._arrays import Array, block_slices, check_points, namespace_of, pytree


@pytree()
@dataclass(frozen=True, eq=False)
class DiscreteCTransform:
    r"""The function :math:`u(x) = \min_j |x - y_j|^2 / 2 - v_j`, a `PotentialFunction`.

    It is c-concave, and the largest u with :math:`u(x) + v_j \le c(x, y_j)` for all x and j. Its
    gradient is :math:`x - y_{j(x)}` with the minimising j, so the map takes every x to a
    point of the other sample (Peyre and Cuturi, Computational Optimal Transport, 2019, section
    5.1).

    Parameters
    ----------
    points : array of shape (m, d)
        :math:`y_j`. Not copied and never written to.
    values : array of shape (m,)
        :math:`v_j`, for the cost `|x - y|^2 / 2`.

    Raises
    ------
    ValueError
        Points or values that are not finite, or of shapes that do not fit.

    Examples
    --------
    >>> u = DiscreteCTransform([[0.0], [4.0]], [0.0, 0.0])
    >>> u([[1.0], [3.0]]), u.gradient([[1.0], [3.0]])
    (array([0.5, 0.5]), array([[ 1.], [-1.]]))
    """

    points: Array
    values: Array

    def __post_init__(self) -> None:
        xp = namespace_of(self.points, self.values)
        points, values = check_points(self.points, "points"), xp.asarray(self.values)
        if values.shape != points.shape[:1]:
            raise ValueError(
                f"values has shape {tuple(values.shape)}; it must be ({points.shape[0]},), "
                "one a point."
            )
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "values", check_points(values[:, None], "values")[:, 0])

    def __call__(self, points: Array) -> Array:
        """Return the values at `points` (n, d), of shape (n,), in the points' precision."""
        points = self._checked(points)
        xp = namespace_of(points, self.points)
        partners = self._partners(points)
        distances = (points - xp.take(self.points, partners, axis=0)) ** 2
        values: Array = distances.sum(axis=1) / 2 - xp.take(self.values, partners)
        return values.astype(points.dtype)

    def gradient(self, points: Array) -> Array:
        """Return the gradients at `points` (n, d), of shape (n, d), in the points' precision."""
        points = self._checked(points)
        xp = namespace_of(points, self.points)
        gradients: Array = points - xp.take(self.points, self._partners(points), axis=0)
        return gradients.astype(points.dtype)

    def _partners(self, points: Array) -> Array:
        """Return for each point the j at which the minimum is attained, of shape (n,)."""
        xp = namespace_of(points, self.points)
        # Squares about the sample's mean: a large common offset would swallow their differences.
        centre = self.points.mean(axis=0)
        others = self.points - centre
        offsets = xp.sum(others * others, axis=1) / 2 - self.values
        partners = [
            xp.argmin(offsets - (points[rows] - centre) @ others.T, axis=1)
            for rows in block_slices(points.shape[0], self.points.shape[0])
        ]
        joined: Array = xp.concatenate(partners)
        return joined

    def _checked(self, points: Array) -> Array:
        if namespace_of(points) is np:
            return check_points(points, "points", dimension=self.points.shape[1])
        array: Array = points
        return array
