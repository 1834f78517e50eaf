"""Figures that pages state against the newest dated measurements."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from kernel_ot import KernelOT

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
sys.path.insert(0, str(ROOT / "docs"))

from _sphinx.benchmark_figures import draw_benchmark_figures  # noqa: E402
from _sphinx.results import ResultFile, newest, readme_figures  # noqa: E402

HEAD = "# date: 2026-01-0{0}\n# machine: m\n# versions: v\n# command: c\n"


def test_the_readmes_figures_are_the_newest_measured() -> None:
    text = re.sub(r"\s+", " ", (ROOT / "README.md").read_text())
    stated = re.findall(r"error is ([\d.]+) times|takes ([\d.]+) seconds|hold to (\S+);", text)
    error, seconds, tolerance = ("".join(found) for found in stated)
    measured = readme_figures(RESULTS)
    assert (error, seconds) == (f"{measured['error']:.2f}", f"{measured['seconds']:.1f}")
    assert float(tolerance) == KernelOT().tol


def test_the_newest_file_of_a_kind_is_taken(tmp_path: Path) -> None:
    for day in (1, 3, 2):
        path = tmp_path / f"2026-01-0{day}-scale.csv"
        path.write_text(HEAD.format(day) + "d,n\n5,1\n")
    (tmp_path / "2026-02-01-large-scale.csv").write_text("of another kind")
    assert newest(tmp_path, "scale").head["date"] == "2026-01-03"
    assert newest(tmp_path, "scale").rows == [{"dimension": "5", "n": "1"}]
    with pytest.raises(FileNotFoundError, match=r"no file DATE-times\.csv"):
        newest(tmp_path, "times")


def test_a_file_that_hides_its_origin_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("# date: 2026-01-01\nd,n\n5,1\n")
    with pytest.raises(ValueError, match="says nothing about its command, machine, versions"):
        ResultFile.read(tmp_path / "t.csv")


def test_every_figure_is_drawn_and_says_where_it_is_from(tmp_path: Path) -> None:
    draw_benchmark_figures(RESULTS, tmp_path, "https://example.org")
    page = (ROOT / "docs" / "benchmarks.rst").read_text()
    shown = re.findall(r"image:: _build/figures/(\w+)\.png", page)
    assert sorted(shown) == sorted(path.stem for path in tmp_path.glob("*.png"))
    for name in shown:
        assert f"include:: _build/figures/{name}.rst" in page
        assert "python -m benchmarks." in (tmp_path / f"{name}.rst").read_text()
