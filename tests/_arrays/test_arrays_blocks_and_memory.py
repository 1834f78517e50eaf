"""Blocks of rows, memory estimates, the array namespace."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from kernel_ot._arrays import (
    MemoryLimitError,
    available_bytes,
    block_slices,
    namespace_of,
    require_memory,
    rows_per_block,
)


@given(
    n_rows=st.integers(0, 200),
    n_columns=st.integers(0, 50),
    itemsize=st.sampled_from([4, 8]),
    block_bytes=st.integers(1, 5000),
)
def test_blocks_cover_all_rows_once_and_keep_their_size(
    n_rows: int, n_columns: int, itemsize: int, block_bytes: int
) -> None:
    blocks = list(block_slices(n_rows, n_columns, itemsize, block_bytes))
    rows = [i for block in blocks for i in range(n_rows)[block]]
    assert rows == list(range(n_rows))
    for block in blocks:
        height = block.stop - block.start
        assert height == 1 or height * n_columns * itemsize <= block_bytes
    assert rows_per_block(n_columns, itemsize, block_bytes) >= 1


def test_available_memory_is_what_the_system_says() -> None:
    available = available_bytes()
    assert available is None or 2**20 < available < 2**50


def test_a_need_that_fits_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernel_ot._arrays._memory.available_bytes", lambda: 2**30)
    require_memory(2**30, purpose="a matrix", remedy="Do less.")
    with pytest.raises(
        MemoryLimitError,
        match=r"needs about 3\.0 GiB for a matrix, but 1\.0 GiB are available\. Do less\.",
    ):
        require_memory(3 * 2**30, purpose="a matrix", remedy="Do less.")


def test_the_refusal_is_both_kinds_of_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernel_ot._arrays._memory.available_bytes", lambda: 0)
    for kind in (ValueError, MemoryError):
        with pytest.raises(kind):
            require_memory(1, purpose="p", remedy="r")


def test_nothing_is_refused_where_the_system_does_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernel_ot._arrays._memory.available_bytes", lambda: None)
    require_memory(1e30, purpose="p", remedy="r")


def _fake_files(monkeypatch: pytest.MonkeyPatch, files: dict[str, str]) -> None:
    class FakePath:
        def __init__(self, path: str) -> None:
            self.path = path

        def __truediv__(self, name: str) -> FakePath:
            return FakePath(f"{self.path}/{name}")

        def exists(self) -> bool:
            return self.path in files

        def read_text(self) -> str:
            if self.path not in files:
                raise FileNotFoundError(self.path)
            return files[self.path]

    monkeypatch.setattr("kernel_ot._arrays._memory.Path", FakePath)


MEMINFO = {"/proc/meminfo": "MemTotal: 9 kB\nMemFree: 8 kB\nMemAvailable:   2048 kB\n"}
GROUP = "/sys/fs/cgroup/memory"


@pytest.mark.parametrize(
    ("files", "available"),
    [
        ({}, None),
        (MEMINFO, 2048 * 1024),
        (MEMINFO | {f"{GROUP}.max": "max\n", f"{GROUP}.current": "5\n"}, 2048 * 1024),
        (MEMINFO | {f"{GROUP}.max": "1000\n", f"{GROUP}.current": "400\n"}, 600),
        (MEMINFO | {f"{GROUP}.max": "100\n", f"{GROUP}.current": "400\n"}, 0),
        ({f"{GROUP}.max": "1000\n", f"{GROUP}.current": "400\n"}, 600),
        (MEMINFO | {f"{GROUP}.max": "1000\n"}, 2048 * 1024),
    ],
)
def test_the_smaller_of_the_machine_and_the_control_group(
    monkeypatch: pytest.MonkeyPatch, files: dict[str, str], available: int | None
) -> None:
    _fake_files(monkeypatch, files)
    assert available_bytes() == available


def test_namespace_of_numpy_arrays_and_scalars() -> None:
    assert namespace_of(np.zeros(2), 1.0) is np
    assert namespace_of() is np


def test_namespace_of_another_library(monkeypatch: pytest.MonkeyPatch) -> None:
    class FakeArray:
        pass

    fake: Any = ModuleType("jax")
    fake.Array, fake.numpy = FakeArray, SimpleNamespace(__name__="jax.numpy")
    monkeypatch.setitem(sys.modules, "jax", fake)
    assert namespace_of(FakeArray()).__name__ == "jax.numpy"
    assert namespace_of(np.zeros(2), FakeArray()).__name__ == "jax.numpy"
    assert namespace_of(np.zeros(2)) is np
