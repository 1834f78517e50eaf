"""A fit that combines potentials: maps both ways, files, other libraries, switched off."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from helpers import rewrite_header
from kernel_ot import KernelOT
from kernel_ot._arrays import Array
from kernel_ot.estimator import _model_file
from kernel_ot.potentials import KernelExpansion


def _torn(n: int = 120) -> tuple[Array, Array]:
    rng = np.random.default_rng(61)
    x, y = rng.normal(size=(n, 2)), rng.normal(size=(n, 2))
    return x, y + 4 * np.sign(y)


@pytest.fixture(scope="module")
def torn() -> KernelOT:
    return KernelOT().fit(*_torn())


def test_entropic_potentials_carry_weight_where_samples_are_torn(torn: KernelOT) -> None:
    x, y = _torn()
    assert len(torn.entropic_) == len(torn.combination_.entropic) > 0
    alone = KernelOT(combine=False).fit(x, y)
    rng = np.random.default_rng(62)
    fresh = rng.normal(size=(2000, 2))
    truth = fresh + 4 * np.sign(fresh)
    errors = [np.mean(np.square(m.transform(fresh) - truth)) for m in (torn, alone)]
    assert errors[0] < errors[1]
    assert alone.combination_.kernel == 1.0
    assert not alone.entropic_


def _error_among_many_features(tear: float, *, combine: bool) -> tuple[float, KernelOT]:
    """Two of 22 features are torn; return the map's error relative to their shares, and the fit."""
    rng, spread = np.random.default_rng(63), np.r_[1.0, 1.0, np.full(20, 0.1)]
    torn = np.arange(22) < 2

    def true_map(x: Array) -> Array:
        return np.asarray(x + tear * torn * np.sign(x))

    x, y = (rng.normal(size=(300, 22)) * spread for _ in range(2))
    model = KernelOT(combine=combine, verdict=False).fit(x, true_map(y))
    fresh = rng.normal(size=(1000, 22)) * spread
    return float(np.mean(np.square(model.transform(fresh) - true_map(fresh)))), model


def test_many_features_are_combined_only_where_that_gains_far_beyond_noise() -> None:
    error, model = _error_among_many_features(3.0, combine=True)
    assert model.combination_.entropic
    assert error < 0.8 * _error_among_many_features(3.0, combine=False)[0]
    assert _error_among_many_features(0.0, combine=True)[1].combination_.kernel == 1.0


def test_the_combined_potentials_are_one_function(torn: KernelOT) -> None:
    x, y = _torn()
    u, step = torn.potentials_.u, 1e-5
    for axis, unit in enumerate(step * np.eye(2)):
        slope = (u(x + unit) - u(x - unit)) / (2 * step)
        np.testing.assert_allclose(u.gradient(x)[:, axis], slope, atol=1e-5)
    alone = KernelOT(torn.kernel_, reg_potential=torn.reg_potential_).fit(x, y)
    assert torn.cost_ == pytest.approx(alone.cost_, rel=1e-6)
    back = torn.inverse_transform(torn.transform(x))
    assert np.mean(np.square(back - x)) < 0.2
    ot = pytest.importorskip("ot", reason="the exact cost comes from POT")
    assert torn.certificate_.lower_bound <= ot.emd2([], [], ot.dist(x, y) / 2) + 1e-9
    assert torn.score(x, y) == pytest.approx(torn.cost_, rel=0.2)


def test_a_combined_model_comes_back_from_its_file(torn: KernelOT, tmp_path: Path) -> None:
    x, y = _torn()
    torn.save(tmp_path / "torn.kot")
    again = KernelOT.load(tmp_path / "torn.kot")
    np.testing.assert_array_equal(again.transform(x), torn.transform(x))
    np.testing.assert_array_equal(again.inverse_transform(y), torn.inverse_transform(y))
    assert again.cost_ == torn.cost_
    assert again.combination_ == torn.combination_


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"kernel": 2.0, "gaussian": 0.0, "entropic": []}, "the weights"),
        ({"kernel": 1.0, "gaussian": 0.0, "entropic": []}, "entropic potentials"),
        ({"kernel": -1.0, "gaussian": 2.0, "entropic": []}, "the weights"),
        ({"kernel": 1.0, "gaussian": 0.0, "entropic": [[0.1, float("nan")]]}, "the weights"),
    ],
)
def test_forged_weights_are_refused(
    torn: KernelOT, tmp_path: Path, entry: dict[str, object], reason: str
) -> None:
    path = tmp_path / "torn.kot"
    torn.save(path)
    rewrite_header(path, combination=json.loads(json.dumps(entry)))
    with pytest.raises(_model_file.ModelFileError, match=reason):
        KernelOT.load(path)


def test_ott_transports_as_the_combined_model_does(torn: KernelOT) -> None:
    jax = pytest.importorskip("jax", reason="needs JAX")
    pytest.importorskip("ott", reason="needs OTT-JAX")
    from kernel_ot.interop import to_ott

    x, y = _torn()
    with jax.enable_x64(True):
        potentials = to_ott(torn)
        there = np.asarray(potentials.transport(jax.numpy.asarray(x[:5])))
        back = np.asarray(potentials.transport(jax.numpy.asarray(y[:5]), forward=False))
    np.testing.assert_allclose(there, torn.transform(x[:5]), atol=1e-6)
    np.testing.assert_allclose(back, torn.inverse_transform(y[:5]), atol=1e-6)


def test_settings_that_are_given_are_combined_with_nothing() -> None:
    rng = np.random.default_rng(61)
    given = KernelOT(reg_potential=1e-3).fit(rng.normal(size=(80, 2)), rng.normal(size=(80, 2)))
    assert isinstance(given.problem_.potentials(given.solution_.gamma).u, KernelExpansion)
    assert given.combination_.kernel == 1.0
    with pytest.raises(ValueError, match="combine = 'yes' must be True or False"):
        KernelOT(combine="yes").fit(*_torn(20))  # type: ignore[arg-type]
