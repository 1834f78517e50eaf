"""`KernelOT`: from two samples to cost, potentials and maps, scikit-learn style."""

from __future__ import annotations

from kernel_ot.cutting_planes import Certificate, FillingRound, c_transform
from kernel_ot.estimator._by_blocks import certify
from kernel_ot.estimator._cost_gradients import cost_gradients
from kernel_ot.estimator._fitting import OutlierWarning
from kernel_ot.estimator._interpolation import Interpolation, interpolate as interpolate
from kernel_ot.estimator._kernel_ot import KernelOT as KernelOT
from kernel_ot.estimator._kernel_ot_cv import KernelOTCV as KernelOTCV
from kernel_ot.estimator._progress import (
    BAR_FORMAT as BAR_FORMAT,
    FitProgress,
    FitShare as FitShare,
)
from kernel_ot.estimator._surface import TwoSampleEstimator as TwoSampleEstimator
from kernel_ot.selection import Candidate, Combination

__all__ = [
    "Candidate",
    "Certificate",
    "Combination",
    "FillingRound",
    "FitProgress",
    "Interpolation",
    "OutlierWarning",
    "c_transform",
    "certify",
    "cost_gradients",
]
