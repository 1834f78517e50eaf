"""How far the objective at a point is from the optimum, from the problem's data alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kernel_ot._arrays import Array, Scalar, branch, namespace_of, pytree
from kernel_ot._linalg import eigvalsh, solve_lower, squared_lengths, symmetric
from kernel_ot.problem._extended import rounding_error
from kernel_ot.problem._operators import operator
from kernel_ot.problem._potential_gram import in_double, potential_gram

if TYPE_CHECKING:
    from kernel_ot.problem._problem import Problem


@pytree()
@dataclass(frozen=True)
class OptimalityReport:
    r"""What the objective at a point may still differ from the optimum by, part by part.

    The gaps, violations and the rounding are amounts of the objective f, relative to `1 + |f|`.
    Weak duality makes them a bound: with :math:`r = \nabla f(\gamma) - A(X)` every positive
    semidefinite X has

    .. math:: f(\gamma) - f^\star \le
        \langle X, M(\gamma) \rangle + \lambda_2 \, r^\top Q^{-1} r ,

    and where the smallest eigenvalue of M is -v, :math:`t \gamma` with
    :math:`t = \lambda_1 / (\lambda_1 + v)` is feasible, so that
    :math:`f^\star - f(\gamma) \le f(t \gamma) - f(\gamma)`.

    Attributes
    ----------
    stationarity : float
        :math:`|r|` relative to :math:`1 + |z| / (2 \lambda_2)`, Euclidean norms: how far
        `c - u - v` is from the sum of squares at the filling points.
    stationarity_gap : float
        :math:`\lambda_2 r^\top Q^{-1} r`.
    constraint_violation : float
        :math:`|f(t \gamma) - f(\gamma)|`, the price of restoring feasibility.
    multiplier_violation : float
        What the bound grows by where X is moved into the cone by a multiple of the identity.
    complementarity : float
        :math:`|\langle X, M(\gamma) \rangle|`.
    cost_mismatch : float
        :math:`|w^\top Q^{-1} r|` relative to 1 + |cost|, or to 1 + |f| if that is larger: what the
        cost at gamma differs by from the cost at the minimiser of the Lagrangian at X.
    rounding : float
        Estimate of what the evaluation of the objective is off by, relative as well. On NumPy,
        where it is done in extended precision, it only counts where its terms nearly cancel. Where
        Q has no factor, what the ridge in it is worth at gamma.
    min_eigenvalue : float
        Smallest eigenvalue of `M(gamma)`, not relative to anything.

    Notes
    -----
    The objective says little about the cost where lambda_2 is small: potentials that the objective
    can hardly tell apart have costs that differ by up to :math:`\sqrt{q_2 \, \delta / \lambda_2}`
    for a difference of delta, with q2 the squared norm of both mean embeddings. `cost_mismatch`
    sees the part of that which comes from stationarity, the one that first-order methods leave;
    of what comes from complementarity there is no better bound.

    Where Q is singular to working precision it is taken with the smallest ridge that has a factor,
    at most 1e-6 of its largest entry, and what that is worth counts as rounding. Where it does not
    suffice the residual is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import Problem, kernels, solve
    >>> x = np.linspace(0, 1, 8)[:, None]
    >>> problem = Problem.from_samples(
    ...     x, x + 1, x, x + 1, kernel=kernels.Gaussian(0.5), reg_sos=0.1, reg_potential=0.1
    ... )
    >>> bool(solve(problem).optimality.residual <= 1e-8)
    True
    """

    stationarity: Scalar
    stationarity_gap: Scalar
    constraint_violation: Scalar
    multiplier_violation: Scalar
    complementarity: Scalar
    cost_mismatch: Scalar
    rounding: Scalar
    min_eigenvalue: Scalar

    @property
    def residual(self) -> Scalar:
        """Bound on the relative error of the objective; its other parts are no larger either.

        `max(stationarity_gap + multiplier_violation + complementarity, constraint_violation,
        cost_mismatch, stationarity) + rounding`; NaN if any is NaN.
        """
        xp = namespace_of(self.stationarity)
        gap = self.stationarity_gap + self.multiplier_violation + self.complementarity
        of_objective = xp.maximum(gap, self.constraint_violation)
        others = xp.maximum(self.cost_mismatch, self.stationarity)
        residual: Scalar = xp.maximum(of_objective, others) + self.rounding
        return residual


class Stationarity(NamedTuple):
    """The three parts of an `OptimalityReport` that `r = gradient - A(X)` alone decides.

    `error` is `L^-1 r`, with `L L' = Q`.
    """

    of_gradient: Scalar
    of_objective: Scalar
    of_cost: Scalar
    error: Array

    @property
    def largest(self) -> Scalar:
        """The largest of the three."""
        xp = namespace_of(self.of_cost)
        largest: Scalar = xp.maximum(self.of_gradient, xp.maximum(self.of_objective, self.of_cost))
        return largest


def stationarity(problem: Problem, gamma: Array, values: Array) -> Stationarity:
    """Return how far gamma is from minimising the Lagrangian, given `values` = A(X).

    See `OptimalityReport`: `stationarity`, `stationarity_gap` and `cost_mismatch`.
    """
    xp = namespace_of(gamma)
    gram = potential_gram(problem)
    left = problem.gradient(gamma) - values
    error = solve_lower(gram.factor, left)
    objective = xp.abs(problem.objective(gamma))
    return Stationarity(
        xp.linalg.norm(left) / gradient_size(problem),
        problem.reg_potential * (error @ error) / (1 + objective),
        xp.abs(gram.embedding @ error) / (1 + xp.maximum(objective, xp.abs(problem.cost(gamma)))),
        error,
    )


def gradient_size(problem: Problem) -> Scalar:
    """Return `1 + |z| / (2 lambda_2)`, what a gradient is compared with."""
    norm = namespace_of(problem.linear).linalg.norm(problem.linear)
    size: Scalar = 1 + norm / (2 * problem.reg_potential)
    return size


def complementarity(problem: Problem, gamma: Array, product: Scalar) -> Scalar:
    """Return `|<X, M(gamma)>|` relative to `1 + |objective|`, given the inner `product`."""
    xp = namespace_of(gamma)
    relative: Scalar = xp.abs(product) / (1 + xp.abs(problem.objective(gamma)))
    return relative


def restoration(problem: Problem, gamma: Array, violation: Scalar) -> Scalar:
    """Return what feasibility costs where the smallest eigenvalue of M(gamma) is -`violation`.

    See `OptimalityReport.constraint_violation`.
    """
    xp = namespace_of(gamma)
    shrunk = violation / (problem.reg_sos + violation)  # 1 - t
    curvature = gamma @ (problem.quadratic @ gamma) / (4 * problem.reg_potential)
    change = shrunk * (shrunk * curvature - gamma @ problem.gradient(gamma))
    relative: Scalar = xp.abs(change) / (1 + xp.abs(problem.objective(gamma)))
    return relative


def check_optimality(problem: Problem, gamma: Array, multiplier: Array) -> OptimalityReport:
    """Check the optimality conditions of `problem` at `(gamma, multiplier)`.

    Nothing that a solver computed enters but the point itself. Costs the eigenvalues (without
    vectors) of two r x r matrices, and once a problem a Cholesky factor of Q. A float32 point is
    judged in float64, except on JAX.

    Parameters
    ----------
    problem : Problem
    gamma : array of shape (l,)
    multiplier : array of shape (r, r)
        Symmetric; its symmetric part is what is checked.

    Returns
    -------
    OptimalityReport

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import Problem, kernels, solve
    >>> x = np.linspace(0, 1, 8)[:, None]
    >>> problem = Problem.from_samples(
    ...     x, x + 1, x, x + 1, kernel=kernels.Gaussian(0.5), reg_sos=0.1, reg_potential=0.1
    ... )
    >>> solution = solve(problem)
    >>> bool(check_optimality(problem, solution.gamma, solution.multiplier).residual <= 1e-8)
    True
    """
    problem = in_double(problem)
    dtype = problem.features.dtype
    gamma, multiplier = gamma.astype(dtype), multiplier.astype(dtype)
    xp = namespace_of(gamma)
    values = operator(multiplier, problem.features)
    # <X, M(gamma)> = lambda_1 tr X + gamma'A(X).
    product = problem.reg_sos * xp.trace(multiplier) + gamma @ values
    finite = xp.isfinite(product) & xp.isfinite(problem.objective(gamma))
    # One matrix after the other, so that only one of them is in memory.
    shift = xp.maximum(-_smallest(symmetric(multiplier), finite), 0)
    del multiplier
    smallest = _smallest(problem.constraint_matrix(gamma), finite)
    errors = stationarity(problem, gamma, values)
    return _report(problem, gamma, errors, product, shift, smallest)


def _report(
    problem: Problem,
    gamma: Array,
    errors: Stationarity,
    product: Scalar,
    shift: Scalar,
    smallest: Scalar,
) -> OptimalityReport:
    """Return the report, given `<X, M(gamma)>` and how far X and M(gamma) are from the cone."""
    xp = namespace_of(gamma)
    gram = potential_gram(problem)
    trace = problem.reg_sos * problem.rank + gamma @ squared_lengths(problem.features)
    # Of X + shift I: its product with M(gamma), and the gap of its stationarity.
    moved = shift * gram.lengths
    gap = problem.reg_potential * (moved @ moved - 2 * (errors.error @ moved))
    return OptimalityReport(
        stationarity=errors.of_gradient,
        stationarity_gap=errors.of_objective,
        constraint_violation=restoration(problem, gamma, xp.maximum(-smallest, 0)),
        multiplier_violation=complementarity(problem, gamma, xp.abs(shift * trace) + xp.abs(gap)),
        complementarity=complementarity(problem, gamma, product),
        cost_mismatch=errors.of_cost,
        rounding=rounding_error(problem, gamma) + _price_of_matrix(problem, gamma),
        min_eigenvalue=smallest,
    )


def _price_of_matrix(problem: Problem, gamma: Array) -> Scalar:
    """Return what errors of Q are worth, if gamma is no larger at the solution.

    They are the ridge of its factor, and rounding that hides what tells the points apart.
    """
    xp, gram = namespace_of(gamma), potential_gram(problem)
    price = gram.ridge * (gamma @ gamma) + gram.hiding * xp.sum(xp.abs(gamma)) ** 2
    size = 4 * problem.reg_potential * (1 + xp.abs(problem.objective(gamma)))
    relative: Scalar = price / size
    return relative


def _smallest(matrix: Array, finite: Array) -> Scalar:
    """Return the smallest eigenvalue; NaN unless `finite`, or if LAPACK fails."""
    xp = namespace_of(matrix)
    nan: Array = xp.full((), xp.nan, dtype=matrix.dtype)

    def smallest() -> Scalar:  # LAPACK may loop or raise on NaN
        try:
            lowest: Scalar = eigvalsh(matrix)[0]
            return lowest
        except np.linalg.LinAlgError:
            return nan

    return branch(finite, smallest, lambda: nan)
