"""Fits of many points: against fits of all pairs, closed forms, and what they say of themselves."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kernel_ot import KernelOT
from kernel_ot._arrays import Array
from kernel_ot.estimator import FitProgress, FitShare, certify
from kernel_ot.kernels import Gaussian
from kernel_ot.samples import as_cloud

SETTINGS: dict[str, Any] = {"kernel": Gaussian(2.0), "reg_potential": 1e-3}


def warped(n: int, seed: int, d: int = 2) -> tuple[Array, Array]:
    """Return samples whose optimal map is x + tanh(x), coordinate by coordinate."""
    rng = np.random.default_rng(seed)
    x, before = rng.normal(size=(n, d)), rng.normal(size=(n, d))
    return x, before + np.tanh(before)


def error(model: KernelOT, d: int = 2) -> float:
    """Return the share of the variance of T(x) that the map misses."""
    points = np.random.default_rng(99).normal(size=(2000, d))
    truth = points + np.tanh(points)
    missed = np.sum(np.square(model.transform(points) - truth), axis=1)
    return float(missed.mean() / np.sum(np.var(truth, axis=0)))


@pytest.fixture(scope="module")
def large() -> KernelOT:
    return KernelOT(**SETTINGS).fit(*warped(6000, 1))


def test_both_ways_agree_where_they_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    points = np.random.default_rng(3).normal(size=(500, 2))
    models = []
    for takes_over in (5000, 10_000):
        monkeypatch.setattr("kernel_ot.estimator._large.TAKES_OVER", takes_over)
        models.append(KernelOT(**SETTINGS, violation_tol=3e-4).fit(*warped(6000, 1)))
    by_batches, by_all_pairs = models
    assert [model.summary_of_all_ is None for model in models] == [False, True]
    difference = by_batches.transform(points) - by_all_pairs.transform(points)
    # Of the variance of T(x), which is 6, less than the tolerance leaves open.
    assert np.mean(np.sum(np.square(difference), axis=1)) < 1e-4 * 6
    assert by_batches.cost_ == pytest.approx(by_all_pairs.cost_, rel=2e-3)
    bounds = [model.certificate_.lower_bound for model in models]
    assert bounds[0] == pytest.approx(bounds[1], rel=2e-3)


def test_defaults_find_a_nonlinear_map() -> None:
    model = KernelOT().fit(*warped(6000, 2))
    gaussian = KernelOT(Gaussian(1.0), reg_potential=1e6).fit(*warped(500, 2))
    assert error(model) < 0.2 * error(gaussian)
    # Entropic potentials gain nothing on a smooth map, so none is carried along.
    assert model.combination_.kernel == 1.0
    assert not model.entropic_
    assert model.solution_.converged
    assert len({candidate.reg_potential for candidate in model.candidates_}) > 3


def test_certificate_of_all_pairs_is_that_of_the_whole_matrix(large: KernelOT) -> None:
    x, y = warped(6000, 1)
    u, v = large.potentials_.u(x), large.potentials_.v(y)
    largest, rows = -np.inf, []
    for start in range(0, len(x), 500):
        part = x[start : start + 500]
        squares = np.sum(np.square(part), axis=1)[:, None] + np.sum(np.square(y), axis=1)
        violation = u[start : start + 500, None] + v - squares / 2 + part @ y.T
        largest = max(largest, float(violation.max()))
        rows.append(violation.max(axis=1))
    certificate = large.certificate_
    assert certificate.kind == "exact"
    assert certificate.n_pairs == 36_000_000
    assert certificate.largest_violation == pytest.approx(largest, abs=1e-9)
    # One of the three bounds, c-transforms on the sample in the place of u, is this one.
    assert certificate.lower_bound >= u.mean() - np.concatenate(rows).mean() + v.mean() - 1e-9


def test_certificate_of_many_points_is_sampled_and_says_so() -> None:
    model = KernelOT(**SETTINGS).fit(*warped(32_000, 4))
    certificate = model.certificate_
    assert certificate.kind == "sampled"
    assert not certificate.proven
    assert certificate.n_rows == 3000
    assert certificate.violated_share >= 1 - 0.05 ** (1 / 3000) - 1e-12
    assert certificate.lower_bound < model.cost_
    # Wherever the bound is told, it is told how sure it is.
    summary = model.summary()
    [bound] = [n for n in summary.numbers() if n.name == "sample_cost_lower_bound"]
    for told in (str(certificate), bound.text, str(summary), summary.to_json()):
        assert "with 95 % probability" in told
    assert "proven" not in str(certificate)
    proved = certify(model, *warped(32_000, 4), progress=False)
    assert proved.proven
    assert "proven" in str(proved)
    assert certificate.lower_bound <= proved.lower_bound + 1e-9


def test_weights_are_repetitions() -> None:
    x, y = warped(3000, 5)
    twice = KernelOT(**SETTINGS).fit(np.concatenate([x, x[:1500], x[:1500]]), np.tile(y, (2, 1)))
    counts = np.where(np.arange(3000) < 1500, 3.0, 1.0)
    weighted = KernelOT(**SETTINGS).fit(
        np.concatenate([x, x]), np.tile(y, (2, 1)), np.tile(counts, 2)
    )
    assert twice.cost_ == pytest.approx(weighted.cost_, rel=1e-2)
    assert twice.summary_of_all_ is not None


def test_saved_and_loaded_it_is_the_same(large: KernelOT, tmp_path: Path) -> None:
    large.save(tmp_path / "large.kot")
    loaded = KernelOT.load(tmp_path / "large.kot")
    points = np.random.default_rng(0).normal(size=(50, 2))
    np.testing.assert_array_equal(loaded.transform(points), large.transform(points))
    assert loaded.certificate_ == large.certificate_
    assert loaded.cost_ == large.cost_


def test_diagnostics_take_a_part_of_the_points(large: KernelOT) -> None:
    assert len(large.samples_.x) == 5000
    assert large.summary().cycle_error < 0.05
    assert large.score(*warped(500, 8)) == pytest.approx(large.cost_, abs=0.2)


def test_a_callback_hears_of_every_phase_and_stops_with_a_result() -> None:
    phases: list[str] = []

    def stop_at_last(step: FitProgress) -> bool:
        phases.append(step.phase)
        return step.phase == "embedding"

    with pytest.warns(UserWarning, match="callback"):
        model = KernelOT(reg_potential=1e-2, callback=stop_at_last).fit(*warped(6000, 6))
    assert phases[0] in ("filling", "selection")
    assert {"selection", "filling", "embedding", "solve", "certificate"} <= set(phases)
    assert not model.solution_.converged
    assert np.isfinite(model.transform(np.zeros((1, 2)))).all()


def test_a_cloud_of_an_array_draws_without_repetition() -> None:
    points = np.arange(100.0)[:, None]
    rng = np.random.default_rng(0)
    cloud = as_cloud(points, None, "x", keep=50, rng=rng)
    drawn, masses = cloud.draw(40, rng)
    assert len(np.unique(drawn)) == 40
    assert masses.tolist() == [1.0] * 40


def test_one_bar_shows_the_whole_fit(capsys: pytest.CaptureFixture[str]) -> None:
    shares: list[float] = []
    share = FitShare(2e-3)
    KernelOT(Gaussian(2.0), verbose=1, callback=lambda step: shares.append(share.of(step))).fit(
        *warped(5100, 9)
    )
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert sum(0 < value < 0.5 for value in shares) > 3
    written = capsys.readouterr().err
    assert "fit: 100%" in written
    assert "CONVERGED" in written


@pytest.mark.parametrize("limit", [0.3, 2.0])
def test_a_time_limit_covers_everything(limit: float, monkeypatch: pytest.MonkeyPatch) -> None:
    # By the processor's clock: other processes may take any time of the other one.
    for module in ("estimator._large", "estimator._progress", "large_samples._fit"):
        monkeypatch.setattr(f"kernel_ot.{module}.perf_counter", time.process_time)
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = KernelOT(time_limit=limit).fit(*warped(20_000, 3, 5))
    assert time.process_time() - began < limit + 2.0
    assert np.isfinite(model.transform(np.zeros((1, 5)))).all()
    assert model.solution_.status.name in ("CONVERGED", "TIME_LIMIT")
    certificate = model.certificate_
    assert certificate.kind == "exact" or 0 < certificate.violated_share <= 1


@pytest.mark.parametrize("when", ["embedding", "filling", "certificate"])
def test_an_interrupted_fit_leaves_the_estimator_as_it_was(when: str, large: KernelOT) -> None:
    def interrupt(step: FitProgress) -> None:
        if step.phase == when:
            raise KeyboardInterrupt

    before = dict(large.__dict__)
    with pytest.raises(KeyboardInterrupt):
        large.set_params(callback=interrupt).fit(*warped(5100, 1))
    large.set_params(callback=None)
    assert large.__dict__ == before


@pytest.mark.parametrize("apart", [1e5, 1e8])
def test_settings_are_the_same_however_far_the_samples_are(
    apart: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kernel_ot.estimator._large.TAKES_OVER", 500)
    x, y = warped(800, 4)
    near, far = (KernelOT().fit(x, y[:700] + b) for b in (0.0, apart))
    # Samples rounded to 1e-8 may end a path at the setting beside.
    assert near.reg_potential_ / 4 < far.reg_potential_ < 4 * near.reg_potential_
    assert np.sqrt(np.mean(np.square(far.transform(x) - apart - near.transform(x)))) < 0.06
    assert far.candidates_[0].score == pytest.approx(apart**2, rel=1e-4)
