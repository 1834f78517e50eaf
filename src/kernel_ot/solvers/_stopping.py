"""When a solve ends: pure functions of scalars, which both loops call."""

from __future__ import annotations

from kernel_ot._arrays import Scalar, namespace_of
from kernel_ot.solvers._status import Status

# The code of a solve that goes on.
RUNNING = -1
# A method whose claim to be done is refuted this often is held to a tenth of its tolerance.
_REFUSALS_BEFORE_TIGHTENING = 4
_TIGHTENINGS = 3
# Only a fall of the residual by a tenth in all counts: rounding makes smaller ones for ever.
_FALL = 0.9


def is_fall(residual: Scalar, landmark: Scalar) -> Scalar:
    """Return whether the residual has fallen enough below the last one that had."""
    return residual <= _FALL * landmark


def stopping_code(
    *,
    failure: Scalar,
    finite: Scalar,
    iteration: Scalar,
    max_iter: Scalar,
    since_fall: Scalar,
    patience: int,
    asked_to_stop: Scalar = False,
    out_of_time: Scalar = False,
) -> Scalar:
    """Return the code of the status that ends the steps of a method that is not done.

    Parameters
    ----------
    failure : int
        Code of why the method can take no further step, 0 if it can.
    finite : bool
        Whether the iterate is.
    iteration, max_iter : int
    since_fall, patience : int
        Steps since the residual last fell enough, and how many of them are too many.
    asked_to_stop, out_of_time : bool

    Returns
    -------
    int
        `RUNNING` where nothing ends them; of several reasons the first of the order above.
    """
    xp = namespace_of(failure, finite, iteration)
    reasons = (
        (failure != 0, failure),
        (xp.logical_not(finite), Status.NON_FINITE.code),
        (asked_to_stop, Status.CALLBACK_STOPPED.code),
        (iteration >= max_iter, Status.MAX_ITERATIONS.code),
        (out_of_time, Status.TIME_LIMIT.code),
        (since_fall > patience, Status.NO_PROGRESS.code),
    )
    code = RUNNING
    for applies, reason in reversed(reasons):
        code = xp.where(applies, reason, code)
    return code


def tightened(method_tol: Scalar, tol: Scalar, refusals: Scalar) -> Scalar:
    """Return what a method is held to after so many of its claims were refuted."""
    xp = namespace_of(method_tol, refusals)
    tighten = (refusals % _REFUSALS_BEFORE_TIGHTENING == 0) & (method_tol > tol * 0.1**_TIGHTENINGS)
    held_to: Scalar = xp.where(tighten, 0.1 * method_tol, method_tol)
    return held_to
