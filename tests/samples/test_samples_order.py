"""The samples' own order of rows, and fits that it makes the same whatever order rows come in."""

from __future__ import annotations

import numpy as np
import pytest

from kernel_ot import KernelOT, KernelOTCV
from kernel_ot._arrays import Array
from kernel_ot.samples import Samples, in_own_order


def _samples(kind: str) -> Samples:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(60, 2)), 1 + rng.normal(size=(50, 2)) ** 2
    a, b = np.full(60, 1 / 60), np.full(50, 1 / 50)
    if kind == "weights":
        a, b = rng.dirichlet(np.ones(60)), rng.dirichlet(np.ones(50))
    if kind == "ties":
        x, y = rng.poisson(0.6, (60, 2)).astype(float), rng.poisson(1.5, (50, 2)).astype(float)
    if kind == "sorted, of one size":
        x, y = np.sort(rng.normal(size=(2, 50, 1)), axis=1)
        a = b
    if kind == "wild row":
        x[7] = 1e6
    return Samples(x, y, a, b)


def _permuted(samples: Samples) -> Samples:
    rng = np.random.default_rng(6)
    rows, columns = rng.permutation(len(samples.x)), rng.permutation(len(samples.y))
    return Samples(
        samples.x[rows], samples.y[columns], samples.weights_x[rows], samples.weights_y[columns]
    )


def _fitted(samples: Samples) -> KernelOT:
    return KernelOT().fit(samples.x, samples.y, samples.weights_x, samples.weights_y)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", ["equal", "weights", "ties", "sorted, of one size", "wild row"])
def test_a_default_fit_does_not_depend_on_the_order_of_the_rows(kind: str) -> None:
    samples = _samples(kind)
    one, other = _fitted(samples), _fitted(_permuted(samples))
    np.testing.assert_allclose(
        other.transform(samples.x), one.transform(samples.x), rtol=1e-7, atol=1e-7
    )
    assert other.cost_ == pytest.approx(one.cost_, rel=1e-9)
    assert other.reg_potential_ == one.reg_potential_
    assert one.verdict_ is not None
    assert other.verdict_ is not None
    assert other.verdict_.energy.value == pytest.approx(one.verdict_.energy.value, abs=1e-7)


def test_a_search_does_not_depend_on_the_order_of_the_rows() -> None:
    one, other = (
        KernelOTCV(kernels=(1.0,), reg_potentials=(1e-2, 1e-3), cv=3, refit=False).fit(
            samples.x, samples.y
        )
        for samples in (_samples("equal"), _permuted(_samples("equal")))
    )
    np.testing.assert_allclose(
        other.cv_results_["mean_test_semi_dual"], one.cv_results_["mean_test_semi_dual"], rtol=1e-9
    )


def test_rows_in_pairs_stay_pairs_in_whatever_order_pairs_come() -> None:
    x = np.random.default_rng(0).normal(size=(40, 3))
    weights = np.full(40, 1 / 40)
    order = np.random.default_rng(1).permutation(40)
    one, other = (
        in_own_order(Samples(points, points + 3, weights, weights)) for points in (x, x[order])
    )
    np.testing.assert_array_equal(one.y, one.x + 3)
    np.testing.assert_array_equal(other.x, one.x)


def _positions(ordered: Array, points: Array) -> list[int]:
    return [int(np.flatnonzero((points == row).all(axis=1))[0]) for row in ordered]


def test_parts_of_two_samples_have_no_quantiles_in_common() -> None:
    """With one shuffle for both, a third of x and of y would be the same third of the ranks."""
    ranks = np.arange(300.0)[:, None] ** 2
    weights = np.full(300, 1 / 300)
    ordered = in_own_order(Samples(ranks, 2 * ranks, weights, weights))
    of_x, of_y = _positions(ordered.x, ranks), _positions(ordered.y, 2 * ranks)
    assert abs(np.corrcoef(of_x, of_y)[0, 1]) < 0.2


def test_swapped_or_turned_samples_have_the_same_order() -> None:
    samples = _samples("equal")
    x, y = samples.x[:50], samples.y
    weights = samples.weights_y
    there = in_own_order(Samples(x, y, weights, weights))
    back = in_own_order(Samples(y, x, weights, weights))
    np.testing.assert_array_equal(back.y, there.x)
    np.testing.assert_array_equal(back.x, there.y)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(2, 2)))[0]
    turned = in_own_order(Samples(x @ turn, y, weights, weights))
    np.testing.assert_allclose(turned.x, there.x @ turn, atol=1e-12)
