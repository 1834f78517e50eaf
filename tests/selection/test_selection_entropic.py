"""Entropic potentials at several regularisations, against POT and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from kernel_ot._arrays import Array
from kernel_ot.samples import Samples
from kernel_ot.selection import entropic_potentials
from kernel_ot.selection._entropic import means_of_parts


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


def test_many_rows_are_cut_into_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernel_ot.selection._entropic.MAX_ENTROPIC_POINTS", 20)
    s, regularisations = _samples(), (0.1, 0.05)
    found = entropic_potentials(s, regularisations)
    assert len(found) == 2 * 3
    for k, relative in enumerate(regularisations):
        for part, potentials in enumerate(found[3 * k : 3 * k + 3]):
            assert potentials.u.regularisation == pytest.approx(relative * s.mean_cost())
            np.testing.assert_array_equal(potentials.v.centres, s.x[part::3])
            # 23 or 24 rows of y, of which 20 stay.
            assert len(potentials.u.centres) == 20
            assert set(map(tuple, potentials.u.centres)) <= set(map(tuple, s.y[part::3]))
    maps = [potentials.transport(s.x) for potentials in found]
    for k, mean in enumerate(means_of_parts(found, 2)):
        there = mean.transport(s.x)
        np.testing.assert_allclose(there, sum(maps[3 * k : 3 * k + 3]) / 3, rtol=1e-12)
    asked: list[bool] = []

    def enough() -> bool:
        asked.append(True)
        return len(asked) == 2

    assert len(entropic_potentials(s, regularisations, enough)) == 2 * 2


def test_the_mean_of_parts_is_nearer_than_a_part() -> None:
    rng = np.random.default_rng(5)
    x, before = rng.normal(size=(2, 4000, 3))
    y = before + 2 * np.maximum(before, 0.0)
    masses = np.full(4000, 1 / 4000)
    first, second = found = entropic_potentials(Samples(x, y, masses, masses), (0.01,))
    fresh = rng.normal(size=(1000, 3))
    truth = fresh + 2 * np.maximum(fresh, 0.0)
    errors = [
        np.mean(np.square(p.transport(fresh) - truth))
        for p in (first, second, *means_of_parts(found, 1))
    ]
    assert errors[2] < 0.8 * min(errors[:2])
