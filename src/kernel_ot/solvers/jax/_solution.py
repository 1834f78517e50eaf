"""What a solve of JAX arrays returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kernel_ot._arrays import Array, is_traced, pytree
from kernel_ot.problem import OptimalityReport
from kernel_ot.solvers._status import Status


@pytree(static=("method",))
@dataclass(frozen=True, eq=False)
class TracedSolution:
    """The best point that a solve on JAX reached; a pytree of arrays, also of a whole batch.

    Parameters
    ----------
    code : int array of shape (...)
        `Status.code` of how the solve ended; 0 is `Status.CONVERGED`. Leading axes, here and
        below, are those of `jax.vmap`.
    gamma : array of shape (..., l)
        Multipliers of the filling points.
    multiplier : array of shape (..., r, r)
        X, the sum-of-squares operator in the features' basis.
    objective : array of shape (...)
        Objective at `gamma`; its derivatives are those of the envelope theorem.
    cost : array of shape (...)
        Estimate of the optimal transport cost for `c = |x - y|^2 / 2`, of the problem that was
        solved and in its coordinates.
    optimality : OptimalityReport
        The optimality conditions, recomputed from `gamma` and `multiplier` alone. Not
        differentiable: its derivatives are 0.
    iterations : int array of shape (...)
    residual_history : array of shape (..., k)
        The method's own residual at the start and after each step, NaN beyond the last.
    method : str
        The method that ran.

    Examples
    --------
    >>> import jax
    >>> jax.config.update("jax_enable_x64", True)
    >>> import jax.numpy as jnp
    >>> from kernel_ot import Problem, kernels, solve
    >>> x = jnp.linspace(0, 1, 8)[:, None]
    >>> problem = Problem.from_samples(
    ...     x, x + 1, x, x + 1, kernel=kernels.Gaussian(0.5), reg_sos=0.1, reg_potential=0.1
    ... )
    >>> solve(problem).status.name
    'CONVERGED'
    """

    code: Any
    gamma: Array
    multiplier: Array = field(repr=False)
    objective: Any
    cost: Any
    optimality: OptimalityReport = field(repr=False)
    iterations: Any
    residual_history: Array = field(repr=False)
    method: str

    @property
    def converged(self) -> Any:
        """Whether the solve converged, an array of Booleans of shape (...)."""
        return self.code == Status.CONVERGED.code

    @property
    def status(self) -> Status:
        """How the solve ended, outside of traced code and for a single problem.

        Raises
        ------
        ValueError
            Inside of traced code, or for a batch; `code` and `converged` are there always.
        """
        if is_traced(self.code) or self.code.ndim:
            raise ValueError(
                "status is one Python object, which traced code and batches do not have; use "
                "converged, or code with Status.from_code."
            )
        return Status.from_code(self.code)

    @property
    def residual(self) -> Any:
        """Relative KKT residual at the returned point, see `OptimalityReport`."""
        return self.optimality.residual

    @property
    def min_eigenvalue(self) -> Any:
        """Smallest eigenvalue of the constraint matrix M(gamma)."""
        return self.optimality.min_eigenvalue
