"""What methods agree on: where to begin, and the sizes of a first multiplier and of a start."""

from __future__ import annotations

from typing import NamedTuple

from kernel_ot._arrays import Array, Scalar, namespace_of
from kernel_ot._linalg import squared_lengths, symmetric
from kernel_ot.problem import Problem, complementarity, gradient_size
from kernel_ot.solvers._method import StartingPoint


def multiplier_size(problem: Problem) -> Scalar:
    """Return xi for the start X = xi I: A(X) then is as large as the gradient at gamma = 0."""
    xp = namespace_of(problem.features)
    gradient = xp.linalg.norm(problem.linear) / (2 * problem.reg_potential)
    size: Scalar = xp.maximum(gradient, 1e-3) / xp.linalg.norm(squared_lengths(problem.features))
    return size


def uniform_plan(problem: Problem) -> Array:
    """Return the best gamma of equal non-negative entries, always strictly feasible.

    It minimises the objective along the vector of ones. With pairs of samples as filling points it
    is close to a transport plan of equal masses, 1 / l each.
    """
    xp = namespace_of(problem.features)
    ones = xp.ones_like(problem.linear)
    curvature = ones @ (problem.quadratic @ ones)
    mass = xp.where(curvature > 0, xp.sum(problem.linear) / curvature, 0.0)
    plan: Array = xp.maximum(mass, 0.0) * ones
    return plan


def central_weight(problem: Problem, gamma: Array, inverse_values: Array) -> Scalar:
    """Return mu for the start `X = mu M(gamma)^-1`: A(X) then is as large as the gradient.

    Parameters
    ----------
    problem : Problem
    gamma : array of shape (l,)
        Strictly feasible.
    inverse_values : array of shape (l,)
        `A(M(gamma)^-1)`.
    """
    xp = namespace_of(gamma)
    gradient = xp.linalg.norm(problem.gradient(gamma))
    weight: Scalar = xp.maximum(gradient, 1e-3) / xp.linalg.norm(inverse_values)
    return weight


def balance(multiplier: Array, constraint: Array) -> Scalar:
    """Return tau such that X / tau and tau M(gamma) are as large.

    Parameters
    ----------
    multiplier, constraint : array
        Both matrices, their eigenvalues, or their norms.
    """
    xp = namespace_of(multiplier, constraint)
    tau: Scalar = xp.sqrt(xp.linalg.norm(multiplier) / xp.linalg.norm(constraint))
    return tau


class ScaledStart(NamedTuple):
    """A start whose X fits the problem's regularisation; `values` is A(X), of shape (l,)."""

    gamma: Array
    multiplier: Array
    values: Array


def rescaled(problem: Problem, start: StartingPoint) -> ScaledStart:
    """Return the start with its multiplier scaled to fit this problem's regularisation.

    Of all multiples of X the one that is closest to stationary is taken, since X grows and
    shrinks with the regularisations while gamma hardly does.
    """
    xp = namespace_of(problem.features)
    size = multiplier_size(problem)
    cold = size * xp.eye(problem.rank, dtype=problem.features.dtype)
    cold_values = size * squared_lengths(problem.features)
    if start.multiplier is None:
        return ScaledStart(start.gamma, cold, cold_values)
    values = problem.operator(start.multiplier)
    squared = values @ values
    best = (values @ problem.gradient(start.gamma)) / xp.where(squared > 0, squared, 1.0)
    scale = xp.clip(best, 0.1, 10.0)
    return ScaledStart(
        start.gamma,
        xp.where(squared > 0, scale * symmetric(start.multiplier), cold),
        xp.where(squared > 0, scale * values, cold_values),
    )


def start_distance(problem: Problem, start: ScaledStart) -> Scalar:
    """Return how far a start is from optimal in its own scale; 1 means by as much as it is large.

    The larger of `|gradient - A(X)| / |A(X)|` and `|<X, M(gamma)>| / (lambda_1 tr X)`. Unlike the
    residual it does not shrink where the problem's numbers are large; infinite without a positive
    trace.
    """
    gamma, multiplier, values = start
    xp = namespace_of(gamma)
    trace = xp.trace(multiplier)
    positive = trace > 0
    size = xp.where(positive, xp.linalg.norm(values), 1.0)
    price = problem.reg_sos * xp.where(positive, trace, 1.0)
    stationarity = xp.linalg.norm(problem.gradient(gamma) - values) / size
    gap = xp.abs(price + gamma @ values) / price
    distance: Scalar = xp.where(positive, xp.maximum(stationarity, gap), xp.inf)
    return distance


def start_error(problem: Problem, start: ScaledStart) -> Scalar:
    """Return how far a start is from optimal in the scale of the problem's own numbers.

    The larger of `|gradient - A(X)| / (1 + |z| / (2 lambda_2))` and the relative complementarity.
    Of a start not much may be asked: the norm in which a solution has to be stationary takes
    hardly any start for close where Q is nearly singular.
    """
    gamma, multiplier, values = start
    xp = namespace_of(gamma)
    product = problem.reg_sos * xp.trace(multiplier) + gamma @ values
    error: Scalar = xp.maximum(
        xp.linalg.norm(problem.gradient(gamma) - values) / gradient_size(problem),
        complementarity(problem, gamma, product),
    )
    return error
