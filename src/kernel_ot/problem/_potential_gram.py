"""The factor of Q that measures how far a point is from stationary; made once a problem."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kernel_ot._arrays import Array, Scalar, is_traced, namespace_of
from kernel_ot._linalg import cholesky_solve, cholesky_with_ridge, solve_lower, squared_lengths
from kernel_ot.problem._origin import hiding_error

if TYPE_CHECKING:
    from kernel_ot.problem._problem import Problem

# Roundings of a diagonal entry below which nothing was added to it.
_NOISE = 30
# Kept in the problem's __dict__, beside its fields: copies and pytrees of it do not take it along.
_GRAM, _DOUBLE = "_potential_gram", "_in_double"


class PotentialGram(NamedTuple):
    """Coordinates in which the potentials at the filling points have their kernels' norm.

    Attributes
    ----------
    factor : array of shape (l, l)
        Lower L with `L L' = Q`, or Q with the smallest ridge that has a factor.
    embedding, lengths : array of shape (l,)
        `L^-1 w` and `L^-1 A(I)`.
    ridge : array of shape ()
        What was added to the diagonal of Q for it; 0 but for rounding where Q has a factor.
    hiding : array of shape ()
        Rounding of the entries of Q, where it hides what tells the points apart; else 0.
    """

    factor: Array
    embedding: Array
    lengths: Array
    ridge: Scalar
    hiding: Scalar


def potential_gram(problem: Problem) -> PotentialGram:
    """Return the factor of Q: computed once, except in traced code that was not told in advance."""
    known: PotentialGram | None = problem.__dict__.get(_GRAM)
    if known is None:
        known = _factored(problem)
        if not is_traced(known.factor):
            object.__setattr__(problem, _GRAM, known)
    return known


def with_potential_gram(problem: Problem) -> Problem:
    """Return a copy of a traced problem that holds its factor for the trace that it is used in."""
    copy = replace(problem)
    object.__setattr__(copy, _GRAM, _factored(problem))
    return copy


def stationary_at_contact(problem: Problem, gamma: Array) -> Array:
    """Return the multipliers of contact points made exact: `Q gamma = z`, all of them positive.

    There the sum of squares vanishes, and gamma solves the problem with X = 0. `gamma` itself is
    returned where the solution of that system has negative entries.

    Parameters
    ----------
    problem : Problem
    gamma : array of shape (l,)
        Positive, and a solution but for what distinguishes this problem's Q, its jitter.
    """
    factor = potential_gram(problem).factor
    exact = gamma
    for _ in range(2):
        exact = exact + cholesky_solve(factor, problem.linear - problem.quadratic @ exact)
    return exact if bool((exact > 0).all()) else gamma


def in_double(problem: Problem) -> Problem:
    """Return the same numbers in float64, which is what a float32 point is judged with on NumPy."""
    if namespace_of(problem.features) is not np or problem.features.dtype == np.float64:
        return problem
    known: Problem | None = problem.__dict__.get(_DOUBLE)
    if known is None:
        known = replace(
            problem,
            quadratic=problem.quadratic.astype(np.float64),
            linear=problem.linear.astype(np.float64),
            embedding=problem.embedding.astype(np.float64),
            features=problem.features.astype(np.float64),
        )
        object.__setattr__(problem, _DOUBLE, known)
    return known


def _factored(problem: Problem) -> PotentialGram:
    xp = namespace_of(problem.quadratic)
    factor = cholesky_with_ridge(problem.quadratic)
    diagonal = xp.diagonal(problem.quadratic)
    added = xp.mean(xp.sum(factor**2, axis=1) - diagonal)
    noise = _NOISE * xp.finfo(factor.dtype).eps * xp.max(xp.abs(diagonal))
    ridge = xp.where(added > noise, added, 0.0 * added)
    both = xp.stack([problem.embedding, squared_lengths(problem.features)], axis=1)
    embedding, lengths = solve_lower(factor, both).T
    hiding = hiding_error(problem.provenance, xp.max(xp.abs(diagonal)))
    return PotentialGram(factor, embedding, lengths, ridge, hiding)
