"""How a solve can end."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

from kernel_ot._arrays import Array, Scalar, namespace_of
from kernel_ot.solvers._method import S


class Status(Enum):
    """How a solve ended. The value is a full sentence of cause and advice.

    Every status but `CONVERGED` still comes with the best point that was reached and its true
    residual.

    Examples
    --------
    >>> Status.CONVERGED.code, Status.from_code(0).name
    (0, 'CONVERGED')
    >>> Status.TIME_LIMIT.message[:21]
    'Stopped at time_limit'
    """

    CONVERGED = "Converged: the residual, recomputed from the returned point, is within tol."
    MAX_ITERATIONS = (
        "Stopped at max_iter before the residual came down to tol; raise max_iter, "
        "loosen tol, or continue from here with init=solution."
    )
    TIME_LIMIT = (
        "Stopped at time_limit before the residual came down to tol; raise "
        "time_limit, use fewer filling points, or continue from here with init=solution."
    )
    NO_PROGRESS = (
        "Stopped because the residual no longer falls: the accuracy that this "
        "arithmetic allows for this problem is reached. Loosen tol, raise reg_sos or "
        "reg_potential, or, if the data were float32, solve in float64."
    )
    FACTORIZATION_FAILED = (
        "Stopped because a Cholesky factorisation broke down: the constraint or the Newton matrix "
        "is singular to working precision. Loosen tol, raise reg_sos, or truncate K (rank_tol)."
    )
    EIGENDECOMPOSITION_FAILED = (
        "Stopped because an eigendecomposition did not converge; try the method "
        "'interior_point', which needs none, or truncate K (rank_tol)."
    )
    NON_FINITE = (
        "Stopped because a step held NaN or infinity; the data may span too many orders of "
        "magnitude. Scale the samples, raise reg_sos or reg_potential."
    )
    CALLBACK_STOPPED = "Stopped by the callback; continue from here with init=solution."
    INTERRUPTED = "Interrupted from the keyboard; continue from here with init=solution."

    @property
    def code(self) -> int:
        """Its position among the statuses: what traced code carries; 0 is `CONVERGED`."""
        return list(type(self)).index(self)

    @classmethod
    def from_code(cls, code: Scalar) -> Status:
        """Return the status of that code."""
        return list(cls)[int(code)]

    @property
    def message(self) -> str:
        """The sentence of cause and advice."""
        return self.value


def factorization_code(worked: Array | bool, like: Array) -> Array:
    """Return 0 where a Cholesky factorisation `worked`, the code of its failure elsewhere."""
    code: Array = namespace_of(like).where(worked, 0, Status.FACTORIZATION_FAILED.code)
    return code


def stopped_by_factorization(state: S) -> S:
    """Return a method's state as one from which no step can be taken, for want of a factor."""
    code = factorization_code(False, state.gamma)
    return replace(state, failure=code)  # type: ignore[type-var]
