"""Write files so that a reader never sees half of one.

Nothing here is public.
"""

from kernel_ot._files._atomic import (
    ARCHIVE as ARCHIVE,
    PAGE as PAGE,
    atomic_path as atomic_path,
    check_destination as check_destination,
)
