"""Units and machine: one eigendecomposition, threads, memory, a description of where it ran."""

from __future__ import annotations

import ctypes
import gc
import hashlib
import os
import platform
import subprocess
import tracemalloc
from collections.abc import Callable
from functools import cache
from math import nan
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
import scipy
import threadpoolctl

import kernel_ot
from kernel_ot._arrays import Array

T = TypeVar("T")

# Short eigendecompositions are repeated until this much was timed.
_SMALLEST_SAMPLE = 0.02
_BYTES = np.dtype(np.float64).itemsize


def eigh_seconds(size: int) -> float:
    """Return the time of one `numpy.linalg.eigh` of a `size` x `size` matrix, now.

    The matrix is symmetric with normal entries, the same at every call; the median is returned
    where several fit into a fiftieth of a second.
    """
    matrix = _symmetric(size)
    seconds: list[float] = []
    while sum(seconds) < _SMALLEST_SAMPLE:
        began = perf_counter()
        np.linalg.eigh(matrix)
        seconds.append(perf_counter() - began)
    return median(seconds)


@cache
def _symmetric(size: int) -> Array:
    matrix = np.random.default_rng(0).standard_normal((size, size))
    return (matrix + matrix.T) / 2


def in_eigh(seconds: float, eigh: float) -> float:
    """Convert seconds into eigendecompositions.

    Examples
    --------
    >>> in_eigh(3.0, 0.25)
    12.0
    """
    return seconds / eigh


def in_matrices(n_bytes: float, size: int) -> float:
    """Convert bytes into float64 matrices of `size` x `size`.

    Examples
    --------
    >>> in_matrices(8 * 10 * 10 * 3, 10)
    3.0
    """
    return n_bytes / (_BYTES * size**2)


def peak_memory(action: Callable[[], T], size: int) -> tuple[T, float, float]:
    """Run `action` and return its result and the peaks of memory that it added.

    Returns
    -------
    result
    traced : float
        Peak of what Python and NumPy allocated, in `size` x `size` matrices. The workspace that
        `numpy.linalg` takes inside LAPACK is not seen.
    resident : float
        Peak of the process's resident memory, in the same unit; NaN where Linux's `/proc` is not
        to be had. It sees all, also memory that is kept for reuse.
    """
    gc.collect()
    before = _restart_resident_peak()
    tracemalloc.start()
    try:
        result = action()
        traced = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    resident = _status_bytes("VmHWM") - before
    return result, in_matrices(traced, size), in_matrices(resident, size)


def _restart_resident_peak() -> float:
    try:
        # Memory that the allocator kept from earlier work would hide what is added now.
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
    except (OSError, AttributeError, TypeError):
        return nan
    return _status_bytes("VmRSS")


def _status_bytes(name: str) -> float:
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith(name + ":"):
                return 1024.0 * int(line.split()[1])
    return nan


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def thread_environment(threads: int) -> dict[str, str]:
    """Return the environment in which another process uses `threads` threads."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(names, str(threads))}


def describe_machine(threads: int) -> dict[str, Any]:
    """Return where the numbers come from; numbers with another description do not compare."""
    blas = [entry for entry in threadpoolctl.threadpool_info() if entry["user_api"] == "blas"]
    return {
        "cpu": _cpu_model(),
        "usable cores": usable_cores(),
        "BLAS threads": threads,
        "BLAS": sorted({f"{b['internal_api']} {b['version']}" for b in blas}),
        "NumPy": np.__version__,
        "SciPy": scipy.__version__,
        "Python": platform.python_version(),
        "system": platform.system(),
        "kernel-ot": kernel_ot.__version__,
        "kernel-ot's source": _source_digest(),
    }


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    if platform.system() == "Darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return platform.processor() or platform.machine()


def _source_digest() -> str:
    """Return a digest of what decides the times: the library's rooms below the estimator."""
    digest = hashlib.sha256()
    root = Path(kernel_ot.__file__).parent
    for room in ("arrays", "kernels", "linalg", "filling", "problem", "solvers"):
        for file in sorted((root / room).rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
