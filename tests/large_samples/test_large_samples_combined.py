"""Fits of many points that combine entropic potentials with the kernel's."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from helpers import rewrite_header
from kernel_ot import KernelExpansion, KernelOT, Potentials
from kernel_ot._arrays import Array
from kernel_ot.estimator import _model_file, certify
from kernel_ot.kernels import Gaussian
from kernel_ot.large_samples._combining import Combined, combine_with_entropic
from kernel_ot.large_samples._path import Bench, Best
from kernel_ot.samples import Samples
from kernel_ot.selection._criterion import Criterion, HeldOut


def true_map(x: Array) -> Array:
    """Tear every feature apart at zero."""
    return np.asarray(x + 3 * np.sign(x))


def torn(n: int = 5200, d: int = 2) -> tuple[Array, Array]:
    rng = np.random.default_rng(71)
    return rng.normal(size=(n, d)), true_map(rng.normal(size=(n, d)))


@pytest.fixture(scope="module")
def model() -> KernelOT:
    return KernelOT().fit(*torn())


def test_entropic_potentials_of_parts_join_where_samples_are_torn(model: KernelOT) -> None:
    combination = model.combination_
    assert sum(weight for _, weight in combination.entropic) > 0.3
    # Of 5200 points 1040 are held out, and parts have about 2000.
    assert len(model.entropic_) == 2 * len(combination.entropic)
    alone = KernelOT(combine=False).fit(*torn())
    assert not alone.entropic_
    fresh = np.random.default_rng(72).normal(size=(2000, 2))
    errors = [
        float(np.mean(np.square(fitted.transform(fresh) - true_map(fresh))))
        for fitted in (model, alone)
    ]
    assert errors[0] < 0.75 * errors[1]
    back = model.inverse_transform(true_map(fresh))
    assert np.mean(np.square(back - fresh)) < 0.02
    # What is proven is proven by the kernel's potentials alone, combined or not.
    assert model.certificate_ == alone.certificate_
    assert certify(model, *torn(), progress=False).lower_bound == pytest.approx(
        model.certificate_.lower_bound, rel=1e-9
    )
    assert model.cost_ == alone.cost_
    assert model.verdict_ is not None


def test_its_file_its_summary_and_its_page_are_whole(model: KernelOT, tmp_path: Path) -> None:
    path = tmp_path / "combined.kot"
    model.save(path)
    again = KernelOT.load(path)
    x, y = torn(100)
    np.testing.assert_array_equal(again.transform(x), model.transform(x))
    np.testing.assert_array_equal(again.inverse_transform(y), model.inverse_transform(y))
    assert again.combination_ == model.combination_
    assert len(again.entropic_) == len(model.entropic_)
    assert json.loads(model.summary().to_json())
    model.report(tmp_path / "page.html")
    assert "entropic at" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize("parts", [0, 10**6, "two"])
def test_a_forged_number_of_parts_is_refused(
    model: KernelOT, tmp_path: Path, parts: object
) -> None:
    path = tmp_path / "combined.kot"
    model.save(path)
    rewrite_header(path, entropic_parts=parts)
    with pytest.raises(_model_file.ModelFileError, match="parts of"):
        KernelOT.load(path)


def _combined_with_nothing(d: int) -> tuple[Combined, float]:
    """Combine zero potentials with entropic ones; return it and the error of the map."""
    rng, zero = (
        np.random.default_rng(73),
        KernelExpansion(Gaussian(1.0), np.zeros((1, d)), np.zeros(1)),
    )
    rows, test = (
        Samples(rng.normal(size=(n, d)), true_map(rng.normal(size=(n, d))), *np.full((2, n), 1 / n))
        for n in (600, 400)
    )
    nothing = Potentials(zero, zero)
    fit = Best(cast("Any", SimpleNamespace(potentials=nothing)), 0.0, (np.zeros(0), np.zeros(0)))
    bench = Bench(rows, test, test, cast("Any", SimpleNamespace(scale=1.0)))
    monitor = cast("Any", SimpleNamespace(stop=lambda: False, seconds_left=lambda: np.inf))
    combined = combine_with_entropic(fit, fit, bench, monitor)
    fresh = rng.normal(size=(1000, d))
    potentials = combined.combination.potentials(nothing, combined.entropic, rows)
    return combined, float(np.mean(np.square(potentials.transport(fresh) - true_map(fresh))))


@pytest.mark.parametrize(("d", "found_again"), [(4, False), (5, True)])
def test_from_five_features_weights_are_found_again_and_are_nearer_the_truth(
    monkeypatch: pytest.MonkeyPatch, d: int, found_again: bool
) -> None:
    judged, gain = [], Criterion.gain

    def noted(criterion: Criterion, weights: Array) -> tuple[float, float]:
        judged.append(float(weights[0]))
        return gain(criterion, weights)

    monkeypatch.setattr(Criterion, "gain", noted)
    combined, error = _combined_with_nothing(d)
    assert combined.entropic
    monkeypatch.setattr(HeldOut, "drawn_to_inverse", lambda split, weights: split)
    once, error_once = _combined_with_nothing(d)
    assert (combined.combination != once.combination) == found_again
    assert error < 0.97 * error_once if found_again else error == error_once
    # Whether to combine at all is asked of the first weights, by the value they were found by.
    assert judged[1] == judged[3] == once.combination.kernel
