"""What a solve returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kernel_ot._arrays import Array, Scalar, as_float, is_traced, pytree
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


@pytree()
@dataclass(frozen=True, eq=False)
class Records:
    """What each iteration was recorded with, as arrays that compiled code can fill.

    Attributes
    ----------
    count : int, or array of shape (...)
        How many records there are; entries beyond are NaN.
    residual, objective, elapsed : array of shape (..., k)
        As in `Progress`, from the starting point on; `elapsed` is NaN on JAX, whose compiled code
        cannot look at a clock.

    Examples
    --------
    >>> Records.of([Progress(0, 0.5, 1.0, 0.0), Progress(1, 0.1, 1.2, 0.3)]).residual
    array([0.5, 0.1])
    """

    count: Scalar
    residual: Array
    objective: Array
    elapsed: Array

    @classmethod
    def of(cls, history: Sequence[Progress]) -> Records:
        """Return the records of these iterations, which begin with number 0."""
        rows = [(p.residual, p.objective, p.elapsed) for p in history]
        return cls(len(rows), *np.array(rows, dtype=np.float64).reshape(-1, 3).T)


@pytree(static=("method",))
@dataclass(frozen=True, eq=False)
class Solution:
    """The best point that a solve reached and what is true of it.

    A pytree: compiled JAX functions take and return it. Of a solve on NumPy its numbers are
    Python's. Of one on JAX they are arrays; under `jax.vmap` all shapes have leading axes.

    Attributes
    ----------
    code : int
        `Status.code` of how the solve ended; 0 is `Status.CONVERGED`.
    gamma : array of shape (l,)
        Multipliers of the filling points.
    multiplier : array of shape (r, r)
        X, the sum-of-squares operator in the features' basis.
    objective : float
        Objective at `gamma`; on JAX its derivatives are those of the envelope theorem.
    cost : float
        Estimate of the optimal transport cost for `c = |x - y|^2 / 2`, of the problem that was
        solved and in its coordinates. `KernelOT.cost_` is the one in those of the samples.
    optimality : OptimalityReport
        The optimality conditions, recomputed from `gamma` and `multiplier` alone. Its derivatives
        on JAX are 0.
    iterations : int
        Steps that were taken.
    method : str
        The method that ran.
    seconds : float
        Wall-clock time of the whole call; NaN on JAX, where it runs on after the call.
    timings : dict of str to float
        Seconds by phase: "init", "steps", "check"; likewise.
    records : Records
        One record an iteration, as arrays.

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

    # As with `Array`: NumPy's types are what a type checker can verify.
    code: int
    gamma: Array
    multiplier: Array
    objective: float
    cost: float
    optimality: OptimalityReport
    iterations: int
    method: str
    seconds: float
    timings: dict[str, float]
    records: Records

    @property
    def converged(self) -> bool:
        """Whether the solve ended with `Status.CONVERGED`; on JAX an array of Booleans."""
        return self.code == Status.CONVERGED.code

    @property
    def status(self) -> Status:
        """How the solve ended; `status.message` says why and what to do.

        Raises
        ------
        ValueError
            Inside of traced JAX code, or for a batch: a `Status` is one Python object. `code` and
            `converged` are there always.
        """
        self._require_one("status", "converged, or code with Status.from_code")
        return Status.from_code(self.code)

    @property
    def history(self) -> tuple[Progress, ...]:
        """One `Progress` an iteration.

        Raises
        ------
        ValueError
            Inside of traced JAX code, or for a batch; `records` are there always.
        """
        self._require_one("history", "records")
        r = self.records
        columns = (np.asarray(column) for column in (r.residual, r.objective, r.elapsed))
        rows = zip(range(int(r.count)), *columns, strict=False)
        return tuple(Progress(i, *(float(value) for value in row)) for i, *row in rows)

    @property
    def residual(self) -> float:
        """Relative KKT residual at the returned point, see `OptimalityReport`."""
        return as_float(self.optimality.residual)

    @property
    def min_eigenvalue(self) -> float:
        """Smallest eigenvalue of the constraint matrix M(gamma)."""
        return as_float(self.optimality.min_eigenvalue)

    def _is_one(self) -> bool:
        return not is_traced(self.code) and np.ndim(self.code) == 0

    def _require_one(self, name: str, instead: str) -> None:
        if not self._is_one():
            raise ValueError(
                f"{name} is made of Python objects, which traced code and batches do not have; "
                f"use {instead}."
            )

    def __repr__(self) -> str:
        if not self._is_one():
            shapes = f"gamma of shape {self.gamma.shape}, multiplier of {self.multiplier.shape}"
            return f"Solution({shapes}, method={self.method!r})"
        return (
            f"Solution({self.status.name}, cost={self.cost:.6g}, objective={self.objective:.6g}, "
            f"residual={self.residual:.1e}, min_eigenvalue={self.min_eigenvalue:.1e}, "
            f"method={self.method!r}, iterations={self.iterations}, seconds={self.seconds:.3g})"
        )
