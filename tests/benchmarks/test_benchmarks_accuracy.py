"""The accuracy benchmark: truths are optimal maps, runs go on where they ended, tables add up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import ot
import pytest
from benchmarks.accuracy import _methods as methods
from benchmarks.accuracy._cells import cell_table, cells_directory, paired_table, run_cells
from benchmarks.accuracy._families import SMOOTH, STEEP, make_case
from benchmarks.accuracy._report import marks, table
from benchmarks.accuracy._run import Result, run
from scipy.io import savemat


@pytest.mark.parametrize("family", [*SMOOTH, *STEEP])
def test_truths_are_monotone_maps_between_the_samples(family: str) -> None:
    case = make_case(family, 3, 400, seed=1, n_test=400)
    gaps, images = case.test[:, None] - case.test, case.truth[:, None] - case.truth
    assert np.einsum("ijk,ijk->ij", gaps, images).min() > -1e-9
    np.testing.assert_allclose(case.truth.mean(axis=0), case.y.mean(axis=0), atol=0.4)
    cost = np.mean(np.sum(np.square(case.truth - case.test), axis=1)) / 2
    assert cost == pytest.approx(case.cost, rel=0.2)
    again = make_case(family, 3, 400, seed=1, n_test=400)
    np.testing.assert_array_equal(case.x, again.x)


def test_plain_sinkhorn_is_the_logarithmic_one() -> None:
    case = make_case("softmax", 5, 60, seed=0, n_test=10)
    cost = ot.dist(case.x, case.y) / 2
    weights = np.full(60, 1 / 60)
    reg = 0.03 * float(cost.mean())
    plan, log_v = methods._sinkhorn(weights, weights, cost, reg)
    expected, log = ot.bregman.sinkhorn_log(
        weights, weights, cost, reg, numItermax=5000, stopThr=1e-12, log=True
    )
    np.testing.assert_allclose(plan, expected, atol=1e-6)
    offset = log_v - log["log_v"]
    np.testing.assert_allclose(offset, offset.mean(), atol=1e-2)


def test_a_run_goes_on_where_it_ended(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    names = ["Gaussian map", "nearest neighbour"]
    first = run([("affine", 2, 50, 3)], names[:1], file)
    both = run([("affine", 2, 50, 3)], names, file)
    assert both[:1] == first
    assert [r.method for r in both] == names
    assert run([("affine", 2, 50, 3)], names, file) == both
    assert all(0 < r.uvp < 1 for r in both)


def test_tables_and_marks() -> None:
    def result(method: str, seed: int, uvp: float) -> Result:
        return Result("softmax", 5, 300, seed, method, uvp, 1.1, 1.0, 2.0)

    results = [result("kernel-ot", 1, 0.02), result("kernel-ot", 2, 0.04)]
    results += [result("Gaussian map", 1, 0.05), result("entropic (best)", 1, 0.06)]
    assert "| softmax | 5 | 300 | 2 | 0.0300 ± 0.0100 |" in table(results, "uvp")
    assert "| 0.1000 ± 0.0000 |" in table(results, "cost error")
    reached = marks(results)
    assert "| a third of the best entropic | softmax | 5 | 0.02 | 0.03 | **no** |" in reached
    assert "| 1 x Gaussian map | softmax | 5 | 0.05 | 0.03 | yes |" in reached


def test_cells_are_split_mapped_and_compared(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for drug, shift in (("a", 0.0), ("b", 2.0)):
        savemat(tmp_path / f"{drug}.mat", {"X": rng.normal(size=(24, 3)) + shift})
    file = tmp_path / "out" / "cells.jsonl"
    results = run_cells(tmp_path, [0], file)
    assert {(r.source, r.target) for r in results} == {("a", "b"), ("b", "a")}
    distance = {r.method: r.energy for r in results if r.source == "a"}
    assert len(distance) == 5
    assert max(distance, key=lambda method: distance[method]) == "identity"
    assert distance["kernel-ot"] < 0.5 * distance["identity"]
    assert run_cells(tmp_path, [0], file) == results
    assert cell_table(results).count("\n") == 6
    assert paired_table(results).count(" of 2 |") == 4


def test_cells_are_found_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERNEL_OT_4I", str(tmp_path))
    assert cells_directory() is None
    savemat(tmp_path / "a.mat", {"X": np.zeros((2, 2))})
    assert cells_directory() == tmp_path
