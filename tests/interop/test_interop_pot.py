"""Results as POT's, and POT's exact duals as potentials, both against POT itself."""

from __future__ import annotations

import sys
import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import ot
import pytest
from scipy.spatial.distance import cdist
from sklearn.exceptions import ConvergenceWarning

from helpers import Backend
from kernel_ot import KernelOT, KernelOTCV, kernels
from kernel_ot._arrays import Array
from kernel_ot.interop import (
    DiscreteCTransform,
    Metric,
    from_dual_values,
    from_pot_result,
    to_pot_result,
)

KERNEL = kernels.Gaussian(1.0)


@pytest.fixture(scope="module")
def samples() -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 2)), rng.normal(size=(50, 2)) + [5, 1]
    return x, y + np.tanh(2 * y)


@pytest.fixture(scope="module")
def weighted(samples: tuple[Array, Array]) -> KernelOT:
    a, b = np.arange(1.0, 41.0), np.arange(1.0, 51.0)
    return KernelOT(KERNEL, reg_potential=1e-3).fit(*samples, weights_x=a, weights_y=b)


def half_squares(x: Array, y: Array) -> Array:
    return np.asarray(cdist(x, y, "sqeuclidean") / 2)


def centred(values: Array) -> Array:
    return np.asarray(values - values.mean())


@pytest.mark.parametrize(("metric", "factor"), [("sqeuclidean", 2), ("half_sqeuclidean", 1)])
def test_a_model_as_a_result(
    weighted: KernelOT, samples: tuple[Array, Array], metric: Metric, factor: float
) -> None:
    x, y = samples
    a, b = np.arange(1, 41) / 820, np.arange(1, 51) / 1275
    result = to_pot_result(weighted, metric=metric)
    assert isinstance(result, ot.utils.OTResult)
    exact = ot.solve(factor * half_squares(x, y), a, b)
    # The dual value of what it holds, a proven bound, and close to POT's value in POT's unit.
    assert result.value == pytest.approx(a @ result.potential_a + b @ result.potential_b)
    assert result.value_linear == result.value == factor * weighted.cost_
    assert result.value == pytest.approx(exact.value, rel=0.05)
    assert result.log["lower_bound"] <= exact.value * (1 + 1e-12)
    assert result.log["lower_bound"] == pytest.approx(exact.value, rel=0.05)
    violation = result.potential_a[:, None] + result.potential_b - factor * half_squares(x, y)
    assert violation.max() == pytest.approx(result.log["largest_violation"], abs=1e-9)
    for ours, theirs in zip(result.potentials, exact.potentials, strict=True):
        np.testing.assert_allclose(centred(ours), centred(theirs), atol=0.05 * np.ptp(theirs))
    assert result.status == exact.status == "Converged"
    assert result.plan is result.sparse_plan is result.lazy_plan is result.marginals is None
    with pytest.raises(NotImplementedError):
        _ = result.a_to_b


def test_a_search_and_an_unfinished_fit(samples: tuple[Array, Array]) -> None:
    x, y = samples[0][:15], samples[1][:20]
    search = KernelOTCV(kernels=(KERNEL,), reg_potentials=(1e-1,), cv=2).fit(x, y)
    result = to_pot_result(search, metric="sqeuclidean")
    assert result.value == 2 * search.best_estimator_.cost_
    with pytest.warns(ConvergenceWarning):
        stopped = KernelOT(KERNEL, reg_potential=1e-2, n_fill=20, filling="pairs", max_iter=1).fit(
            x, y
        )
    result = to_pot_result(stopped, metric="sqeuclidean")
    assert result.status == stopped.solution_.status.message
    assert result.status.startswith("Stopped at max_iter")


def test_exact_duals_become_the_classical_potentials(samples: tuple[Array, Array]) -> None:
    x, y = samples[0], samples[1][:40]
    result = ot.solve_sample(x, y)
    exact = from_pot_result(result, x, y, metric="sqeuclidean")
    np.testing.assert_allclose(exact.u(x), result.potential_a / 2, atol=1e-12)
    np.testing.assert_allclose(exact.v(y), result.potential_b / 2, atol=1e-12)
    # The plan, and the maps, which may choose among several partners, only use pairs without slack.
    slack = half_squares(x, y) - exact.u(x)[:, None] - exact.v(y)
    assert np.abs(slack[result.plan > 0]).max() < 1e-12
    images, origins = exact.transport(x), exact.inverse_transport(y)
    np.testing.assert_allclose(half_squares(images, y).min(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(half_squares(origins, x).min(axis=1), 0, atol=1e-12)
    moved = np.sum((images - x) ** 2, axis=1) / 2
    np.testing.assert_allclose(moved, exact.u(x) + exact.v(images), atol=1e-12)
    assert exact.u(x).mean() + exact.v(y).mean() == pytest.approx(result.value / 2)
    new = np.random.default_rng(1).normal(size=(200, 2)) * 5
    assert (exact.u(new)[:, None] + exact.v(y) - half_squares(new, y)).max() < 1e-12
    _, log = ot.emd([], [], half_squares(x, y), log=True)
    again = from_dual_values(log["u"], log["v"], x, y, metric="half_sqeuclidean")
    np.testing.assert_allclose(again.u(x), log["u"], atol=1e-12)


def test_values_that_belong_to_no_exact_solve_are_announced(
    samples: tuple[Array, Array],
) -> None:
    x, y = samples
    # A point without mass has a dual value that is feasible only: nothing to announce.
    masses = np.r_[0, np.full(39, 1 / 39)]
    exact = ot.solve_sample(x, y, masses)
    from_pot_result(exact, x, y, metric="sqeuclidean")
    from_pot_result(
        ot.solve_sample(*(s.astype(np.float32) for s in samples)), x, y, metric="sqeuclidean"
    )
    u, v = exact.potentials
    with pytest.warns(UserWarning, match="'half_sqeuclidean': they differ by .* unit is another"):
        from_dual_values(u, v, x, y, metric="half_sqeuclidean")
    for wrong in (
        SimpleNamespace(potentials=(u / 2, v / 2)),
        SimpleNamespace(potentials=(u[::-1], v)),
        ot.solve_sample(x, y, reg=0.1),
    ):
        with pytest.warns(UserWarning, match="not each other's c-transforms"):
            from_pot_result(wrong, x, y, metric="sqeuclidean")


def test_entropic_duals_times_reg_are_close_to_the_exact_ones(
    samples: tuple[Array, Array],
) -> None:
    x, y = samples
    exact = from_pot_result(ot.solve_sample(x, y), x, y, metric="sqeuclidean")
    u, v = ot.solve_sample(x, y, reg=0.1, max_iter=5000).potentials
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        entropic = from_dual_values(0.1 * u, 0.1 * v, x, y, metric="sqeuclidean")
    assert len(caught) == 1
    ours, theirs = centred(entropic.u(x)), centred(exact.u(x))
    np.testing.assert_allclose(ours, theirs, atol=0.02 * np.ptp(theirs))


def test_the_c_transform_is_the_minimum_over_all_points(backend: Backend) -> None:
    rng = np.random.default_rng(3)
    # So far out that |x|^2 / 2 alone has no digits left for differences.
    points, values = rng.normal(size=(300, 3)) + 1e7, rng.normal(size=300)
    new = rng.normal(size=(50, 3)) + 1e7
    differences = new[:, None] - points
    every = np.sum(differences**2, axis=2) / 2 - values
    function = DiscreteCTransform(backend.array(points), backend.array(values))
    ours, gradients = function(backend.array(new)), function.gradient(backend.array(new))
    assert backend.owns(ours)
    np.testing.assert_allclose(ours, every.min(axis=1), atol=1e-12)
    expected = differences[np.arange(50), every.argmin(axis=1)]
    np.testing.assert_allclose(gradients, expected, atol=1e-12)
    assert function(backend.array(new.astype(np.float32))).dtype == np.float32


def test_blocks_of_points_change_nothing() -> None:
    rng = np.random.default_rng(4)
    function = DiscreteCTransform(rng.normal(size=(3000, 1)), rng.normal(size=3000))
    new = rng.normal(size=(6000, 1))  # 144 MB of pairs, three blocks
    np.testing.assert_array_equal(function(new)[-5:], function(new[-5:]))


def test_what_is_refused(samples: tuple[Array, Array], monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = samples
    u, v = np.zeros(40), np.zeros(50)
    refused: list[tuple[tuple[Any, ...], str]] = [
        ((v, u, x, y), r"u has shape \(50,\); it must be \(40,\), one value for each row of x"),
        ((u, np.full(50, np.nan), x, y), "v contains nan"),
        ((u, v, x, y[:, :1]), "x has 2 columns and y has 1"),
    ]
    for arguments, message in refused:
        with pytest.raises(ValueError, match=message):
            from_dual_values(*arguments, metric="sqeuclidean")
    with pytest.raises(ValueError, match="holds no dual potentials; solve exactly"):
        from_pot_result(ot.utils.OTResult(value=1.0), x, y, metric="sqeuclidean")
    with pytest.raises(ValueError, match="not fitted"):
        to_pot_result(KernelOT(), metric="sqeuclidean")
    with pytest.raises(ValueError, match=r"values has shape \(2,\); it must be \(3,\)"):
        DiscreteCTransform(np.zeros((3, 1)), np.zeros(2))
    model = KernelOT(KERNEL, reg_potential=1e-3).fit(x, y)
    monkeypatch.setitem(sys.modules, "ot.utils", None)
    with pytest.raises(ImportError, match="pip install POT"):
        to_pot_result(model, metric="sqeuclidean")
