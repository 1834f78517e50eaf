"""The commands on files that are larger than what they read into memory."""

from __future__ import annotations

import json
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
