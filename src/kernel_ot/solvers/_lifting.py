"""A solution as a starting point for a problem with more filling points."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from kernel_ot._arrays import Array
from kernel_ot.problem import Problem
from kernel_ot.solvers._solution import Solution

# Features of the smaller problem below this, relatively, are rounding.
_RANK_TOL = 1e-12


def lift(solution: Solution, smaller: Problem, larger: Problem) -> tuple[Array, Array]:
    """Return a starting point for `larger` made of a solution of `smaller`.

    The first filling points of `larger` must be those of `smaller`, in the same order; other
    things, such as the regularisations, may differ. gamma is zero at the new points, and the
    sum-of-squares operator is kept: its matrix is taken from the features of `smaller` to those
    of `larger`, which agree on inner products of common points up to truncation.

    Parameters
    ----------
    solution : Solution
        Of `smaller`.
    smaller, larger : Problem

    Returns
    -------
    gamma : array of shape (l,)
    multiplier : array of shape (r, r)
        Both of the sizes of `larger`, for the argument `init` of `solve`.

    Raises
    ------
    ValueError
        `larger` has fewer filling points than `smaller`, or `solution` is not of its size.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import Problem, kernels, solve
    >>> from kernel_ot.solvers import lift
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(40, 2)), rng.normal(size=(40, 2)) + 1
    >>> def problem(n_fill):
    ...     fill = x[:n_fill], y[:n_fill]
    ...     return Problem.from_samples(
    ...         x, y, *fill, kernel=kernels.Gaussian(2.0), reg_sos=1e-3, reg_potential=1e-3
    ...     )
    >>> start = lift(solve(problem(20)), problem(20), problem(24))
    >>> solve(problem(24), init=start).converged
    True
    """
    common = smaller.n_fill
    if larger.n_fill < common:
        raise ValueError(
            f"larger has {larger.n_fill} filling points and smaller has {common}; exchange them."
        )
    if solution.gamma.shape != (common,) or solution.multiplier.shape != (smaller.rank,) * 2:
        raise ValueError(
            f"solution has gamma of shape {solution.gamma.shape} and a multiplier of shape "
            f"{solution.multiplier.shape}; it must be a solution of smaller, of {common} filling "
            f"points and {smaller.rank} features."
        )
    gamma = np.concatenate([solution.gamma, np.zeros(larger.n_fill - common)])
    if np.array_equal(smaller.features, larger.features):
        return gamma, solution.multiplier
    # C with C' Phi_larger = Phi_smaller at the common points: X_larger = C X_smaller C'.
    change, *_ = scipy.linalg.lstsq(
        smaller.features.T,
        larger.features[:, :common].T,
        cond=_RANK_TOL,
        lapack_driver="gelsy",
    )
    return gamma, change.T @ solution.multiplier @ change
