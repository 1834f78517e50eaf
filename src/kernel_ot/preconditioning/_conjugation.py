r"""Optimal transport in changed coordinates, and exactly back.

With means :math:`m_x, m_y`, a symmetric positive definite matrix :math:`B` and a length :math:`s`,

.. math:: \tilde x = B (x - m_x) / s, \qquad \tilde y = B^{-1} (y - m_y) / s .

Write :math:`x' = x - m_x`, :math:`y' = y - m_y`, :math:`m = m_x - m_y`. Since
:math:`\langle x', y' \rangle = s^2 \langle \tilde x, \tilde y \rangle`, the cost
:math:`c(x, y) = |x - y|^2 / 2 = |x' - y' + m|^2 / 2` splits as

.. math::

    c(x, y) = s^2 c(\tilde x, \tilde y) + p(x) + q(y), \quad
    p(x) = \tfrac12 |x'|^2 - \tfrac{s^2}2 |\tilde x|^2 + \langle m, x' \rangle
    + \tfrac14 |m|^2, \quad
    q(y) = \tfrac12 |y'|^2 - \tfrac{s^2}2 |\tilde y|^2 - \langle m, y' \rangle + \tfrac14 |m|^2 .

So with :math:`u = p + s^2 \tilde u` and :math:`v = q + s^2 \tilde v` the slack of the dual
constraint is :math:`c - u - v = s^2 (\tilde c - \tilde u - \tilde v)` at every pair: feasible
pairs stay feasible, optimal ones optimal, and :math:`T(x) = x - \nabla u(x) = m_y + s B \tilde
T(\tilde x)`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernel_ot.arrays import Array
from kernel_ot.potentials import PotentialFunction, Potentials


@dataclass(frozen=True, eq=False)
class ConjugatedPotential:
    r"""A potential of the changed coordinates, as a function of the user's.

    :math:`u(x) = \tfrac12 |x'|^2 - \tfrac{s^2}2 |\tilde x|^2 + \langle m, x' \rangle + \tfrac14
    |m|^2 + s^2 \tilde u(\tilde x)`, with :math:`x' = x - m_x` and :math:`\tilde x = B x' / s`.

    Parameters
    ----------
    base : PotentialFunction
        :math:`\tilde u`.
    mean : ndarray of shape (d,)
        The mean of this sample.
    matrix : ndarray of shape (d, d)
        :math:`B` (its inverse for the second sample), symmetric.
    scale : float
        :math:`s`, in the user's units.
    shift : ndarray of shape (d,)
        This sample's mean minus the other's.
    """

    base: PotentialFunction
    mean: Array
    matrix: Array
    scale: float
    shift: Array

    def __call__(self, points: Array) -> Array:
        """Return the potential's values at `points` (n, d), shape (n,), in squared user units."""
        centred, changed = self._coordinates(points)
        values = (
            np.sum(np.square(centred), axis=1) / 2
            - self.scale**2 * np.sum(np.square(changed), axis=1) / 2
            + centred @ self.shift
            + float(self.shift @ self.shift) / 4
            + self.scale**2 * self.base(changed)
        )
        return np.asarray(values, dtype=_float_type(points))

    def gradient(self, points: Array) -> Array:
        r"""Return :math:`x' + m - s B (\tilde x - \nabla \tilde u(\tilde x))`, (n, d)."""
        centred, changed = self._coordinates(points)
        image = changed - self.base.gradient(changed)
        gradient = centred + self.shift - self.scale * (image @ self.matrix)
        return np.asarray(gradient, dtype=_float_type(points))

    def _coordinates(self, points: Array) -> tuple[Array, Array]:
        # float64 throughout: a difference of large squares loses half the digits of float32.
        centred = np.asarray(points, dtype=np.float64) - self.mean
        return centred, centred @ self.matrix / self.scale


@dataclass(frozen=True, eq=False)
class Conjugation:
    r"""The change of coordinates of this module, both ways.

    Parameters
    ----------
    mean_x, mean_y : ndarray of shape (d,)
        What is subtracted from either sample, in the user's units.
    root : ndarray of shape (d, d)
        :math:`B`, symmetric positive definite, without unit.
    inverse_root : ndarray of shape (d, d)
        :math:`B^{-1}`.
    scale : float
        :math:`s`, in the user's units.

    Examples
    --------
    >>> import numpy as np
    >>> change = Conjugation(np.zeros(1), np.ones(1), np.eye(1), np.eye(1), scale=2.0)
    >>> change.forward_x(np.array([[4.0]])), change.forward_y(np.array([[4.0]]))
    (array([[2.]]), array([[1.5]]))
    """

    mean_x: Array
    mean_y: Array
    root: Array
    inverse_root: Array
    scale: float

    def forward_x(self, x: Array) -> Array:
        r"""Return :math:`B (x - m_x) / s` for points (n, d) of the first sample's space."""
        return np.asarray((np.asarray(x, np.float64) - self.mean_x) @ self.root / self.scale)

    def forward_y(self, y: Array) -> Array:
        r"""Return :math:`B^{-1} (y - m_y) / s` for points (n, d) of the second sample's space."""
        return np.asarray(
            (np.asarray(y, np.float64) - self.mean_y) @ self.inverse_root / self.scale
        )

    def backward_x(self, x: Array) -> Array:
        r"""Return :math:`m_x + s B^{-1} \tilde x`, the inverse of `forward_x`."""
        return np.asarray(self.mean_x + self.scale * (x @ self.inverse_root))

    def backward_y(self, y: Array) -> Array:
        r"""Return :math:`m_y + s B \tilde y`, the inverse of `forward_y`."""
        return np.asarray(self.mean_y + self.scale * (y @ self.root))

    def potentials(self, potentials: Potentials) -> Potentials:
        """Return `potentials` of the changed coordinates as potentials of the user's."""
        shift = self.mean_x - self.mean_y
        return Potentials(
            ConjugatedPotential(potentials.u, self.mean_x, self.root, self.scale, shift),
            ConjugatedPotential(potentials.v, self.mean_y, self.inverse_root, self.scale, -shift),
        )

    def cost(
        self, changed_cost: float, x: Array, y: Array, weights_x: Array, weights_y: Array
    ) -> float:
        r"""Return the cost in squared user units that belongs to `changed_cost`.

        Parameters
        ----------
        changed_cost : float
            A value of the transport problem between the changed samples (primal, dual, or a bound).
        x, y : ndarray of shape (n, d) and (m, d)
            The samples in the user's coordinates.
        weights_x, weights_y : ndarray of shape (n,) and (m,)
            Their masses, each summing to one.

        Returns
        -------
        float
            :math:`s^2 \tilde c + \sum_i a_i p(x_i) + \sum_j b_j q(y_j)`.
        """
        from_x, from_y = self.offsets(x, y)
        return float(self.scale**2 * changed_cost + weights_x @ from_x + weights_y @ from_y)

    def offsets(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return p(x_i) of shape (n,) and q(y_j) of shape (m,), in squared user units."""
        gaussian = self.potentials(Potentials(_ZERO, _ZERO))
        return gaussian.u(np.asarray(x, np.float64)), gaussian.v(np.asarray(y, np.float64))


class _Zero:
    """The zero potential; its conjugate is the Gaussian part alone."""

    def __call__(self, points: Array) -> Array:
        return np.zeros(points.shape[0], points.dtype)

    def gradient(self, points: Array) -> Array:
        return np.zeros_like(points)


_ZERO = _Zero()


def _float_type(points: Array) -> np.dtype[np.float32] | np.dtype[np.float64]:
    dtype = np.asarray(points).dtype
    return np.dtype(np.float32) if dtype == np.float32 else np.dtype(np.float64)
