"""Figures take the fitted model; crowded planes stay readable."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from kernel_ot import KernelOT, KernelOTCV, plots
from kernel_ot._arrays import Array
from kernel_ot.kernels import Gaussian
from kernel_ot.plots._axes import spread_rows

FAST: dict[str, Any] = {"kernel": Gaussian(1.5), "reg_potential": 1e-2}


def sample(n: int, d: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.fixture(scope="module")
def model() -> KernelOT:
    names = ["ERK", "area"]
    frames = (pd.DataFrame(sample(60, 2, seed) + seed, columns=names) for seed in (0, 1))
    return KernelOT(**FAST).fit(*frames)


def test_convergence_of_a_model_shows_its_rounds_and_tolerance(model: KernelOT) -> None:
    ax: Any = plots.convergence(model)
    assert ax.get_ylabel() == "largest violation / mean cost"
    assert ax.get_xlabel() == "round of filling points"
    values = ax.lines[0].get_ydata()
    np.testing.assert_allclose(values, [step.violation for step in model.rounds_])
    assert ax.lines[1].get_ydata()[0] == model.violation_tol
    fixed = KernelOT(**FAST, filling="pairs", n_fill=30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # few points: what it warns of is not asked
        fixed.fit(sample(40, 2), sample(40, 2, 1))
    ax = plots.convergence(fixed)
    assert ax.get_ylabel() == "relative KKT residual"
    assert len(ax.lines[0].get_ydata()) == len(fixed.solution_.history)
    assert ax.lines[1].get_ydata()[0] == fixed.tol


def test_map_and_potentials_of_a_model(model: KernelOT) -> None:
    ax: Any = plots.transport_map(model)
    assert ax.get_xlabel() == "ERK"
    assert len(ax.collections) == 4  # target, arrows, points, images
    by_hand: Any = plots.transport_map(
        model.potentials_.transport,
        model.samples_.x,
        target=model.samples_.y,
        labels=["ERK", "area"],
    )
    for mine, other in zip(ax.collections, by_hand.collections, strict=True):
        np.testing.assert_allclose(mine.get_offsets(), other.get_offsets(), rtol=1e-9)
    assert plots.potential(model).get_xlabel() == "ERK"
    potential: Any = plots.potential(model, name="v")
    dots = potential.collections[-1].get_offsets()
    np.testing.assert_array_equal(dots, model.samples_.y)
    with pytest.raises(ValueError, match="'u' or 'v'"):
        plots.potential(model, name="w")


def test_a_search_stands_for_its_best_model() -> None:
    search = KernelOTCV(kernels=[1.0], reg_potentials=[1e-2], cv=2)
    search.fit(sample(30, 1), sample(30, 1, 1))
    assert plots.convergence(search).get_ylabel() == "largest violation / mean cost"
    assert len(plots.transport_map(search).lines) == 2


def test_components_of_a_model_show_both_samples_and_the_images() -> None:
    fitted = KernelOT(**FAST).fit(sample(60, 3), sample(70, 3, 1) + 1)
    drawn: Any = plots.principal_components(fitted)
    sizes = [len(group.get_offsets()) for group in drawn.collections]
    assert sizes == [60, 70, 60]
    with pytest.raises(ValueError, match="target is not given"):
        plots.principal_components(sample(5, 3))


@pytest.mark.parametrize(
    "draw",
    [plots.convergence, plots.transport_map, plots.potential, plots.principal_components],
)
def test_what_is_not_fitted_is_refused(draw: Any) -> None:
    with pytest.raises(ValueError, match="KernelOT is not fitted"):
        draw(KernelOT())


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 300), st.integers(1, 60), st.integers(0, 9))
def test_arrows_start_all_over_the_sample(n: int, limit: int, seed: int) -> None:
    points = sample(n, 2, seed) ** 3  # dense in the middle
    rows = spread_rows(points, limit)
    assert len(rows) == len(set(rows.tolist())) <= max(limit, 1)
    assert len(rows) == min(n, limit) or len(rows) >= 1


def test_ten_thousand_points_leave_no_gap_and_no_crowd() -> None:
    points = np.concatenate([sample(9900, 2), 4 * sample(100, 2, 1)])
    rows = spread_rows(points, 200)
    assert 100 < len(rows) <= 200
    chosen = points[rows]
    apart = np.sqrt(((chosen[:, None] - chosen) ** 2).sum(-1) + 100 * np.eye(len(chosen))).min(1)
    extent = np.ptp(points, axis=0).max()
    assert np.median(apart) > extent / 60  # evenly taken rows of this sample: a third of it
    even = points[np.linspace(0, 9999, len(rows)).astype(int)]
    crowd = np.sqrt(((even[:, None] - even) ** 2).sum(-1) + 100 * np.eye(len(even))).min(1)
    assert np.median(apart) > 2 * np.median(crowd)
    nearest = np.sqrt(((points[:, None] - chosen) ** 2).sum(-1)).min(axis=1)
    assert nearest.max() < extent / 10
