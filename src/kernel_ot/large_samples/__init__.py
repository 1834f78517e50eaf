"""Fits of more points than pairs can be looked at, from passes over blocks.

Nothing here is public.
"""

from kernel_ot.large_samples._certify import (
    MOST_EXACT_PAIRS as MOST_EXACT_PAIRS,
    certify_clouds as certify_clouds,
    upper_share as upper_share,
)
from kernel_ot.large_samples._fit import (
    KEPT as KEPT,
    Options as Options,
    fit_large as fit_large,
    require_room as require_room,
)
from kernel_ot.large_samples._problem import landmark_problem as landmark_problem
