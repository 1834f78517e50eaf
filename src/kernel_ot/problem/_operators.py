"""The functions that define the problem, pure and free of any array library.

Symbols are those of Vacher et al. (2021), eq. (9), and Lin, Cuturi and Jordan (2024), eq. (2.4):
Q `quadratic`, z `linear`, q2 `constant`, Phi `features`, lambda_1 `reg_sos`, lambda_2
`reg_potential`, X `multiplier`.
"""

from __future__ import annotations

from kernel_ot._arrays import Array, Scalar
from kernel_ot._linalg import inplace, quadratic_forms, weighted_gram


def objective(
    gamma: Array, quadratic: Array, linear: Array, constant: Scalar, reg_potential: Scalar
) -> Scalar:
    """Return `gamma'Q gamma / (4 lambda_2) - gamma'z / (2 lambda_2) + q2 / (4 lambda_2)`."""
    terms: Scalar = gamma @ (quadratic @ gamma) - 2 * (gamma @ linear) + constant
    return terms / (4 * reg_potential)


def objective_gradient(
    gamma: Array, quadratic: Array, linear: Array, reg_potential: Scalar
) -> Array:
    """Return `(Q gamma - z) / (2 lambda_2)`.

    At the solution these are the sums of squares `c - u - v` at the filling points.
    """
    gradient: Array = (quadratic @ gamma - linear) / (2 * reg_potential)
    return gradient


def transport_cost(
    gamma: Array, embedding: Array, constant: Scalar, reg_potential: Scalar
) -> Scalar:
    """Return the estimate of the optimal transport cost, `(q2 - w'gamma) / (2 lambda_2)`."""
    cost: Scalar = (constant - embedding @ gamma) / (2 * reg_potential)
    return cost


def adjoint(gamma: Array, features: Array) -> Array:
    """Return `A*(gamma) = Phi diag(gamma) Phi'`, of shape (r, r)."""
    return weighted_gram(features, gamma)


def constraint_matrix(gamma: Array, features: Array, reg_sos: Scalar) -> Array:
    """Return `M(gamma) = Phi diag(gamma) Phi' + lambda_1 I`, to be positive semidefinite."""
    return inplace.add_to_diagonal(adjoint(gamma, features), reg_sos)


def operator(multiplier: Array, features: Array) -> Array:
    """Return `A(X)_i = Phi_i' X Phi_i`, of shape (l,)."""
    return quadratic_forms(multiplier, features)
