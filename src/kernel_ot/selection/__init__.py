"""Settings by what held-out points say: splits, paths of regularisations, candidates.

Nothing here is public; users take candidates from `kernel_ot.estimator`.
"""

from kernel_ot.selection._combination import (
    Combination as Combination,
    combine as combine,
    weigh as weigh,
)
from kernel_ot.selection._default_kernel import (
    RoughKernel as RoughKernel,
    default_kernel as default_kernel,
    roughened as roughened,
    typical_distance as typical_distance,
)
from kernel_ot.selection._entropic import entropic_potentials as entropic_potentials
from kernel_ot.selection._filling import (
    Filling as Filling,
    FillingChoice as FillingChoice,
    is_auto as is_auto,
)
from kernel_ot.selection._kept_out import (
    KeptOut as KeptOut,
    combine_on_kept_out as combine_on_kept_out,
    three_quarters_and_the_rest as three_quarters_and_the_rest,
)
from kernel_ot.selection._line import (
    POINTS_FOR_SPLINES as POINTS_FOR_SPLINES,
    combine_splines as combine_splines,
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
    chosen_kernel as chosen_kernel,
    held_out_energy as held_out_energy,
    score_path as score_path,
    semi_dual as semi_dual,
    standard_error as standard_error,
)
from kernel_ot.selection._selection import (
    CRITERIA as CRITERIA,
    MANY_POINTS as MANY_POINTS,
    REG_POTENTIALS as REG_POTENTIALS,
    REG_SOS as REG_SOS,
    Candidate as Candidate,
    Criterion as Criterion,
    Selection as Selection,
    bandwidth_factors as bandwidth_factors,
    baseline_candidate as baseline_candidate,
    best_candidate as best_candidate,
    default_kernels as default_kernels,
    default_splits as default_splits,
    least_regularised as least_regularised,
    make_candidate as make_candidate,
    reg_potentials as reg_potentials,
    select as select,
)
from kernel_ot.selection._spline import spline_potentials as spline_potentials
from kernel_ot.selection._splits import (
    MAX_SEMI_DUAL_DIMENSION as MAX_SEMI_DUAL_DIMENSION,
    Splitter as Splitter,
    error_over_splits as error_over_splits,
    fold_splits as fold_splits,
    is_trusted as is_trusted,
    random_splits as random_splits,
    share_in_splits as share_in_splits,
)
