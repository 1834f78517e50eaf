"""The filling points that a fit holds, with what the programme needs of them, grown and cut."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot.cutting_planes._pivoting import pivot
from kernel_ot.cutting_planes._programme import Contact, polish, solve_pointwise
from kernel_ot.kernels import Kernel
from kernel_ot.potentials import Potentials
from kernel_ot.problem import PotentialSpaces, linear_term
from kernel_ot.samples import Samples

# Relative to the largest entry of Q: below it a factor breaks down by rounding.
_SMALLEST_RIDGE = 1e-13
# Relative to the largest entry of z.
_ROUNDING = 1e-14


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Both samples' mean embeddings, with their values and gradients at the samples kept.

    They depend on samples and kernel alone, so every round of every regularisation shares them.
    """

    samples: Samples
    kernel: Kernel

    @cached_property
    def at_x(self) -> Array:
        """sum_j a_j k(x_j, x_i), of shape (n,)."""
        s = self.samples
        return self.kernel.apply(s.x, s.x, s.weights_x)

    @cached_property
    def at_y(self) -> Array:
        """sum_j b_j k(y_j, y_i), of shape (m,)."""
        s = self.samples
        return self.kernel.apply(s.y, s.y, s.weights_y)

    @cached_property
    def gradient_x(self) -> Array:
        """Gradients of the source embedding at x, of shape (n, d)."""
        s = self.samples
        return self.kernel.gradient(s.x, s.x, s.weights_x)

    @cached_property
    def gradient_y(self) -> Array:
        """Gradients of the target embedding at y, of shape (m, d)."""
        s = self.samples
        return self.kernel.gradient(s.y, s.y, s.weights_y)

    @cached_property
    def spaces(self) -> PotentialSpaces:
        """What Q, w and the potentials are made of."""
        s = self.samples
        return PotentialSpaces(self.kernel, self.kernel, s.x, s.y, s.weights_x, s.weights_y)


@dataclass(frozen=True, eq=False)
class SampleValues:
    """Both potentials and both maps at the samples that they were fitted to."""

    u: Array
    v: Array
    images_x: Array
    images_y: Array


@dataclass(frozen=True, eq=False)
class ContactPoints:
    """Filling points with their block of Q and of w; immutable: growing makes new ones.

    Attributes
    ----------
    embeddings : Embeddings
    x, y : ndarray of shape (l, d)
    quadratic : ndarray of shape (l, l)
        Q.
    embedding : ndarray of shape (l,)
        w.
    gamma : ndarray of shape (l,)
        Multipliers of the last programme that was solved, zero for points that are new.
    """

    embeddings: Embeddings
    x: Array
    y: Array
    quadratic: Array
    embedding: Array
    gamma: Array

    @classmethod
    def at(cls, embeddings: Embeddings, x: Array, y: Array) -> ContactPoints:
        """Return points that no programme was solved on yet."""
        quadratic = embeddings.spaces.quadratic(x, y, x, y)
        embedding = embeddings.spaces.embedding(x, y)
        return cls(embeddings, x, y, quadratic, embedding, np.ones(len(x)))

    def extended(self, x: Array, y: Array) -> ContactPoints:
        """Return these points and those; only the new rows of Q and w are computed."""
        spaces, old = self.embeddings.spaces, len(self.x)
        quadratic = np.empty((old + len(x), old + len(x)))
        quadratic[:old, :old] = self.quadratic
        quadratic[old:, :old] = spaces.quadratic(x, y, self.x, self.y)
        quadratic[:old, old:] = quadratic[old:, :old].T
        quadratic[old:, old:] = spaces.quadratic(x, y, x, y)
        return ContactPoints(
            self.embeddings,
            np.concatenate([self.x, x]),
            np.concatenate([self.y, y]),
            quadratic,
            np.concatenate([self.embedding, spaces.embedding(x, y)]),
            np.concatenate([self.gamma, np.zeros(len(x))]),
        )

    def solved(self, reg_potential: float, tol: float) -> ContactPoints:
        """Return the points in contact, with their multipliers.

        A violation below `tol`, in units of the cost, is left: it is far below what the rounds
        look for, and keeps the matrices definite.
        """
        linear, unit = self._linear(reg_potential), 2 * reg_potential * tol
        # The multipliers add up to about one, so this ridge costs a tenth of the tolerance.
        ridge = max(0.1 * unit * len(linear), _SMALLEST_RIDGE * float(self.quadratic.max()))
        # New points are violated, so the first exchange would take them all in anyway.
        every = np.ones(len(linear), dtype=bool)
        found = pivot(self.quadratic, linear, every, ridge=ridge, slack_tol=0.2 * unit)
        return self._by_interior_point(linear) if found is None else self._kept(found)

    def polished(self, reg_potential: float) -> ContactPoints:
        """Return the points that carry weight with multipliers exact to rounding."""
        linear = self._linear(reg_potential)
        found = pivot(
            self.quadratic,
            linear,
            self.gamma > 0,
            ridge=_SMALLEST_RIDGE * float(self.quadratic.max()),
            slack_tol=_ROUNDING * float(np.abs(linear).max()),
        )
        # Without a larger ridge exchanges need not end where points nearly coincide.
        return self._by_interior_point(linear) if found is None else self._kept(found)

    def potentials(self, reg_potential: float) -> Potentials:
        """Return both potentials as functions."""
        return self.embeddings.spaces.potentials(self.x, self.y, self.gamma, reg_potential)

    def at_samples(self, reg_potential: float) -> SampleValues:
        """Return both potentials and both maps at the samples, from the embeddings kept."""
        e, scale = self.embeddings, 2 * reg_potential
        s, of = e.samples, e.kernel.value_and_gradient
        value_x, gradient_x = of(s.x, self.x, self.gamma)
        value_y, gradient_y = of(s.y, self.y, self.gamma)
        return SampleValues(
            u=(e.at_x - value_x) / scale,
            v=(e.at_y - value_y) / scale,
            images_x=s.x - (e.gradient_x - gradient_x) / scale,
            images_y=s.y - (e.gradient_y - gradient_y) / scale,
        )

    def _linear(self, reg_potential: float) -> Array:
        return linear_term(self.embedding, self.x, self.y, reg_potential)

    def _by_interior_point(self, linear: Array) -> ContactPoints:
        gamma = solve_pointwise(self.quadratic, linear)
        return self._kept(polish(self.quadratic, linear, gamma))

    def _kept(self, contact: Contact) -> ContactPoints:
        points, gamma = contact
        return ContactPoints(
            self.embeddings,
            self.x[points],
            self.y[points],
            self.quadratic[np.ix_(points, points)],
            self.embedding[points],
            gamma,
        )
