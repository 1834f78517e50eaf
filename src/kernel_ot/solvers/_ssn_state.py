"""Iterates of the semismooth Newton method: points of the smoothed path in their eigenbasis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kernel_ot.arrays import Array, branch, namespace_of, pytree
from kernel_ot.linalg import add_diagonal, eigvalsh
from kernel_ot.problem import Problem
from kernel_ot.solvers._scaling import relative_complementarity, relative_stationarity


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
    multiplier : array of shape (r, r)
        X / tau in that basis: as the last linear system gave it, once that is refined; before,
        `diag(positive)`.
    refined : array of shape ()
        Whether it is.
    positive, negative : array of shape (r,)
        Smoothed positive and negative parts of the eigenvalues: X / tau and tau M(gamma) as they
        would be on the smoothed path. Their product is the squared smoothing parameter.
    tau : array of shape ()
        Scale between the multiplier and the constraint that makes both parts equally large.
    smoothing : array of shape ()
        The squared smoothing parameter, eps^2.
    residual : array of shape ()
    failure : array of shape ()
        Code of the `Status` that ends the solve here, 0 while there is none.
    """

    gamma: Array
    basis: Array
    features: Array
    multiplier: Array
    refined: Any
    positive: Array
    negative: Array
    tau: Any
    smoothing: Any
    residual: Any
    failure: Any = 0


def state_on_path(
    problem: Problem,
    gamma: Array,
    basis: Array,
    features: Array,
    multiplier: Array,
    refined: Any,
    values: Array,
    tau: Any,
    smoothing: Any,
) -> SemismoothNewtonState:
    """Return the state of eigenvalues `values`, with its residual and its scales rebalanced.

    Unless it is `refined`, `multiplier` is put on the path.
    """
    xp = namespace_of(gamma)
    positive, negative = _smoothed_parts(values, smoothing)

    def on_path() -> tuple[Array, Array, Any]:
        return xp.diag(positive), tau * (positive @ features**2), xp.zeros_like(tau)

    def off_path() -> tuple[Array, Array, Any]:  # both parts may be slightly indefinite
        lowest = eigvalsh(multiplier)[0] / xp.max(positive)
        lowest_constraint = eigvalsh(add_diagonal(multiplier, -values))[0] / xp.max(negative)
        sos_values = tau * xp.sum(features * (multiplier @ features), axis=0)
        return multiplier, sos_values, -xp.minimum(lowest, lowest_constraint)

    multiplier, sos_values, violation = branch(refined, off_path, on_path)
    gap = gap_on_path(problem, gamma, tau, positive, features)
    stationarity = relative_stationarity(problem, gamma, sos_values)
    # X and M(gamma) share their eigenbasis on the path, so rebalancing them costs nothing.
    balance = xp.sqrt(xp.max(positive) / xp.max(negative))
    return SemismoothNewtonState(
        gamma,
        basis,
        features,
        multiplier / balance,
        refined,
        positive / balance,
        negative * balance,
        tau * balance,
        smoothing,
        xp.maximum(xp.maximum(stationarity, gap), violation),
    )


def gap_on_path(problem: Problem, gamma: Array, tau: Any, positive: Array, features: Array) -> Any:
    """Return the relative complementarity at the projected multiplier."""
    xp = namespace_of(gamma)
    product = tau * (problem.reg_sos * xp.sum(positive) + (positive @ features**2) @ gamma)
    return relative_complementarity(problem, gamma, product)


def _smoothed_parts(values: Array, smoothing: Any) -> tuple[Array, Array]:
    """Return `(|s| +- s) / 2`, smoothed: both positive, difference s, product `smoothing`."""
    xp = namespace_of(values)
    larger = (xp.abs(values) + xp.sqrt(values**2 + 4 * smoothing)) / 2
    smaller = smoothing / larger  # the cancelling root, without cancellation
    return xp.where(values > 0, larger, smaller), xp.where(values > 0, smaller, larger)
