"""The main road: filling points by cutting planes, the contact programme, what a fit proves.

Nothing here is public; users take certificates and rounds from `kernel_ot.estimator`.
"""

from kernel_ot.cutting_planes._c_transform import c_transform as c_transform, descend as descend
from kernel_ot.cutting_planes._certificate import (
    CONFIDENCE as CONFIDENCE,
    Certificate as Certificate,
)
from kernel_ot.cutting_planes._contact import (
    ContactPoints as ContactPoints,
    Embeddings as Embeddings,
)
from kernel_ot.cutting_planes._pairs import scan_pairs as scan_pairs
from kernel_ot.cutting_planes._rounds import (
    AdaptiveFit as AdaptiveFit,
    FillingRound as FillingRound,
    adaptive_filling as adaptive_filling,
    violation as violation,
    worst_spread as worst_spread,
)
from kernel_ot.cutting_planes._settings import Settings as Settings, make_problem as make_problem
from kernel_ot.cutting_planes._solve import (
    FilledProblem as FilledProblem,
    StopRule as StopRule,
    fill_by_cutting_planes as fill_by_cutting_planes,
)
