"""Threads of BLAS: NumPy's and SciPy's wheels bring one each, and they get in each other's way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from threadpoolctl import ThreadpoolController

# Up to this size threads of SciPy's BLAS cost time: 1.8 to 3 times a solve's at 400 and 800, a
# fifth at 1600, on two cores.
_LARGEST = 2000

_lock = threading.Lock()
_inside: dict[str, Any] = {"solves": 0, "limits": []}


@contextmanager
def scipy_on_one_thread(size: int) -> Iterator[None]:
    """Keep SciPy's own BLAS to one thread inside, for matrices of up to 2000 rows.

    Its threads and those of NumPy's wait actively for work, on the cores that the others need.
    NumPy's keep their number; where both share one BLAS nothing changes. The limit holds for the
    whole process as long as anyone is inside, and is taken back by the last to leave.

    Parameters
    ----------
    size : int
        Rows of the largest matrix.
    """
    if size > _LARGEST:
        yield
        return
    with _lock:
        if _inside["solves"] == 0:
            _inside["limits"] = [(library, library.num_threads) for library in _scipy_libraries()]
            for library, _ in _inside["limits"]:
                library.set_num_threads(1)
        _inside["solves"] += 1
    try:
        yield
    finally:
        with _lock:
            _inside["solves"] -= 1
            if _inside["solves"] == 0:
                for library, threads in _inside["limits"]:
                    library.set_num_threads(threads)


@cache
def _scipy_libraries() -> tuple[Any, ...]:
    """Return the BLAS libraries that came with SciPy alone: looked for once, it takes a while."""
    blas = ThreadpoolController().select(user_api="blas").lib_controllers
    return tuple(
        library for library in blas if {"scipy", "scipy.libs"} & set(Path(library.filepath).parts)
    )
