"""What the steps along both paths, the central and the smoothed one, have in common."""

from __future__ import annotations

from kernel_ot._arrays import Array, Scalar, namespace_of
from kernel_ot._linalg import cholesky_with_ridge, schur_complement
from kernel_ot.problem import Problem

# No step aims at a relative complementarity below this many rounding errors, whatever the
# tolerance: X would be lost in them.
_LEAST_GAP = 1e3
# A step that ends this far within what is aimed at ends well within it.
_WELL_WITHIN = 0.3


def aimed_gap(tol: Scalar, like: Array) -> Scalar:
    """Return the relative complementarity that steps aim at."""
    xp = namespace_of(like)
    aim: Scalar = xp.maximum(tol, _LEAST_GAP * xp.finfo(like.dtype).eps)
    return aim


def least_cut(gap: Scalar, aim: Scalar) -> Scalar:
    """Return the cut of the gap below which nothing is gained, since it ends well within `aim`."""
    return _WELL_WITHIN * aim / gap


def newton_factor(problem: Problem, weights: Array, features: Array) -> Array:
    """Return the lower Cholesky factor of the Newton matrix, NaN where there is none.

    `Q / (2 lambda_2) + (V' diag(weights) V) o (V' diag(weights) V)`.

    Parameters
    ----------
    problem : Problem
    weights : array of shape (r,)
        The eigenvalues of X by the smoothing parameter eps; on the central path, in the
        coordinates of M(gamma), the root of mu each.
    features : array of shape (r, l)
        V, Phi in the coordinates in which X and M(gamma) are diagonal.
    """
    root = namespace_of(weights).sqrt(weights)[:, None] * features
    newton = schur_complement(root, root, problem.quadratic, 1 / (2 * problem.reg_potential))
    del root
    return cholesky_with_ridge(newton, overwrite=True)
