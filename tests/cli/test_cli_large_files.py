"""The commands on files that are larger than what they read into memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from kernel_ot import KernelOT
from kernel_ot.cli._app import app


def test_large_files_are_fitted_and_mapped_by_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kernel_ot.cli._commands._MOST_BYTES_IN_MEMORY", 1000)
    monkeypatch.setattr("kernel_ot.cli._options.TableOptions.read", None)  # nothing is read whole
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5200, 2)).astype(np.float32), rng.normal(size=(5200, 2)) + 1
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    files = {name: str(tmp_path / name) for name in ("x.npy", "y.npy", "m.kot", "images.npy")}
    settings = ["--bandwidth", "2.0", "--reg-potential", "1e-2", "--json", "--progress"]
    fitted = CliRunner().invoke(
        app, ["fit", files["x.npy"], files["y.npy"], "--out", files["m.kot"], *settings]
    )
    assert fitted.exit_code == 0, fitted.output
    assert "fit: 100%" in fitted.stderr
    assert json.loads(fitted.stdout)["cost"] == pytest.approx(1.0, abs=0.1)
    mapped = CliRunner().invoke(
        app, ["transform", files["m.kot"], files["x.npy"], "--out", files["images.npy"], "--json"]
    )
    assert mapped.exit_code == 0, mapped.output
    images = np.load(files["images.npy"])
    assert images.dtype == np.float32
    np.testing.assert_allclose(images, KernelOT.load(files["m.kot"]).transform(x), atol=1e-5)


_UNDER_A_LIMIT = """
import resource, sys
from kernel_ot.cli import _app, main

limit = int(sys.argv.pop(1)) * 2**20
used = 4096 * int(open("/proc/self/statm").read().split()[5])
resource.setrlimit(resource.RLIMIT_DATA, (used + limit, used + limit))
main()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts what is private")
def test_files_larger_than_the_memory_that_is_allowed_are_fitted(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    n = 7_000_000
    for name in ("x", "y"):
        points = np.lib.format.open_memmap(
            tmp_path / f"{name}.npy", mode="w+", dtype=np.float64, shape=(n, 4)
        )
        block = rng.normal(size=(n // 10, 4)) + (name == "y")
        for start in range(0, n, n // 10):
            points[start : start + n // 10] = block
        points.flush()
    files_mib = sum(file.stat().st_size for file in tmp_path.iterdir()) / 2**20

    def fitted(mib: int) -> subprocess.CompletedProcess[str]:
        arguments = ["fit", "x.npy", "y.npy", "--out", "m.kot", "--json"]
        settings = ["--bandwidth", "3.0", "--reg-potential", "0.1", "--time-limit", "20"]
        return subprocess.run(
            [sys.executable, "-c", _UNDER_A_LIMIT, str(mib), *arguments, *settings],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )

    assert files_mib > 420
    process = fitted(380)
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout)["cost"] == pytest.approx(2.0, abs=0.1)
    refused = fitted(200)
    assert refused.returncode == 1
    assert "This needs about 0.3 GiB for 400000 of the 7000000 + 7000000 points" in refused.stderr
    assert "GiB are available" in refused.stderr
