from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import kernel_ot
from kernel_ot.cli._benchmark import find_checkout

ROOT = Path(__file__).resolve().parents[2]


def test_the_command_runs_the_benchmark_with_its_own_options(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from kernel_ot.cli import main; main()", "benchmark"]
    wrong = subprocess.run(
        [*command, "--only", "abacus", "--out", str(tmp_path)],
        cwd=ROOT / "src",
        capture_output=True,
        text=True,
        check=False,
    )
    assert wrong.returncode == 1
    assert "Unknown in --only: abacus" in wrong.stderr


def test_without_a_checkout_it_says_where_the_benchmarks_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT / "tests")
    assert find_checkout() == ROOT
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(kernel_ot, "__file__", str(tmp_path / "a" / "b" / "c.py"))
    with pytest.raises(FileNotFoundError, match="Get kernel-ot's source"):
        find_checkout()
