"""What a solve returns."""

from __future__ import annotations

from dataclasses import dataclass, field

from kernel_ot._arrays import Array
from kernel_ot.problem import OptimalityReport
from kernel_ot.solvers._status import Status


@dataclass(frozen=True)
class Progress:
    """One iteration, as the callback and the history see it.

    Attributes
    ----------
    iteration : int
        0 is the starting point.
    residual : float
        The method's own estimate of the residual.
    objective : float
        The objective at the iterate; lower than the optimum while the constraint is violated.
    elapsed : float
        Seconds since the solve began.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import Problem, kernels, solve
    >>> x = np.linspace(0, 1, 8)[:, None]
    >>> problem = Problem.from_samples(
    ...     x, x + 1, x, x + 1, kernel=kernels.Gaussian(0.5), reg_sos=0.1, reg_potential=0.1
    ... )
    >>> solve(problem).history[0].iteration
    0
    """

    iteration: int
    residual: float
    objective: float
    elapsed: float


@dataclass(frozen=True, eq=False)
class Solution:
    """The best point that a solve reached and what is true of it.

    Attributes
    ----------
    status : Status
        How the solve ended; `status.message` says why and what to do.
    gamma : array of shape (l,)
        Multipliers of the filling points.
    multiplier : array of shape (r, r)
        X, the sum-of-squares operator in the features' basis.
    objective : float
        Objective at `gamma`.
    cost : float
        Estimate of the optimal transport cost for `c = |x - y|^2 / 2`, of the problem that was
        solved and in its coordinates. `KernelOT.cost_` is the one in those of the samples.
    optimality : OptimalityReport
        The optimality conditions, recomputed from `gamma` and `multiplier` alone.
    iterations : int
        Steps that were taken.
    method : str
        The method that ran.
    seconds : float
        Wall-clock time of the whole call.
    timings : dict of str to float
        Seconds by phase: "init", "steps", "check".
    history : tuple of Progress
        One record an iteration.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import Problem, kernels, solve
    >>> x = np.linspace(0, 1, 8)[:, None]
    >>> problem = Problem.from_samples(
    ...     x, x + 1, x, x + 1, kernel=kernels.Gaussian(0.5), reg_sos=0.1, reg_potential=0.1
    ... )
    >>> solution = solve(problem)
    >>> solution.converged, solution.residual <= 1e-8
    (True, True)
    """

    status: Status
    gamma: Array
    multiplier: Array = field(repr=False)
    objective: float
    cost: float
    optimality: OptimalityReport
    iterations: int
    method: str
    seconds: float
    timings: dict[str, float] = field(repr=False)
    history: tuple[Progress, ...] = field(repr=False)

    @property
    def converged(self) -> bool:
        """Whether the status is `Status.CONVERGED`."""
        return self.status is Status.CONVERGED

    @property
    def residual(self) -> float:
        """Relative KKT residual at the returned point, see `OptimalityReport`."""
        return float(self.optimality.residual)

    @property
    def min_eigenvalue(self) -> float:
        """Smallest eigenvalue of the constraint matrix M(gamma)."""
        return float(self.optimality.min_eigenvalue)

    def __repr__(self) -> str:
        return (
            f"Solution({self.status.name}, cost={self.cost:.6g}, objective={self.objective:.6g}, "
            f"residual={self.residual:.1e}, min_eigenvalue={self.min_eigenvalue:.1e}, "
            f"method={self.method!r}, iterations={self.iterations}, seconds={self.seconds:.3g})"
        )
