"""Fits, certificates and maps of samples that are read by blocks."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kernel_ot import KernelOT
from kernel_ot._arrays import Array, MemoryLimitError
from kernel_ot.estimator import FitProgress, certify
from kernel_ot.kernels import Gaussian
from kernel_ot.large_samples import upper_share
from kernel_ot.potentials import Potentials

SETTINGS: dict[str, Any] = {"kernel": Gaussian(2.0), "reg_potential": 1e-2}


def samples(n: int = 5200) -> tuple[Array, Array]:
    rng = np.random.default_rng(1)
    return rng.normal(size=(n, 2)), 1.5 * rng.normal(size=(n, 2)) + 1


@pytest.fixture(scope="module")
def model() -> KernelOT:
    return KernelOT(**SETTINGS).fit(*samples())


def test_every_source_gives_the_same_fit(model: KernelOT, tmp_path: Path) -> None:
    da = pytest.importorskip("dask.array")
    x, y = samples()
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    maps = [np.load(tmp_path / name, mmap_mode="r") for name in ("x.npy", "y.npy")]
    sources: list[tuple[Any, Any]] = [
        (maps[0], maps[1]),
        (str(tmp_path / "x.npy"), tmp_path / "y.npy"),
        (da.from_array(x, chunks=(1000, 1)), da.from_array(y, chunks=(700, 2))),
        (np.array_split(x, 7), lambda: iter(np.array_split(y, 3))),
    ]
    points = np.random.default_rng(2).normal(size=(50, 2))
    for source in sources:
        other = KernelOT(**SETTINGS).fit(*source)
        np.testing.assert_allclose(other.transform(points), model.transform(points), atol=1e-6)
        assert other.cost_ == pytest.approx(model.cost_, rel=1e-8)


def test_few_points_that_come_in_blocks_are_fitted_by_all_pairs() -> None:
    x, y = samples(60)
    whole = KernelOT(**SETTINGS).fit(x, y)
    blocks = KernelOT(**SETTINGS).fit(np.array_split(x, 4), np.array_split(y, 3))
    assert blocks.summary_of_all_ is None
    np.testing.assert_allclose(blocks.transform(x), whole.transform(x), atol=1e-9)


def test_certify_repeats_what_the_fit_said_and_bounds_it_by_a_part(model: KernelOT) -> None:
    x, y = samples()
    exact = certify(model, np.array_split(x, 3), y, progress=False)
    assert exact.n_pairs == len(x) * len(y)
    assert exact.lower_bound == pytest.approx(model.certificate_.lower_bound, rel=1e-9)
    assert exact.largest_violation == pytest.approx(model.certificate_.largest_violation, abs=1e-9)
    sampled = certify(model, x, y, exact=False, progress=False)
    assert sampled.lower_bound < exact.lower_bound
    assert sampled.largest_violation <= exact.largest_violation + 1e-12
    assert sampled.violated_share == pytest.approx(upper_share(0, 3000))


def _brute_force(model: KernelOT, x: Array, y: Array) -> Array:
    """Return u(x_i) + v(y_j) - c(x_i, y_j) of all pairs."""
    costs = np.sum(np.square(x[:, None] - y[None]), axis=2) / 2
    return np.asarray(model.potentials_.u(x)[:, None] + model.potentials_.v(y)[None] - costs)


def test_an_exact_certificate_is_what_all_pairs_give(
    model: KernelOT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kernel_ot.samples._clouds._BLOCK_BYTES", 2**14)  # a thousand rows
    rng = np.random.default_rng(11)
    x, y = rng.normal(size=(3000, 2)), 1.5 * rng.normal(size=(3000, 2)) + 1
    violations = _brute_force(model, x, y)
    u, v = model.potentials_.u(x), model.potentials_.v(y)
    allowances = violations.max(), violations.max(axis=1).mean(), violations.max(axis=0).mean()
    found = certify(model, x, y, exact=True, progress=False)
    assert (found.n_pairs, found.n_rows, found.kind) == (9_000_000, 3000, "exact")
    assert found.largest_violation == pytest.approx(violations.max(), abs=1e-9)
    assert found.lower_bound == pytest.approx(u.mean() + v.mean() - min(allowances), abs=1e-9)


@pytest.mark.parametrize("exact", [True, False])
def test_damaged_potentials_are_found(model: KernelOT, exact: bool) -> None:
    x, y = samples()
    fine = certify(model, x, y, exact=exact, progress=False)
    gamma = model.solution_.gamma.copy()
    gamma[np.argmax(gamma)] *= 0.5  # what holds the potentials down
    damaged = copy(model)
    damaged.solution_ = replace(model.solution_, gamma=gamma)
    found = certify(damaged, x, y, exact=exact, progress=False)
    assert fine.violated_rows == 0
    assert found.violated_rows > 0
    assert found.largest_violation > 10 * abs(fine.largest_violation)
    # What it claims is still below the cost, here of two Gaussians: (1 - 1.5)^2 + 1 / 2 + 1 / 2.
    assert found.lower_bound < min(fine.lower_bound, 1.25)


def test_a_tree_finds_what_a_scan_finds(model: KernelOT, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = samples()
    masses = np.random.default_rng(5).uniform(size=len(y))
    by_scan = certify(model, x, y, weights_y=masses, progress=False)
    monkeypatch.setattr("kernel_ot.large_samples._certify._TREE_POINTS", 100)
    by_tree = certify(model, x, y, weights_y=masses, progress=False)
    assert by_tree.largest_violation == pytest.approx(by_scan.largest_violation, abs=1e-9)
    assert by_tree.n_pairs == by_scan.n_pairs
    assert by_scan.lower_bound - 0.01 < by_tree.lower_bound <= by_scan.lower_bound + 1e-9


def test_the_bound_of_a_share_holds_in_95_of_100_draws() -> None:
    rng = np.random.default_rng(0)
    for share in (0.001, 0.01):
        found = rng.binomial(3000, share, size=2000)
        held = np.mean([upper_share(int(count), 3000) >= share for count in found])
        assert held >= 0.94


def test_a_certificate_is_drawn_as_a_bar(
    model: KernelOT, capsys: pytest.CaptureFixture[str]
) -> None:
    certify(model, *samples(), progress=True)
    assert "certify: 100%" in capsys.readouterr().err


def test_a_memory_map_is_mapped_to_a_memory_map(model: KernelOT, tmp_path: Path) -> None:
    x, _ = samples()
    expected = model.transform(x)
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 1e-5), (np.dtype(">f4"), 1e-5)):
        np.save(tmp_path / "x.npy", x.astype(dtype))
        mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
        anonymous = model.transform(mapped)
        assert isinstance(anonymous, np.memmap)
        assert anonymous.dtype == np.dtype(dtype).newbyteorder("=")
        np.testing.assert_allclose(anonymous, expected, atol=tolerance)
        written = model.transform(mapped, out=tmp_path / "images.npy")
        np.testing.assert_array_equal(np.load(tmp_path / "images.npy"), anonymous)
        assert isinstance(written, np.memmap)
    backwards = model.inverse_transform(tmp_path / "images.npy")
    np.testing.assert_allclose(backwards, model.inverse_transform(written[:]), atol=1e-5)


def test_a_dask_array_is_mapped_when_it_is_asked_for(model: KernelOT) -> None:
    da = pytest.importorskip("dask.array")
    x, _ = samples()
    lazy = model.transform(da.from_array(x, chunks=(1000, 1)))
    assert lazy.chunks[0] == (1000, 1000, 1000, 1000, 1000, 200)
    np.testing.assert_allclose(lazy[:1500].compute(), model.transform(x[:1500]), atol=1e-12)


def test_blocks_are_mapped_to_blocks(model: KernelOT) -> None:
    x, _ = samples()
    images = model.transform([x[:10], x[10:30]])
    assert [len(block) for block in images] == [10, 20]


def test_what_cannot_be_mapped_is_named(model: KernelOT, tmp_path: Path) -> None:
    da = pytest.importorskip("dask.array")
    x, _ = samples()
    wrong = x.copy()
    wrong[4321, 1] = np.inf
    np.save(tmp_path / "x.npy", wrong)
    with pytest.raises(ValueError, match=r"row 4321 of all, column 1"):
        model.transform(tmp_path / "x.npy", out=tmp_path / "images.npy")
    assert not (tmp_path / "images.npy").exists()
    with pytest.raises(ValueError, match="3 columns but 2 are needed"):
        model.transform(np.ones((4, 3)), out=tmp_path / "images.npy")
    with pytest.raises(ValueError, match="3 columns but 2 are needed"):
        model.transform(da.ones((4, 3)))
    with pytest.raises(ValueError, match="to_npy_stack"):
        model.transform(da.from_array(x), out=tmp_path / "images.npy")


def test_a_fit_that_fails_leaves_the_estimator_as_it_was(model: KernelOT) -> None:
    x, y = samples()
    wrong = y.copy()
    wrong[5000, 0] = np.nan
    fitted = KernelOT(**SETTINGS).fit(x, y)
    cost, before = fitted.cost_, fitted.transform(x[:5])
    with pytest.raises(ValueError, match=r"y contains nan in block 2, row 1000"):
        fitted.fit(x, np.split(wrong, [2000, 4000]))
    with pytest.raises(ValueError, match="need all points in memory"):
        KernelOT(**SETTINGS, filling="pairs").fit(np.split(x, 2), y)
    assert fitted.cost_ == cost
    np.testing.assert_array_equal(fitted.transform(x[:5]), before)


def test_memory_that_is_not_there_is_refused_with_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernel_ot._arrays._memory.available_bytes", lambda: 10_000_000)
    x, y = samples()
    with pytest.raises(MemoryLimitError, match=r"5200 \+ 5200 points"):
        KernelOT(**SETTINGS).fit(x, y)


def test_a_transform_that_is_interrupted_leaves_no_file(
    model: KernelOT, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, _ = samples()
    np.save(tmp_path / "x.npy", x)
    written = []
    transport = Potentials.transport

    def interrupted(potentials: Potentials, points: Array) -> Array:
        written.append(len(points))
        if len(written) == 2:
            raise KeyboardInterrupt
        return np.asarray(transport(potentials, points))

    monkeypatch.setattr("kernel_ot.estimator._by_blocks._BLOCK_BYTES", 2**14)
    monkeypatch.setattr(Potentials, "transport", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.transform(tmp_path / "x.npy", out=tmp_path / "images.npy")
    assert written == [1024, 1024]
    assert [file.name for file in tmp_path.iterdir()] == ["x.npy"]


def test_images_that_the_disk_has_no_room_for_are_refused_before_they_are_made(
    model: KernelOT, tmp_path: Path
) -> None:
    rows = shutil.disk_usage(tmp_path).total // 8
    np.lib.format.open_memmap(tmp_path / "x.npy", mode="w+", dtype=np.float32, shape=(rows, 2))
    with pytest.raises(OSError, match=r"images need .* GiB on the disk of .* has .* GiB free"):
        model.transform(tmp_path / "x.npy", out=tmp_path / "images.npy")
    assert [file.name for file in tmp_path.iterdir()] == ["x.npy"]


@pytest.mark.parametrize("phase", ["embedding", "filling", "certificate"])
def test_a_file_that_shrinks_while_it_is_fitted_is_named(
    phase: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kernel_ot.samples._clouds._BLOCK_BYTES", 2**15)
    x, y = samples()
    np.save(tmp_path / "x.npy", x)

    def cut(step: FitProgress) -> None:
        if step.phase == phase:
            os.truncate(tmp_path / "x.npy", 1000)

    fitted = KernelOT(**SETTINGS).fit(x, y)
    fitted.set_params(callback=cut)
    before = dict(fitted.__dict__)
    with pytest.raises(ValueError, match=r"x.npy, which holds x, has 1000 bytes and needs 83328"):
        fitted.fit(tmp_path / "x.npy", y)
    assert fitted.__dict__ == before


def test_time_that_ends_before_the_samples_are_read_is_an_error() -> None:
    x, y = samples()

    def slowly() -> Iterator[Array]:
        for block in np.array_split(x, 20):
            time.sleep(0.05)
            yield block

    fitted = KernelOT(**SETTINGS).fit(x, y)
    fitted.set_params(time_limit=0.2)
    before = dict(fitted.__dict__)
    with pytest.raises(TimeoutError, match=r"time_limit = 0\.2 was over before the samples were"):
        fitted.fit(slowly, y)
    assert fitted.__dict__ == before


def test_points_that_are_slow_to_read_are_left_when_the_time_is_over() -> None:
    x, y = samples()
    passes: list[int] = []

    def slower() -> Iterator[Array]:
        passes.append(0)
        for block in np.array_split(x, 20):
            # Counted at once; slow to read afterwards.
            time.sleep(0.0 if len(passes) == 1 else 1.0)
            yield block

    began = time.perf_counter()
    with pytest.warns(UserWarning, match="time"):
        model = KernelOT(**SETTINGS, time_limit=4.0).fit(slower, y)
    assert time.perf_counter() - began < 15  # a pass alone takes 20
    assert len(passes) == 2
    assert (model.certificate_.n_rows, model.certificate_.violated_share) == (0, 1.0)
    assert model.solution_.status.name == "TIME_LIMIT"


def test_weights_of_few_points_come_from_files_and_blocks(tmp_path: Path) -> None:
    x, y = samples(60)
    masses = np.random.default_rng(7).uniform(0.5, 1, 60)
    np.save(tmp_path / "w.npy", masses)
    costs = [
        KernelOT(**SETTINGS).fit(x, y, weights).cost_
        for weights in (
            *(masses, tmp_path / "w.npy", np.split(masses, 3)),
            lambda: iter(np.split(masses, 2)),
        )
    ]
    assert costs == [pytest.approx(costs[0], rel=1e-12)] * 4


def test_samples_of_different_features_are_named() -> None:
    x, _ = samples()
    with pytest.raises(ValueError, match="x has 2 columns and y has 3"):
        KernelOT(**SETTINGS).fit(x, np.ones((5200, 3)))
