"""Iterates of the semismooth steps: points of the smoothed path in their eigenbasis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from kernel_ot._arrays import Array, Scalar, branch, namespace_of, pytree
from kernel_ot._linalg import (
    eigvalsh,
    inplace,
    quadratic_forms,
    weighted_squares,
    zero_matrix,
)
from kernel_ot.problem import Problem, complementarity, stationarity


@pytree()
@dataclass(frozen=True, eq=False)
class SemismoothNewtonState:
    """An iterate on the smoothed path, in the eigenbasis of `X / tau - tau M(gamma)`.

    Attributes
    ----------
    gamma : array of shape (l,)
    basis : array of shape (r, r)
        Eigenvectors P, one a column.
    features : array of shape (r, l)
        `V = P' Phi`.
    deviation : array of shape (r, r)
        X / tau - diag(positive) in that basis: none but in the last states, whose X is as the
        refined linear system gave it.
    positive, negative : array of shape (r,)
        Smoothed positive and negative parts of the eigenvalues: X / tau and tau M(gamma) as they
        would be on the smoothed path. Their product is the squared smoothing parameter.
    tau : array of shape ()
        Scale between the multiplier and the constraint that makes both parts equally large.
    squared_smoothing : array of shape ()
        The squared smoothing parameter, eps^2.
    gap : array of shape ()
        Relative complementarity of the X on the path.
    residual : array of shape ()
    failure : array of shape ()
        Code of the `Status` that ends the solve here, 0 while there is none.
    """

    gamma: Array
    basis: Array
    features: Array
    deviation: Array
    positive: Array
    negative: Array
    tau: Scalar
    squared_smoothing: Scalar
    gap: Scalar
    residual: Scalar
    failure: Scalar = 0


class Eigenbasis(NamedTuple):
    """The decomposition `P diag(eigenvalues) P'` of `X / tau - tau M(gamma)`.

    `basis` is P, `features` is `P' Phi`.
    """

    basis: Array
    features: Array
    eigenvalues: Array
    tau: Scalar


def state_on_path(
    problem: Problem,
    gamma: Array,
    eigenbasis: Eigenbasis,
    squared_smoothing: Scalar,
    refined: Scalar = False,
    multiplier: Array | None = None,
) -> SemismoothNewtonState:
    """Return the state of that decomposition, with its residual and its scales rebalanced.

    Its X is the one on the path, or, if `refined`, tau times the given `multiplier`, which is used
    up.
    """
    basis, features, eigenvalues, tau = eigenbasis
    xp = namespace_of(gamma)
    positive, negative = _smoothed_parts(eigenvalues, squared_smoothing)
    # X and M(gamma) share their eigenbasis on the path, so rebalancing them costs nothing.
    balance = xp.sqrt(xp.max(positive) / xp.max(negative))
    on_path_values = tau * weighted_squares(positive, features)
    on_path = zero_matrix(basis), on_path_values, xp.zeros_like(tau)

    def off_path(multiplier: Array) -> tuple[Array, Array, Scalar]:
        # Both matrices may be slightly indefinite.
        sos_values = tau * quadratic_forms(multiplier, features)
        lowest = eigvalsh(multiplier)[0] / xp.max(positive)
        constraint = inplace.add_to_diagonal(multiplier, -eigenvalues)  # in its place
        lowest_constraint = eigvalsh(constraint)[0] / xp.max(negative)
        deviation = inplace.add_to_diagonal(constraint, eigenvalues - positive)
        deviation /= balance
        return deviation, sos_values, -xp.minimum(lowest, lowest_constraint)

    deviation, sos_values, violation = (
        on_path
        if multiplier is None
        else branch(refined, lambda: off_path(multiplier), lambda: on_path)
    )
    product = tau * problem.reg_sos * xp.sum(positive) + on_path_values @ gamma
    gap = complementarity(problem, gamma, product)
    error = stationarity(problem, gamma, sos_values).largest
    return SemismoothNewtonState(
        gamma,
        basis,
        features,
        deviation,
        positive / balance,
        negative * balance,
        tau * balance,
        squared_smoothing,
        gap,
        xp.maximum(xp.maximum(error, gap), violation),
    )


def _smoothed_parts(eigenvalues: Array, squared_smoothing: Scalar) -> tuple[Array, Array]:
    """Return `(|s| +- s) / 2`, smoothed: both positive, difference s, product eps^2."""
    xp = namespace_of(eigenvalues)
    larger = (xp.abs(eigenvalues) + xp.sqrt(eigenvalues**2 + 4 * squared_smoothing)) / 2
    smaller = squared_smoothing / larger  # the cancelling root, without cancellation
    return xp.where(eigenvalues > 0, larger, smaller), xp.where(eigenvalues > 0, smaller, larger)
