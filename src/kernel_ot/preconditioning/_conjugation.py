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

from kernel_ot._arrays import (
    Array,
    Namespace,
    as_float,
    check_points,
    counted,
    is_traced,
    kept_type,
    namespace_of,
    pytree,
    refuse_beyond_single,
    rounded_to,
)
from kernel_ot.potentials import PotentialFunction, Potentials, hessian_of
from kernel_ot.samples import Samples

# Points may lie this part of the range of float32 further out than the samples do.
_ROOM = 1e-3
_ROUNDING_OF_WIDTH = 0.01


@pytree()
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
    other_mean : ndarray of shape (d,)
        The mean of the other sample.

    Notes
    -----
    JAX points give JAX results, also where the potential holds NumPy arrays. float32 points give
    float32 results unless the samples lie where these would overflow, or lose a hundredth of their
    spread: then they are float64.
    """

    base: PotentialFunction
    mean: Array
    matrix: Array
    scale: float
    other_mean: Array

    @property
    def shift(self) -> Array:
        """Mean of this sample minus the other's."""
        shift: Array = self.mean - self.other_mean
        return shift

    def __call__(self, points: Array) -> Array:
        """Return the potential's values at `points` (n, d), shape (n,), in squared user units."""
        xp = namespace_of(points, self.mean)
        centred, changed = self._coordinates(points)
        values: Array = (
            xp.sum(xp.square(centred), axis=1) / 2
            - self.scale**2 * xp.sum(xp.square(changed), axis=1) / 2
            + centred @ self.shift
            + (self.shift @ self.shift) / 4
            + self.scale**2 * self.base(changed)
        )
        return rounded_to(self._type_at(points), values)

    def gradient(self, points: Array) -> Array:
        r"""Return :math:`x' + m - s B (\tilde x - \nabla \tilde u(\tilde x))`, (n, d)."""
        centred, changed = self._coordinates(points)
        image = changed - self.base.gradient(changed)
        gradient: Array = centred + self.shift - self.scale * (image @ self.matrix)
        return rounded_to(self._type_at(points), gradient)

    def transport(self, points: Array) -> Array:
        r"""Return :math:`m_y + s B (\tilde x - \nabla \tilde u(\tilde x))`, (n, d).

        The difference of `points` and `gradient` has the rounding of either sample, which may be
        many times the spread of the other.
        """
        _, changed = self._coordinates(points)
        image = changed - self.base.gradient(changed)
        moved: Array = self.other_mean + self.scale * (image @ self.matrix)
        return rounded_to(self._type_at(points), moved)

    def hessian(self, points: Array) -> Array:
        r"""Return :math:`I - B (I - \nabla^2 \tilde u(\tilde x)) B`, (n, d, d)."""
        xp = namespace_of(points, self.mean)
        _, changed = self._coordinates(points)
        identity = xp.eye(changed.shape[1], dtype=changed.dtype)
        inner = identity - hessian_of(self.base, changed)
        hessian: Array = identity - self.matrix @ inner @ self.matrix
        return rounded_to(self._type_at(points), hessian)

    def __repr__(self) -> str:
        return f"ConjugatedPotential({self.base!r}, scale={self.scale:.6g})"

    def _type_at(self, points: Array) -> np.dtype:
        """Return the points' float32 where it holds what is computed there, else the widest."""
        xp = namespace_of(points, self.mean)
        kept = kept_type(xp, points)
        known = not is_traced(self.mean, self.other_mean, self.matrix, self.scale)
        if kept == np.float32 and known and not self._is_held_by_float32():
            kept = xp.result_type(float)
        return kept

    def _is_held_by_float32(self) -> bool:
        """Return whether images, and squares of lengths, keep range and digits in float32."""
        single = np.finfo(np.float32)
        widths = float(self.scale) * np.linalg.norm(np.asarray(self.matrix), axis=1)
        places = np.abs(np.asarray(self.other_mean))
        lengths = np.concatenate([widths, places, np.abs(self.mean)])
        in_range = lengths.max() < _ROOM * single.max**0.5 and widths.max() > single.tiny**0.5
        # Rounding by a part of the width would show: as where samples are far from the origin.
        return bool(in_range and (single.eps * places <= _ROUNDING_OF_WIDTH * widths).all())

    def _coordinates(self, points: Array) -> tuple[Array, Array]:
        if namespace_of(points) is np:
            points = check_points(points, "points", dimension=len(self.mean))
        else:
            refuse_beyond_single(self.mean, self.other_mean, self.scale * self.matrix)
        # float64 throughout: a difference of large squares loses half the digits of float32.
        centred = _in_float64(namespace_of(points, self.mean), points) - self.mean
        return centred, centred @ self.matrix / self.scale


@pytree()
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

    def __repr__(self) -> str:
        return f"Conjugation({counted(len(self.mean_x), 'feature')}, scale={self.scale:.6g})"

    def forward_x(self, x: Array) -> Array:
        r"""Return :math:`B (x - m_x) / s` for points (n, d) of the first sample's space."""
        xp = namespace_of(x, self.mean_x)
        changed: Array = (_in_float64(xp, x) - self.mean_x) @ self.root / self.scale
        return changed

    def forward_y(self, y: Array) -> Array:
        r"""Return :math:`B^{-1} (y - m_y) / s` for points (n, d) of the second sample's space."""
        xp = namespace_of(y, self.mean_y)
        changed: Array = (_in_float64(xp, y) - self.mean_y) @ self.inverse_root / self.scale
        return changed

    def backward_x(self, x: Array) -> Array:
        r"""Return :math:`m_x + s B^{-1} \tilde x`, the inverse of `forward_x`."""
        points: Array = self.mean_x + self.scale * (x @ self.inverse_root)
        return points

    def backward_y(self, y: Array) -> Array:
        r"""Return :math:`m_y + s B \tilde y`, the inverse of `forward_y`."""
        points: Array = self.mean_y + self.scale * (y @ self.root)
        return points

    def changed(self, samples: Samples) -> Samples:
        """Return the samples in these coordinates, with the same masses."""
        return Samples(
            self.forward_x(samples.x),
            self.forward_y(samples.y),
            samples.weights_x,
            samples.weights_y,
        )

    def potentials(self, potentials: Potentials) -> Potentials:
        """Return `potentials` of the changed coordinates as potentials of the user's."""
        x, y = self.mean_x, self.mean_y
        return Potentials(
            ConjugatedPotential(potentials.u, x, self.root, self.scale, other_mean=y),
            ConjugatedPotential(potentials.v, y, self.inverse_root, self.scale, other_mean=x),
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
            :math:`s^2 \tilde c + \sum_i a_i p(x_i) + \sum_j b_j q(y_j)`; a JAX array of shape ()
            where an argument is a JAX array.
        """
        from_x, from_y = self.offsets(x, y)
        offset = weights_x @ from_x + weights_y @ from_y
        return as_float(self.scale**2 * changed_cost + offset)

    def offsets(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return p(x_i) of shape (n,) and q(y_j) of shape (m,), in squared user units."""
        gaussian = self.potentials(Potentials(_ZERO, _ZERO))
        xp = namespace_of(x, y, self.mean_x)
        return gaussian.u(_in_float64(xp, x)), gaussian.v(_in_float64(xp, y))


@pytree()
@dataclass(frozen=True)
class _Zero:
    """The zero potential; its conjugate is the Gaussian part alone."""

    def __call__(self, points: Array) -> Array:
        zeros: Array = namespace_of(points).zeros(points.shape[0], points.dtype)
        return zeros

    def gradient(self, points: Array) -> Array:
        zeros: Array = namespace_of(points).zeros_like(points)
        return zeros

    def hessian(self, points: Array) -> Array:
        n, d = points.shape
        zeros: Array = namespace_of(points).zeros((n, d, d), points.dtype)
        return zeros


_ZERO = _Zero()


def _in_float64(xp: Namespace, points: Array) -> Array:
    # JAX's widest type is float32 unless its user switched float64 on.
    array: Array = xp.asarray(points, dtype=xp.result_type(float))
    return array
