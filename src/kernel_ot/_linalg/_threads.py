"""Threads of BLAS: NumPy's and SciPy's wheels bring one each, and they get in each other's way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from threadpoolctl import LibController, ThreadpoolController

# Up to this size threads of SciPy's BLAS cost time: 1.8 to 3 times a solve's at 400 and 800, a
# fifth at 1600, on two cores.
_LARGEST = 2000

_lock = threading.Lock()
# By library: how many are inside, and the number of threads that it had before the first.
_held: dict[str, tuple[int, int]] = {}


@contextmanager
def _on_one_thread(libraries: tuple[LibController, ...]) -> Iterator[None]:
    inside: list[LibController] = []
    try:  # an interrupt at any point lets go of what is held by then
        with _lock:
            for library in libraries:
                n_inside, threads = _held.get(library.filepath, (0, library.num_threads))
                _held[library.filepath] = n_inside + 1, threads
                inside.append(library)
                if n_inside == 0:
                    library.set_num_threads(1)
        yield
    finally:
        with _lock:
            for library in inside:
                n_inside, threads = _held.pop(library.filepath)
                if n_inside == 1:
                    library.set_num_threads(threads)
                else:
                    _held[library.filepath] = n_inside - 1, threads


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
    with _on_one_thread(_libraries(of_scipy_alone=True)):
        yield


@contextmanager
def blas_on_one_thread() -> Iterator[None]:
    """Keep NumPy's and SciPy's BLAS to one thread inside, for work on many small matrices.

    Between the small products of a fit the threads of either pool wait actively for the other's.
    The limit holds for the whole process as long as anyone is inside.
    """
    with _on_one_thread(_libraries(of_scipy_alone=False)):
        yield


@cache
def _libraries(of_scipy_alone: bool) -> tuple[LibController, ...]:
    """Return the BLAS libraries that are loaded: looked for once, it takes a while."""
    blas = ThreadpoolController().select(user_api="blas").lib_controllers
    own = {"scipy", "scipy.libs"}
    return tuple(
        library for library in blas if not of_scipy_alone or own & set(Path(library.filepath).parts)
    )
