"""lambda_2 of all points where a little less of it does far worse."""

from __future__ import annotations

import numpy as np
import pytest

from helpers import equally_weighted
from kernel_ot import KernelOT
from kernel_ot._arrays import Array
from kernel_ot.estimator._choosing import _share_of_reg_potential
from kernel_ot.selection import Candidate, Selection


def _candidate(reg_potential: float, score: float, factor: float = 0.5) -> Candidate:
    return Candidate(factor, reg_potential, (score - 0.1, score + 0.1))


def _share(d: int, *settings: Candidate, n: int = 30) -> float:
    """Return the share where the first of the settings is chosen and the Gaussian map has 1."""
    points = np.zeros((n, d))
    selection = Selection(_candidate(np.inf, 1.0), settings, ((),) * len(settings))
    return _share_of_reg_potential(settings[0], selection, equally_weighted(points, points))


def test_the_share_is_larger_where_the_next_smaller_is_worse_than_the_gaussian_map() -> None:
    chosen, good, bad = _candidate(1e-2, 1.5), _candidate(3e-3, 1.01), _candidate(3e-3, 0.99)
    of_another_kernel, far = _candidate(3e-3, 0.5, 0.7), _candidate(1e-3, 0.5)
    assert _share(5, chosen, bad) == pytest.approx(1)
    assert _share(5, chosen, bad, n=1000) == pytest.approx(0.6)
    assert _share(5, chosen, bad, n=2000) == pytest.approx(0.2)
    assert _share(5, chosen, good, far, of_another_kernel) == pytest.approx(2 / 3)
    assert _share(5, chosen, _candidate(1e-1, 0.5)) == pytest.approx(2 / 3)
    # Among more features the semi-dual value does not choose.
    assert _share(21, chosen, bad) == pytest.approx(2 / 3)


def _steep(seed: int, n: int, d: int) -> tuple[Array, Array, float]:
    """Return samples of a map that is steep in a few directions, and its cost."""
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(rng.normal(size=(d, d)))[0][:, :3]

    def transport(x: Array) -> Array:
        return np.asarray(0.5 * x + 1.5 * np.tanh(2 * x @ directions) @ directions.T)

    many = rng.normal(size=(20_000, d))
    cost = float(np.mean(np.sum(np.square(transport(many) - many), axis=1)) / 2)
    return rng.normal(size=(n, d)), transport(rng.normal(size=(n, d))), cost


def test_a_cost_at_a_cliff_is_nearer_with_all_of_lambda_2() -> None:
    x, y, cost = _steep(0, 60, 12)
    model = KernelOT(verdict=False).fit(x, y)
    baseline, *settings = model.candidates_
    best = max(settings, key=lambda candidate: candidate.score)
    smaller = [
        candidate
        for candidate in settings
        if candidate.bandwidth_factor == best.bandwidth_factor
        and candidate.reg_potential < best.reg_potential
    ]
    assert max(smaller, key=lambda c: c.reg_potential).score < baseline.score
    assert model.reg_potential_ == pytest.approx(best.reg_potential)
    scaled = KernelOT(kernel=model.kernel_, reg_potential=2 / 3 * best.reg_potential).fit(x, y)
    assert abs(model.cost_ - cost) < abs(scaled.cost_ - cost)
