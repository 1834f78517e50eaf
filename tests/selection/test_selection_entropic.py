"""Entropic potentials at several regularisations, against POT and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from kernel_ot._arrays import Array
from kernel_ot.samples import Samples
from kernel_ot.selection import entropic_potentials


def _samples(n: int = 60, m: int = 70, d: int = 2) -> Samples:
    rng = np.random.default_rng(61)
    a, b = rng.uniform(0.5, 2, n), rng.uniform(0.5, 2, m)
    return Samples(rng.normal(size=(n, d)), rng.normal(size=(m, d)) + 1, a / a.sum(), b / b.sum())


def _cost(s: Samples) -> Array:
    return np.asarray(np.sum(np.square(s.x[:, None] - s.y), axis=2) / 2)


def test_maps_are_barycentres_of_the_entropic_plan_of_pot() -> None:
    ot = pytest.importorskip("ot", reason="POT is the judge")
    s, cost = _samples(), _cost(_samples())
    for relative, found in zip((0.3, 0.03), entropic_potentials(s, (0.3, 0.03)), strict=True):
        reg = relative * s.mean_cost()
        plan = ot.bregman.sinkhorn_log(
            s.weights_x, s.weights_y, cost, reg, numItermax=5000, stopThr=1e-9
        )
        there = plan @ s.y / s.weights_x[:, None]
        back = plan.T @ s.x / s.weights_y[:, None]
        np.testing.assert_allclose(found.transport(s.x), there, atol=2e-2)
        np.testing.assert_allclose(found.inverse_transport(s.y), back, atol=2e-2)
        dual = s.weights_x @ found.u(s.x) + s.weights_y @ found.v(s.y)
        entropic = np.sum(plan * cost) + reg * np.sum(
            plan * np.log(np.maximum(plan, 1e-300) / np.outer(s.weights_x, s.weights_y))
        )
        assert dual == pytest.approx(entropic, rel=1e-3)


@pytest.mark.parametrize("smallest", [1e-3, 1e-5])
def test_small_regularisations_neither_overflow_nor_leave_the_target(smallest: float) -> None:
    s = _samples()
    x = s.x.copy()
    x[0] = 40.0  # far outside, where a plain kernel underflows
    wide = Samples(x, s.y, s.weights_x, s.weights_y)
    (found,) = entropic_potentials(wide, (smallest,))
    images = found.transport(wide.x)
    assert np.isfinite(images).all()
    assert (images >= s.y.min(axis=0) - 1e-9).all()
    assert (images <= s.y.max(axis=0) + 1e-9).all()


def test_a_few_equal_costs_leave_no_row_empty() -> None:
    corners = np.eye(4)
    x, y = corners, corners[:3]
    a, b = np.array([0.7, 0.1, 0.1, 0.1]), np.array([0.01, 0.01, 0.98])
    for found in entropic_potentials(Samples(x, y, a, b), (0.1, 0.003, 1e-4)):
        np.testing.assert_allclose(a @ found.transport(x), b @ y, atol=2e-2)


def test_many_rows_are_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernel_ot.selection._entropic.MAX_ENTROPIC_POINTS", 20)
    (found,) = entropic_potentials(_samples(), (0.1,))
    assert found.u.centres.shape == found.v.centres.shape == (20, 2)
