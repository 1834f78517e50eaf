"""Sums of potentials."""

from __future__ import annotations

from dataclasses import dataclass

from kernel_ot._arrays import Array, pytree
from kernel_ot.potentials._potentials import (
    PotentialFunction,
    Potentials,
    hessian_of,
    value_and_gradient,
)


@pytree()
@dataclass(frozen=True, eq=False)
class WeightedSum:
    """The function `f(x) = sum_k weights_k terms_k(x)`.

    Feasible potentials stay feasible under weights that are not negative and sum to at most one, in
    coordinates in which zero is feasible.

    Parameters
    ----------
    terms : tuple of PotentialFunction
        At least one.
    weights : tuple of float

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot.kernels import Linear
    >>> from kernel_ot.potentials import KernelExpansion
    >>> f = KernelExpansion(Linear(), [[1.0]], [2.0])
    >>> WeightedSum((f, f), (0.5, 0.25))(np.array([[10.0]])).tolist()
    [15.0]
    """

    terms: tuple[PotentialFunction, ...]
    weights: tuple[float, ...]

    def __call__(self, points: Array) -> Array:
        """Return the values at `points` (n, d), of shape (n,)."""
        return self._added([term(points) for term in self.terms])

    def gradient(self, points: Array) -> Array:
        """Return the gradients at `points` (n, d), of shape (n, d)."""
        return self._added([term.gradient(points) for term in self.terms])

    def value_and_gradient(self, points: Array) -> tuple[Array, Array]:
        """Return values (n,) and gradients (n, d) at `points` (n, d)."""
        both = [value_and_gradient(term, points) for term in self.terms]
        return self._added([value for value, _ in both]), self._added([slope for _, slope in both])

    def hessian(self, points: Array) -> Array:
        """Return the second derivatives at `points` (n, d), of shape (n, d, d)."""
        return self._added([hessian_of(term, points) for term in self.terms])

    def _added(self, parts: list[Array]) -> Array:
        total = self.weights[0] * parts[0]
        for weight, part in zip(self.weights[1:], parts[1:], strict=True):
            total = total + weight * part
        return total


def weighted_sum(potentials: tuple[Potentials, ...], weights: tuple[float, ...]) -> Potentials:
    """Return the weighted sum of both potentials; one with weight 1 is returned as it is."""
    if len(potentials) == 1 and weights[0] == 1.0:
        return potentials[0]
    return Potentials(
        WeightedSum(tuple(p.u for p in potentials), weights),
        WeightedSum(tuple(p.v for p in potentials), weights),
    )
