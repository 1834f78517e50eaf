"""The parameters of a fit, as `KernelOT` holds them."""

from __future__ import annotations

from typing import Any, Protocol

from kernel_ot.estimator._progress import Callback
from kernel_ot.kernels import Kernel


class FitParameters(Protocol):
    """What `KernelOT` was made with; its docstring says what each is."""

    kernel: str | Kernel
    reg_sos: str | float
    reg_potential: str | float
    n_fill: str | int
    filling: Any
    preconditioner: str | None
    method: str
    tol: float
    violation_tol: float
    max_iter: int | None
    time_limit: float | None
    n_splits: int
    random_state: Any
    verdict: str | bool
    callback: Callback | None
    verbose: int
    n_jobs: int | None
    outliers: str
    combine: bool
