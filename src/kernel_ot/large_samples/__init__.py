"""Fits of more points than pairs can be looked at, from passes over blocks."""

from kernel_ot.large_samples._certify import MOST_EXACT_PAIRS, certify, upper_share
from kernel_ot.large_samples._fit import KEPT, LargeFit, Options, fit_large
from kernel_ot.large_samples._monitor import Monitor, Unwatched
from kernel_ot.large_samples._problem import landmark_problem

__all__ = [
    "KEPT",
    "MOST_EXACT_PAIRS",
    "LargeFit",
    "Monitor",
    "Options",
    "Unwatched",
    "certify",
    "fit_large",
    "landmark_problem",
    "upper_share",
]
