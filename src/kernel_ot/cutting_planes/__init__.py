"""The main road: filling points by cutting planes, the contact programme, what a fit proves."""

from kernel_ot.cutting_planes._c_transform import c_transform
from kernel_ot.cutting_planes._pairs import PairScan, scan_pairs
from kernel_ot.cutting_planes._programme import polish, solve_pointwise
from kernel_ot.cutting_planes._rounds import AdaptiveFit, FillingRound, adaptive_filling

__all__ = [
    "AdaptiveFit",
    "FillingRound",
    "PairScan",
    "adaptive_filling",
    "c_transform",
    "polish",
    "scan_pairs",
    "solve_pointwise",
]
