"""Potentials of entropic optimal transport, as functions on all of R^d."""

from __future__ import annotations

from dataclasses import dataclass

from kernel_ot._arrays import Array, block_slices, kept_type, namespace_of, pytree
from kernel_ot.potentials._potentials import Potentials


@pytree()
@dataclass(frozen=True, eq=False)
class EntropicPotential:
    r"""The function :math:`u(x) = -\epsilon \log \sum_j \exp((h_j - |x - y_j|^2 / 2) / \epsilon)`.

    With :math:`h_j = g_j + \epsilon \log b_j`, g the dual variable of an entropic problem and b the
    masses of its target, this is the entropic potential of the source, defined everywhere; its map
    :math:`x - \nabla u(x)` is the barycentric projection of the entropic plan.

    Parameters
    ----------
    centres : array of shape (k, d)
        :math:`y_j`.
    heights : array of shape (k,)
        :math:`h_j`, in squared units of the points.
    regularisation : float
        :math:`\epsilon`, in squared units of the points.

    References
    ----------
    A.-A. Pooladian, J. Niles-Weed, Entropic estimation of optimal transport maps, arXiv 2109.12004,
    section 3.

    Examples
    --------
    One centre moves every point to itself:

    >>> import numpy as np
    >>> u = EntropicPotential(np.array([[1.0, 2.0]]), np.zeros(1), 0.1)
    >>> (np.zeros((1, 2)) - u.gradient(np.zeros((1, 2)))).tolist()
    [[1.0, 2.0]]
    """

    centres: Array
    heights: Array
    regularisation: float

    def __repr__(self) -> str:
        return f"EntropicPotential({self.centres.shape[0]} centres, {self.regularisation:.3g})"

    def __call__(self, points: Array) -> Array:
        """Return the values at `points` (n, d), of shape (n,), in the points' precision."""
        return self.value_and_gradient(points)[0]

    def gradient(self, points: Array) -> Array:
        """Return the gradients at `points` (n, d), of shape (n, d), in the points' precision."""
        return self.value_and_gradient(points)[1]

    def value_and_gradient(self, points: Array) -> tuple[Array, Array]:
        """Return values (n,) and gradients (n, d) at `points` (n, d)."""
        xp = namespace_of(points, self.centres)
        points = xp.asarray(points)
        blocks = block_slices(points.shape[0], self.centres.shape[0])
        parts = [self._of_block(points[rows]) for rows in blocks]
        if not parts:
            return points[:, 0], points
        dtype = kept_type(xp, points)
        values, gradients = (xp.concatenate(part) for part in zip(*parts, strict=True))
        return xp.asarray(values, dtype=dtype), xp.asarray(gradients, dtype=dtype)

    def hessian(self, points: Array) -> Array:
        r"""Return :math:`I - \operatorname{Cov}(y) / \epsilon`, (n, d, d).

        The covariance is that of the centres under the masses that the plan gives them at a point.
        """
        xp = namespace_of(points, self.centres)
        points = xp.asarray(points)
        centres = self.centres - xp.mean(self.centres, axis=0)  # covariances know no origin
        dtype = kept_type(xp, points)
        identity, parts = xp.eye(centres.shape[1]), []
        for rows in block_slices(points.shape[0], centres.shape[0]):
            masses, _ = self._masses(points[rows])
            masses = masses / xp.sum(masses, axis=1, keepdims=True)
            mean = masses @ centres
            second = xp.einsum("ij,jk,jl->ikl", masses, centres, centres)
            covariance = second - mean[:, :, None] * mean[:, None, :]
            parts.append(identity - covariance / self.regularisation)
        whole = xp.concatenate(parts) if parts else xp.zeros((0, *identity.shape))
        hessians: Array = xp.asarray(whole, dtype=dtype)
        return hessians

    def _of_block(self, points: Array) -> tuple[Array, Array]:
        xp, reg = namespace_of(points, self.centres), self.regularisation
        masses, largest = self._masses(points)
        total = xp.sum(masses, axis=1)
        values = -reg * (xp.log(total) + largest)
        return values, points - (masses @ self.centres) / total[:, None]

    def _masses(self, points: Array) -> tuple[Array, Array]:
        """Return the terms of the sum relative to the largest one, and its exponent."""
        xp, reg = namespace_of(points, self.centres), self.regularisation
        origin = xp.mean(self.centres, axis=0)  # about it squares lose no digits
        points, centres = points - origin, self.centres - origin
        squares = xp.sum(xp.square(points), axis=1)[:, None] / 2
        from_centres = self.heights - xp.sum(xp.square(centres), axis=1) / 2
        exponents = (points @ centres.T + from_centres - squares) / reg
        largest = xp.max(exponents, axis=1, keepdims=True)
        return xp.exp(exponents - largest), largest[:, 0]


@pytree()
@dataclass(frozen=True, eq=False)
class EntropicPotentials(Potentials):
    """Both potentials of one entropic plan."""

    u: EntropicPotential
    v: EntropicPotential
