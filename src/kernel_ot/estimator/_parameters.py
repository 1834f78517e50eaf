"""The parameters of a fit, as `KernelOT` holds them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from kernel_ot._arrays import RandomState
from kernel_ot.estimator._progress import Callback
from kernel_ot.kernels import Kernel
from kernel_ot.selection import Criterion, FillingChoice, KernelChoice


class GridParameters(Protocol):
    """What `KernelOTCV` compares; its docstring says what each is."""

    kernels: Iterable[KernelChoice]
    reg_potentials: Iterable[float]
    reg_sos: Iterable[float]
    criterion: Criterion


class FitParameters(Protocol):
    """What `KernelOT` was made with; its docstring says what each is."""

    kernel: str | Kernel
    reg_sos: str | float
    reg_potential: str | float
    n_fill: str | int
    filling: FillingChoice
    preconditioner: str | None
    method: str
    tol: float
    violation_tol: float
    max_iter: int | None
    time_limit: float | None
    n_splits: str | int
    random_state: RandomState
    verdict: str | bool
    callback: Callback | None
    verbose: int
    n_jobs: int | None
    outliers: str
    combine: bool
