"""Settings by what held-out points say: splits, paths of regularisations, candidates.

Nothing here is public; users take candidates from `kernel_ot.estimator`.
"""

from kernel_ot.selection._combination import Combination as Combination, combine as combine
from kernel_ot.selection._default_kernel import (
    default_kernel as default_kernel,
    typical_distance as typical_distance,
)
from kernel_ot.selection._entropic import entropic_potentials as entropic_potentials
from kernel_ot.selection._filling import (
    Filling as Filling,
    FillingChoice as FillingChoice,
    is_auto as is_auto,
)
from kernel_ot.selection._paths import (
    Baseline as Baseline,
    KernelChoice as KernelChoice,
    OnRound as OnRound,
    Pair as Pair,
    Path as Path,
    Score as Score,
    Trial as Trial,
    Walk as Walk,
    held_out_energy as held_out_energy,
    score_path as score_path,
    semi_dual as semi_dual,
    standard_error as standard_error,
)
from kernel_ot.selection._selection import (
    CRITERIA as CRITERIA,
    MAX_SEMI_DUAL_DIMENSION as MAX_SEMI_DUAL_DIMENSION,
    REG_POTENTIALS as REG_POTENTIALS,
    REG_SOS as REG_SOS,
    Candidate as Candidate,
    Criterion as Criterion,
    Selection as Selection,
    Splitter as Splitter,
    bandwidth_factors as bandwidth_factors,
    baseline_candidate as baseline_candidate,
    best_candidate as best_candidate,
    fold_splits as fold_splits,
    least_regularised as least_regularised,
    make_candidate as make_candidate,
    random_splits as random_splits,
    reg_potentials as reg_potentials,
    select as select,
    share_in_splits as share_in_splits,
)
