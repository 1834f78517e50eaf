"""Figures of the benchmarks page, drawn from the dated result files."""

from __future__ import annotations

from pathlib import Path


def draw_benchmark_figures(results: Path, folder: Path) -> None:
    """Draw what `results` holds into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
