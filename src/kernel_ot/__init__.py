"""Kernel-based optimal transport: cost, potentials and maps from two samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel_ot import kernels
from kernel_ot._version import __version__
from kernel_ot.divergences import (
    Divergence,
    DivergenceSettings,
    TwoSampleTest,
    divergence,
    two_sample_test,
)
from kernel_ot.potentials import KernelExpansion, Potentials
from kernel_ot.problem import Problem
from kernel_ot.solvers import Solution, Status, solve, solve_batch

if TYPE_CHECKING:
    from kernel_ot.estimator import KernelOT, KernelOTCV, interpolate

__all__ = [
    "Divergence",
    "DivergenceSettings",
    "KernelExpansion",
    "KernelOT",
    "KernelOTCV",
    "Potentials",
    "Problem",
    "Solution",
    "Status",
    "TwoSampleTest",
    "__version__",
    "divergence",
    "interpolate",
    "kernels",
    "solve",
    "solve_batch",
    "two_sample_test",
]


def __getattr__(name: str) -> object:
    # Late, since the estimator needs scikit-learn and the rest of the library does not.
    if name in ("KernelOT", "KernelOTCV", "interpolate"):
        from kernel_ot import estimator

        return getattr(estimator, name)
    raise AttributeError(f"module 'kernel_ot' has no attribute {name!r}")
