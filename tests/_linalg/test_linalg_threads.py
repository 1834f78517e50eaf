"""SciPy's BLAS on one thread while a solve runs."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import scipy.linalg  # noqa: F401  (loads its BLAS)
from threadpoolctl import threadpool_info, threadpool_limits

from helpers import similar_case
from kernel_ot import KernelOT, solve
from kernel_ot._linalg import blas_on_one_thread, scipy_on_one_thread


def _threads() -> dict[str, int]:
    blas = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return {library["filepath"]: library["num_threads"] for library in blas}


def _of_scipy(threads: dict[str, int]) -> list[int]:
    return [count for path, count in threads.items() if "/scipy" in path]


def test_only_inside_and_only_scipys() -> None:
    if not _of_scipy(_threads()):
        pytest.skip("NumPy and SciPy share one BLAS here")
    with threadpool_limits(limits=2, user_api="blas"):
        before = _threads()
        with scipy_on_one_thread(100):
            inside = _threads()
            with scipy_on_one_thread(100):
                pass
            assert _threads() == inside  # the last to leave takes the limit back
        assert _of_scipy(inside) == [1]
        assert {p: n for p, n in inside.items() if "/scipy" not in p} == {
            p: n for p, n in before.items() if "/scipy" not in p
        }
        assert _threads() == before
        with scipy_on_one_thread(5000):
            assert _threads() == before


def test_a_fault_and_other_threads_leave_nothing_behind() -> None:
    with threadpool_limits(limits=2, user_api="blas"):
        before = _threads()
        with pytest.raises(RuntimeError), scipy_on_one_thread(100):
            raise RuntimeError
        assert _threads() == before
        problem = similar_case("wide", 2, 24, seed=1).problem()
        solves = [threading.Thread(target=solve, args=(problem,)) for _ in range(8)]
        for thread in solves:
            thread.start()
        for thread in solves:
            thread.join()
        assert _threads() == before


def test_every_pool_is_held_and_given_back_whoever_leaves_first() -> None:
    with threadpool_limits(limits=2, user_api="blas"):
        before = _threads()
        outer, inner = blas_on_one_thread(), scipy_on_one_thread(100)
        outer.__enter__()
        inner.__enter__()
        assert set(_threads().values()) == {1}
        outer.__exit__(None, None, None)
        assert _of_scipy(_threads()) in ([], [1])
        inner.__exit__(None, None, None)
        assert _threads() == before


def test_a_fit_holds_every_pool_and_gives_them_back() -> None:
    x = np.random.default_rng(0).normal(size=(30, 2))
    seen: list[dict[str, int]] = []
    with threadpool_limits(limits=2, user_api="blas"):
        before = _threads()
        KernelOT(callback=lambda _: seen.append(_threads())).fit(x, x[::-1] + 1)
        assert set(seen[0].values()) == {1}
        assert _threads() == before
