"""Potentials on the line whose maps are natural cubic splines."""

from __future__ import annotations

from dataclasses import dataclass

from kernel_ot._arrays import Array, kept_type, namespace_of, pytree


@pytree()
@dataclass(frozen=True, eq=False)
class SplinePotential:
    r"""The function :math:`u(x) = x^2 / 2 - \int f` on the line, f a cubic spline.

    Its map :math:`x - u'(x)` is f, which is straight beyond the outermost knots.

    Parameters
    ----------
    knots : array of shape (k,)
        Increasing, at least one.
    pieces : array of shape (5, k + 1)
        Of each piece, from the one left of all knots to the one right of them: the integral of f at
        the knot on its left (of the first piece on its right), then the coefficients there of f in
        powers of the distance, from the constant to the cubic one.

    Examples
    --------
    One knot and the slope 2 on both sides:

    >>> import numpy as np
    >>> u = SplinePotential(np.zeros(1), np.array([[0.0, 1.0, 2.0, 0.0, 0.0]] * 2).T)
    >>> (3.0 - u.gradient(np.array([[3.0]]))).tolist()
    [[7.0]]
    """

    knots: Array
    pieces: Array

    def __repr__(self) -> str:
        return f"SplinePotential({self.knots.shape[0]} knots)"

    def __call__(self, points: Array) -> Array:
        """Return the values at `points` (n, 1), of shape (n,), in the points' precision."""
        return self.value_and_gradient(points)[0]

    def gradient(self, points: Array) -> Array:
        """Return the derivatives at `points` (n, 1), of shape (n, 1), in their precision."""
        return self.value_and_gradient(points)[1]

    def value_and_gradient(self, points: Array) -> tuple[Array, Array]:
        """Return values (n,) and derivatives (n, 1) at `points` (n, 1)."""
        x, t, (integral, a, b, c, d) = self._at(points)
        mapped = a + t * (b + t * (c + t * d))
        values = x**2 / 2 - integral - t * (a + t * (b / 2 + t * (c / 3 + t * d / 4)))
        return self._like(points, values), self._like(points, x - mapped)[:, None]

    def hessian(self, points: Array) -> Array:
        """Return the second derivatives 1 - f', of shape (n, 1, 1)."""
        _, t, (_, _, b, c, d) = self._at(points)
        return self._like(points, 1 - b - t * (2 * c + 3 * t * d))[:, None, None]

    def _at(self, points: Array) -> tuple[Array, Array, Array]:
        """Return the points, how far they are from the knot of their piece, and the piece."""
        xp = namespace_of(points, self.knots)
        x = xp.asarray(points)[:, 0]
        piece = xp.searchsorted(self.knots, x, side="right")
        return x, x - self.knots[xp.maximum(piece - 1, 0)], self.pieces[:, piece]

    def _like(self, points: Array, values: Array) -> Array:
        xp = namespace_of(points, self.knots)
        like: Array = xp.asarray(values, dtype=kept_type(xp, points))
        return like
