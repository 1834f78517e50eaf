"""The main road: filling points by cutting planes, the contact programme, what a fit proves."""

from kernel_ot.cutting_planes._c_transform import c_transform, descend
from kernel_ot.cutting_planes._certificate import CONFIDENCE, Certificate
from kernel_ot.cutting_planes._contact import ContactPoints, Embeddings
from kernel_ot.cutting_planes._pairs import scan_pairs
from kernel_ot.cutting_planes._rounds import (
    AdaptiveFit,
    FillingRound,
    adaptive_filling,
    worst_spread,
)
from kernel_ot.cutting_planes._solve import FilledProblem, StopRule, fill_by_cutting_planes

__all__ = [
    "CONFIDENCE",
    "AdaptiveFit",
    "Certificate",
    "ContactPoints",
    "Embeddings",
    "FilledProblem",
    "FillingRound",
    "StopRule",
    "adaptive_filling",
    "c_transform",
    "descend",
    "fill_by_cutting_planes",
    "scan_pairs",
    "worst_spread",
]
