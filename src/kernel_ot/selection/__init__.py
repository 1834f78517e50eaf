"""Settings by what held-out points say: splits, paths of regularisations, candidates."""

from kernel_ot.selection._default_kernel import default_kernel, typical_distance
from kernel_ot.selection._paths import KernelChoice, Path, Score, Split, score_path, semi_dual
from kernel_ot.selection._selection import (
    CRITERIA,
    MAX_SEMI_DUAL_DIMENSION,
    REG_POTENTIALS,
    REG_SOS,
    Candidate,
    Criterion,
    bandwidth_factors,
    best_candidate,
    fold_splits,
    least_regularised,
    make_candidate,
    random_splits,
    reg_potentials,
    select,
    share_in_splits,
)
from kernel_ot.selection._settings import Filling, Settings, is_auto, make_problem

__all__ = [
    "CRITERIA",
    "MAX_SEMI_DUAL_DIMENSION",
    "REG_POTENTIALS",
    "REG_SOS",
    "Candidate",
    "Criterion",
    "Filling",
    "KernelChoice",
    "Path",
    "Score",
    "Settings",
    "Split",
    "bandwidth_factors",
    "best_candidate",
    "default_kernel",
    "fold_splits",
    "is_auto",
    "least_regularised",
    "make_candidate",
    "make_problem",
    "random_splits",
    "reg_potentials",
    "score_path",
    "select",
    "semi_dual",
    "share_in_splits",
    "typical_distance",
]
