"""Write files so that a reader never sees half of one."""

from kernel_ot._files._atomic import atomic_path, check_destination

__all__ = ["atomic_path", "check_destination"]
