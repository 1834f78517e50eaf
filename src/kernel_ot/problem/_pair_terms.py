"""Q, w, z and the potentials of pairs of points: Vacher et al. (2021), equations 9 and 10.

The problem on fixed filling points and the programme on contact points are made of the same terms.
"""

from __future__ import annotations

from dataclasses import dataclass

from kernel_ot._arrays import Array, Scalar, namespace_of
from kernel_ot.kernels import Kernel
from kernel_ot.potentials import KernelExpansion, Potentials


@dataclass(frozen=True, eq=False)
class PotentialSpaces:
    """The kernels of both potentials, and both samples' masses.

    Parameters
    ----------
    kernel_x, kernel_y : Kernel
    x, y : array of shape (n, d) and (m, d)
    weights_x, weights_y : array of shape (n,) and (m,)
        Summing to one.
    """

    kernel_x: Kernel
    kernel_y: Kernel
    x: Array
    y: Array
    weights_x: Array
    weights_y: Array

    def quadratic(self, x: Array, y: Array, x_other: Array, y_other: Array) -> Array:
        """Return the block of Q between the pairs (x_i, y_i) and (x_other_j, y_other_j)."""
        block: Array = self.kernel_x(x, x_other)
        block += self.kernel_y(y, y_other)  # in place on NumPy: Q is the largest array there is
        return block

    def embedding(self, x: Array, y: Array) -> Array:
        """Return w, both samples' mean embeddings at the pairs."""
        at_x = self.kernel_x.apply(x, self.x, self.weights_x)
        embedding: Array = at_x + self.kernel_y.apply(y, self.y, self.weights_y)
        return embedding

    def constant(self) -> Scalar:
        """Return q2, the squared norms of both mean embeddings."""
        of_x = self.weights_x @ self.kernel_x.apply(self.x, self.x, self.weights_x)
        total: Scalar = of_x + self.weights_y @ self.kernel_y.apply(self.y, self.y, self.weights_y)
        return total

    def potentials(self, x: Array, y: Array, gamma: Array, reg_potential: float) -> Potentials:
        """Return u and v of multipliers `gamma` at the pairs.

        `u(x) = (sum_j a_j k_X(x_j, x) - sum_i gamma_i k_X(xf_i, x)) / (2 lambda_2)`, v likewise.
        """
        xp = namespace_of(gamma, self.x)
        scale = 2 * reg_potential
        return Potentials(
            KernelExpansion(
                self.kernel_x,
                xp.concatenate([self.x, x]),
                xp.concatenate([self.weights_x, -gamma]) / scale,
            ),
            KernelExpansion(
                self.kernel_y,
                xp.concatenate([self.y, y]),
                xp.concatenate([self.weights_y, -gamma]) / scale,
            ),
        )


def linear_term(embedding: Array, x: Array, y: Array, reg_potential: float) -> Array:
    """Return `z = w - 2 lambda_2 c` at the pairs (x_i, y_i) whose embedding is w."""
    cost = ((x - y) ** 2).sum(axis=1) / 2
    linear: Array = embedding - 2 * reg_potential * cost
    return linear
