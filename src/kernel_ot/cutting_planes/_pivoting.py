r"""Block principal pivoting for the contact programme, warm from one round to the next.

The optimality conditions of :math:`\min_{\gamma \ge 0} \tfrac12 \gamma^\top Q \gamma - z^\top
\gamma` are :math:`\gamma = \max(0, \gamma + z - Q \gamma)`, a piecewise linear equation. A
semismooth Newton step for it guesses which points are in contact, solves :math:`Q_{PP} \gamma_P =
z_P` on them, and exchanges the points where a multiplier is negative or a constraint is violated:
the primal-dual active set method (Hintermueller, Ito, Kunisch 2002). It is the semismooth Newton
method of `kernel_ot.solvers` with the orthant in place of the cone of semidefinite matrices. The
safeguard against cycling is that of block principal pivoting (Portugal, Judice, Vicente 1994; Kim
and Park 2011).
"""

from __future__ import annotations

import numpy as np
import scipy.linalg

from kernel_ot._arrays import Array
from kernel_ot.cutting_planes._programme import Contact

_MAX_EXCHANGES = 60
# Full exchanges that need not reduce the number of wrong points, before single ones.
_PATIENCE = 3


def pivot(
    quadratic: Array, linear: Array, active: Array, *, ridge: float, slack_tol: float
) -> Contact | None:
    r"""Return the minimiser of :math:`\gamma^\top (Q + \rho I) \gamma / 2 - z^\top \gamma`.

    Parameters
    ----------
    quadratic : ndarray of shape (l, l)
        Q, symmetric positive semidefinite.
    linear : ndarray of shape (l,)
        z.
    active : ndarray of bool, shape (l,)
        The points that are tried first.
    ridge : float
        rho; makes the sub-matrices definite, without which pivoting cycles for smooth kernels.
    slack_tol : float
        A point outside whose constraint is violated by less stays outside.

    Returns
    -------
    Contact, optional
        None where exchanges do not end.

    Examples
    --------
    >>> import numpy as np
    >>> found = pivot(
    ...     np.eye(2), np.array([3.0, -1.0]), np.ones(2, dtype=bool), ridge=0.0, slack_tol=0.0
    ... )
    >>> found.points.tolist(), found.gamma.tolist()
    ([True, False], [3.0])
    """
    active = active.copy()
    fewest, patience = len(linear) + 1, _PATIENCE
    for _ in range(_MAX_EXCHANGES):
        inside = np.flatnonzero(active)
        rows = quadratic[inside]  # equal to the columns, and read in one piece
        matrix = rows[:, inside]
        matrix.flat[:: len(inside) + 1] += ridge
        try:
            factor = scipy.linalg.cho_factor(
                matrix, lower=True, overwrite_a=True, check_finite=False
            )
        except np.linalg.LinAlgError:
            return None
        gamma = np.zeros(len(linear))
        gamma[inside] = scipy.linalg.cho_solve(factor, linear[inside], check_finite=False)
        wrong = np.where(active, gamma < 0, linear - gamma[inside] @ rows > slack_tol)
        n_wrong = int(np.count_nonzero(wrong))
        if n_wrong == 0:
            points = active & (gamma > 0)
            return Contact(points, gamma[points])
        if n_wrong < fewest:
            fewest, patience = n_wrong, _PATIENCE
        elif patience > 0:
            patience -= 1
        else:
            wrong[: np.flatnonzero(wrong)[-1]] = False  # Murty's single exchange ends for certain
        active ^= wrong
    return None
