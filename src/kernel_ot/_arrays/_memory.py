"""Estimate memory before it is allocated, and refuse with numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_GIB = 2**30


class MemoryLimitError(ValueError, MemoryError):
    """The arrays that a call needs would not fit into the memory that is available."""


def available_bytes() -> int | None:
    """Return the memory that can be allocated now, in bytes; None where the system does not say.

    The smallest of what the kernel reports as available, what a control group leaves, and what the
    limits of this process leave (`ulimit -v`, `ulimit -d`).
    """
    limits: list[int] = list(_left_to_this_process())
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        limits.extend(
            int(line.split()[1]) * 1024
            for line in meminfo.read_text().splitlines()
            if line.startswith("MemAvailable:")
        )
    group = Path("/sys/fs/cgroup")
    try:
        limit = (group / "memory.max").read_text().strip()
        if limit != "max":
            used = int((group / "memory.current").read_text())
            limits.append(max(0, int(limit) - used))
    except OSError:
        pass
    return min(limits) if limits else None


def _left_to_this_process() -> Iterator[int]:
    """Yield what is left of each limit of address space that is set."""
    try:
        import resource

        pages = [int(number) for number in Path("/proc/self/statm").read_text().split()]
    except (ImportError, OSError):  # not on this system
        return
    # In statm: all that is mapped, and what is private and can be written, such as arrays.
    for limit, used in ((resource.RLIMIT_AS, pages[0]), (resource.RLIMIT_DATA, pages[5])):
        allowed, _ = resource.getrlimit(limit)
        if allowed != resource.RLIM_INFINITY:
            yield max(0, allowed - used * resource.getpagesize())


def require_memory(n_bytes: float, *, purpose: str, remedy: str) -> None:
    """Raise `MemoryLimitError` if `n_bytes` exceed what is available.

    Parameters
    ----------
    n_bytes : float
        Estimated peak allocation in bytes.
    purpose : str
        What the memory is for, as it reads after "needs about 3.0 GiB for ...".
    remedy : str
        What the caller can change.

    Raises
    ------
    MemoryLimitError
        A `ValueError` and a `MemoryError`, naming both numbers and the remedy.
    """
    available = available_bytes()
    if available is not None and n_bytes > available:
        raise MemoryLimitError(
            f"This needs about {n_bytes / _GIB:.1f} GiB for {purpose}, "
            f"but {available / _GIB:.1f} GiB are available. {remedy}"
        )
