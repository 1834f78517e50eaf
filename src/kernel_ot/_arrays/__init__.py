"""Which array library an array belongs to, input validation, blocks of rows, memory.

Nothing here is public.
"""

from kernel_ot._arrays._blocks import block_slices as block_slices, rows_per_block as rows_per_block
from kernel_ot._arrays._containers import (
    refuse_collections as refuse_collections,
    refuse_containers as refuse_containers,
)
from kernel_ot._arrays._control import (
    branch as branch,
    one_by_one_on_cpu as one_by_one_on_cpu,
    while_loop as while_loop,
    with_entry as with_entry,
)
from kernel_ot._arrays._frames import (
    FRAME_LIBRARIES as FRAME_LIBRARIES,
    as_pandas as as_pandas,
    check_feature_names as check_feature_names,
    check_same_names as check_same_names,
    frame_library as frame_library,
    is_pandas as is_pandas,
)
from kernel_ot._arrays._memory import (
    MemoryLimitError as MemoryLimitError,
    available_bytes as available_bytes,
    require_memory as require_memory,
)
from kernel_ot._arrays._namespace import (
    Array as Array,
    Namespace as Namespace,
    Scalar as Scalar,
    as_float as as_float,
    is_traced as is_traced,
    namespace_of as namespace_of,
)
from kernel_ot._arrays._placement import (
    is_tensor as is_tensor,
    on_host as on_host,
    placed_like as placed_like,
)
from kernel_ot._arrays._precision import (
    kept_type as kept_type,
    refuse_beyond_single as refuse_beyond_single,
    rounded_to as rounded_to,
)
from kernel_ot._arrays._pytrees import pytree as pytree, register_pytrees as register_pytrees
from kernel_ot._arrays._validation import (
    RandomState as RandomState,
    as_numbers as as_numbers,
    check_generator as check_generator,
    check_jobs as check_jobs,
    check_non_negative as check_non_negative,
    check_points as check_points,
    check_positive as check_positive,
    check_same_dimension as check_same_dimension,
    check_sample as check_sample,
    check_weights as check_weights,
    is_numeric as is_numeric,
)
from kernel_ot._arrays._words import agreeing as agreeing, counted as counted, shown as shown
