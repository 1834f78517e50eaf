"""Rough kernels, and the weights of many points from one large part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from helpers import equally_weighted
from kernel_ot import KernelOT
from kernel_ot.cutting_planes import Settings, fill_by_cutting_planes
from kernel_ot.kernels import Anisotropic, Gaussian, Matern
from kernel_ot.samples import Samples
from kernel_ot.selection import (
    REG_SOS,
    Candidate,
    RoughKernel,
    Score,
    Trial,
    chosen_kernel,
    combine_on_kept_out,
    default_kernel,
    default_kernels,
    default_splits,
    roughened,
    select,
)
from kernel_ot.selection._selection import _outdone


def _bent(n: int, seed: int) -> Samples:
    """Two samples between which the optimal map has a kink along an axis."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, 2)), rng.normal(size=(n, 2))
    y[:, 0] += 2 * np.maximum(y[:, 0], 0.0)
    return equally_weighted(x, y)


@pytest.mark.parametrize("dimension", [1, 3])
def test_a_rough_kernel_is_the_default_one_of_another_family(dimension: int) -> None:
    points = np.random.default_rng(3).normal(size=(2, 40, dimension))
    samples = equally_weighted(points[0], points[1])
    smooth = default_kernel(0.7, samples, np.random.default_rng(0))
    rough = chosen_kernel(RoughKernel(0.7), samples, np.random.default_rng(0))
    assert rough == roughened(smooth)
    inner = rough.kernel if isinstance(rough, Anisotropic) else rough
    base = smooth.kernel if isinstance(smooth, Anisotropic) else smooth
    assert isinstance(base, Gaussian)
    assert inner == Matern(2.5, base.bandwidth)


def test_rough_kernels_are_offered_to_many_points_of_few_features() -> None:
    offers = {(d, n): default_kernels(d, n) for d in (1, 2, 4, 5) for n in (1000, 2000)}
    with_rough = {k for k, v in offers.items() if any(isinstance(c, RoughKernel) for c in v)}
    assert with_rough == {(1, 1000), (1, 2000), (2, 2000), (4, 2000)}


def test_few_points_on_the_line_are_split_more_often() -> None:
    assert [default_splits(*case) for case in ((1, 600), (1, 601), (2, 100))] == [5, 3, 3]
    x = np.linspace(-1, 1, 30)[:, None]
    for model, count in ((KernelOT(), 5), (KernelOT(n_splits=2), 2)):
        assert {len(c.semi_dual) for c in model.fit(x, x**3).candidates_} == {count}


def _score(values: np.ndarray, test: Samples) -> Score:
    zero = np.zeros(len(test.y))
    trial = Trial(None, test, test, 1.0, (values, zero))  # type: ignore[arg-type]  # not asked for
    return Score(REG_SOS, 1e-3, float(values.mean()), 0.0, 0.0, 0.0, 0.0, trial)


def test_the_first_split_rules_out_the_rough_kernel_unless_it_is_clearly_better() -> None:
    test = _bent(100, 0)
    noise = np.random.default_rng(1).normal(size=100)
    kernels = (0.5, 0.7, RoughKernel(1.0))
    scores = {(k, 1e-3): [_score(np.zeros(100), test)] for k in (0, 1)}
    clear = scores | {(2, 1e-3): [_score(0.01 + 1e-3 * noise, test)]}
    unclear = scores | {(2, 1e-3): [_score(0.01 + noise - noise.mean(), test)]}
    assert _outdone(kernels, clear) == {0, 1}
    assert _outdone(kernels, unclear) == {2}
    assert _outdone(kernels, scores) == {2}
    assert _outdone(kernels[:2], scores) == set()


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_kernels_that_were_ruled_out_are_no_candidates(n_jobs: int | None) -> None:
    normal = np.random.default_rng(5).normal(size=(2, 60, 2))
    chosen = select(
        equally_weighted(normal[0], normal[1]),
        "gaussian",
        (1.0, RoughKernel(1.0)),
        (1e-2, 1e-5),
        np.random.default_rng(0),
        n_jobs=n_jobs,
    )
    assert {c.rough for c in chosen.candidates} == {False}
    assert sum(c.is_baseline for c in chosen.candidates) == 1
    assert all(len(c.semi_dual) == 3 for c in chosen.candidates)


def test_weights_and_verdict_have_points_of_their_own() -> None:
    samples = _bent(150, 7)
    best = Candidate(1.0, 1e-3, (0.0,))
    kept = combine_on_kept_out(samples, "gaussian", best, np.random.default_rng(0))
    weights = [kept.combination.kernel, kept.combination.gaussian]
    assert sum(weights) + sum(w for _, w in kept.combination.entropic) == pytest.approx(1)
    assert len(kept.judges.x) == len(kept.terms[0]) == 12  # a quarter of a third
    assert {tuple(row) for row in kept.judges.x} <= {tuple(row) for row in samples.x}
    dual = kept.potentials.u(kept.change.forward_x(kept.judges.x))
    np.testing.assert_allclose(kept.terms[0], dual)


def test_filling_that_starts_at_contacts_of_a_part_ends_where_it_would_have() -> None:
    samples = _bent(150, 8)
    best = Candidate(1.0, 1e-3, (0.0,))
    kept = combine_on_kept_out(samples, None, best, np.random.default_rng(0))
    kernel = Gaussian(2.0)
    found = [
        fill_by_cutting_planes(
            samples,
            Settings(kernel, REG_SOS, 1e-3),
            violation_tol=1e-4,
            max_fill=4000,
            max_rounds=60,
            stop=lambda step, record: None,
            contacts=contacts,
        )
        for contacts in (None, kept.contacts)
    ]
    plain, warm = (filled.solution(1e-8) for filled in found)
    assert warm.converged
    assert warm.cost == pytest.approx(plain.cost, rel=1e-2)
    assert len(found[1].fit.rounds) < len(found[0].fit.rounds)


def test_a_fit_of_many_points_is_judged_by_what_it_kept_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for module in ("estimator._choosing", "selection._selection"):
        monkeypatch.setattr(f"kernel_ot.{module}.MANY_POINTS", 200)
    samples = _bent(240, 9)
    model = KernelOT().fit(samples.x, samples.y)
    assert model.verdict_ is not None
    assert model.verdict_.n_x == 20
    assert not model.verdict_.fresh
    model.candidates_ = (*model.candidates_, Candidate(1.0, 1e-3, (0.0,), (0.0,), rough=True))
    model.save(tmp_path / "model.npz")
    loaded = KernelOT.load(tmp_path / "model.npz")
    assert [c.rough for c in loaded.candidates_] == [c.rough for c in model.candidates_]
    np.testing.assert_allclose(loaded.transform(samples.x), model.transform(samples.x))
