"""Which array library an array belongs to, input validation, blocks of rows, memory."""

from kernel_ot._arrays._blocks import DEFAULT_BLOCK_BYTES, block_slices, rows_per_block
from kernel_ot._arrays._control import branch, one_by_one_on_cpu, while_loop, with_entry
from kernel_ot._arrays._frames import FRAME_LIBRARIES, frame_library
from kernel_ot._arrays._memory import MemoryLimitError, available_bytes, require_memory
from kernel_ot._arrays._namespace import Array, Namespace, is_traced, namespace_of
from kernel_ot._arrays._placement import is_tensor, on_host, placed_like
from kernel_ot._arrays._pytrees import pytree, register_pytrees
from kernel_ot._arrays._validation import (
    as_numbers,
    check_generator,
    check_non_negative,
    check_points,
    check_positive,
    check_same_dimension,
    check_sample,
    check_weights,
)

__all__ = [
    "DEFAULT_BLOCK_BYTES",
    "FRAME_LIBRARIES",
    "Array",
    "MemoryLimitError",
    "Namespace",
    "as_numbers",
    "available_bytes",
    "block_slices",
    "branch",
    "check_generator",
    "check_non_negative",
    "check_points",
    "check_positive",
    "check_same_dimension",
    "check_sample",
    "check_weights",
    "frame_library",
    "is_tensor",
    "is_traced",
    "namespace_of",
    "on_host",
    "one_by_one_on_cpu",
    "placed_like",
    "pytree",
    "register_pytrees",
    "require_memory",
    "rows_per_block",
    "while_loop",
    "with_entry",
]
