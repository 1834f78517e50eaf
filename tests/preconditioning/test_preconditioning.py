from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn.covariance import ledoit_wolf

from kernel_ot._arrays import Array
from kernel_ot.kernels import Gaussian
from kernel_ot.potentials import KernelExpansion, Potentials
from kernel_ot.preconditioning import (
    Conjugation,
    fit_conjugation,
    gaussian_map,
    shrunk_covariance,
)


def random_samples(n: int, m: int, d: int, seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(d, d))
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) @ mixing + rng.normal(size=d)


def inner_potentials(d: int, seed: int = 0) -> Potentials:
    rng = np.random.default_rng(seed)
    kernel = Gaussian(1.5)
    return Potentials(
        KernelExpansion(kernel, rng.normal(size=(6, d)), rng.normal(size=6)),
        KernelExpansion(kernel, rng.normal(size=(5, d)), rng.normal(size=5)),
    )


def half_squares(x: Array, y: Array) -> Array:
    return np.asarray(np.sum(np.square(x - y), axis=1) / 2)


@pytest.mark.parametrize(("n", "d"), [(50, 3), (10, 20), (400, 1)])
def test_shrunk_covariance_is_ledoit_wolf(n: int, d: int) -> None:
    x = random_samples(n, n, d)[1]
    centred = x - x.mean(axis=0)
    covariance, shrinkage = shrunk_covariance(centred, np.full(n, 1 / n))
    expected, expected_shrinkage = ledoit_wolf(centred, assume_centered=True)
    np.testing.assert_allclose(covariance, expected, rtol=1e-10, atol=1e-12)
    assert shrinkage == pytest.approx(expected_shrinkage, abs=1e-12)


def test_gaussian_map_carries_one_covariance_to_the_other() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 4, 6))
    matrix = gaussian_map(a @ a.T, b @ b.T)
    np.testing.assert_allclose(matrix @ (a @ a.T) @ matrix, b @ b.T, atol=1e-10)
    np.testing.assert_allclose(matrix, matrix.T)
    assert np.linalg.eigvalsh(matrix).min() > 0


@pytest.mark.parametrize("unit", [1e-2, 1e-4])
def test_features_in_a_far_smaller_unit_are_not_swamped(unit: float) -> None:
    centred = np.random.default_rng(3).normal(size=(60, 3))
    centred -= centred.mean(axis=0)
    units = np.array([1.0, unit, 1.0])
    weights = np.full(60, 1 / 60)
    covariance, _ = shrunk_covariance(centred * units, weights)
    alike, _ = shrunk_covariance(centred, weights)
    np.testing.assert_allclose(covariance / np.outer(units, units), alike, atol=0.15)


@pytest.mark.parametrize("kind", ["gaussian", "scale", None])
def test_slack_conjugates_exactly(kind: str | None) -> None:
    x, y = random_samples(40, 30, 3)
    change = fit_conjugation(x, y, kind)
    inner = inner_potentials(3)
    outer = change.potentials(inner)
    pairs = x[:30], y
    slack = half_squares(*pairs) - outer.u(pairs[0]) - outer.v(pairs[1])
    changed = change.forward_x(pairs[0]), change.forward_y(pairs[1])
    inner_slack = half_squares(*changed) - inner.u(changed[0]) - inner.v(changed[1])
    np.testing.assert_allclose(slack, change.scale**2 * inner_slack, atol=1e-10)


@pytest.mark.parametrize("kind", ["gaussian", "scale", None])
def test_maps_conjugate_and_gradients_are_derivatives(kind: str | None) -> None:
    x, y = random_samples(40, 30, 3)
    change = fit_conjugation(x, y, kind)
    inner = inner_potentials(3)
    outer = change.potentials(inner)
    np.testing.assert_allclose(
        outer.transport(x), change.backward_y(inner.transport(change.forward_x(x))), atol=1e-10
    )
    np.testing.assert_allclose(
        outer.inverse_transport(y),
        change.backward_x(inner.inverse_transport(change.forward_y(y))),
        atol=1e-10,
    )
    step = 1e-5
    for function, points in ((outer.u, x[:4]), (outer.v, y[:4])):
        for axis in range(3):
            shift = step * np.eye(3)[axis]
            numeric = (function(points + shift) - function(points - shift)) / (2 * step)
            np.testing.assert_allclose(function.gradient(points)[:, axis], numeric, atol=1e-6)


def test_zero_potentials_give_the_gaussian_map_and_its_cost() -> None:
    # Gaussian cost by Gelbrich's formula with the same covariances.
    x, y = random_samples(300, 200, 2)
    weights = np.full(300, 1 / 300), np.full(200, 1 / 200)
    change = fit_conjugation(x, y, "gaussian")
    images = change.backward_y(change.forward_x(x))
    covariance_y, _ = shrunk_covariance(y - y.mean(axis=0), weights[1])
    covariance_x, _ = shrunk_covariance(x - x.mean(axis=0), weights[0])
    matrix = gaussian_map(covariance_x, covariance_y)
    np.testing.assert_allclose(images, y.mean(axis=0) + (x - x.mean(axis=0)) @ matrix, atol=1e-8)
    gelbrich = half_squares(x.mean(axis=0)[None], y.mean(axis=0)[None])[0]
    gelbrich += np.trace(covariance_x + covariance_y - 2 * covariance_x @ matrix) / 2
    # The linear part is of shrunk covariances, the quadratic part of plain ones: equal up to that.
    assert change.cost(0.0, x, y, *weights) == pytest.approx(gelbrich, rel=0.05)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1000),
    d=st.integers(1, 6),
    n=st.integers(2, 12),
    kind=st.sampled_from(["gaussian", "scale"]),
)
def test_forward_and_backward_are_inverse(seed: int, d: int, n: int, kind: str) -> None:
    x, y = random_samples(n, n + 1, d, seed)
    change = fit_conjugation(x, y, kind)
    scale = np.abs(y).max() + np.abs(x).max()
    np.testing.assert_allclose(change.backward_x(change.forward_x(x)), x, atol=1e-9 * scale)
    np.testing.assert_allclose(change.backward_y(change.forward_y(y)), y, atol=1e-9 * scale)


def test_swapping_the_samples_inverts_the_change() -> None:
    x, y = random_samples(60, 50, 3)
    there, back = fit_conjugation(x, y), fit_conjugation(y, x)
    np.testing.assert_allclose(back.root, there.inverse_root, atol=1e-8)
    assert back.scale == pytest.approx(there.scale)


def test_constant_directions_and_identical_points_stay_finite() -> None:
    x, y = random_samples(20, 20, 3)
    x[:, 1], y[:, 1] = 5.0, 5.0
    change = fit_conjugation(x, y)
    assert np.isfinite(change.root).all()
    assert np.linalg.cond(change.root) < 1e4
    flat = np.full((4, 3), 1e3 / 3)
    assert fit_conjugation(flat, flat).scale == 1.0
    one_sided = fit_conjugation(flat, y)
    np.testing.assert_allclose(
        one_sided.backward_x(one_sided.forward_y(y)), flat[:1] + np.zeros((20, 1)), atol=0.1
    )


def test_weights_count_as_repetitions() -> None:
    x, y = random_samples(6, 5, 2)
    weights = np.array([1, 2, 3, 1, 1, 2]) / 10
    repeated = np.repeat(x, [1, 2, 3, 1, 1, 2], axis=0)
    weighted = fit_conjugation(x, y, "scale", weights)
    plain = fit_conjugation(repeated, y, "scale")
    np.testing.assert_allclose(weighted.mean_x, plain.mean_x)
    assert weighted.scale == pytest.approx(plain.scale)


def test_float32_points_give_float32_and_pickling_keeps_values() -> None:
    x, y = random_samples(30, 30, 2)
    outer = fit_conjugation(x, y).potentials(inner_potentials(2))
    assert outer.transport(x.astype(np.float32)).dtype == np.float32
    assert outer.u(x.astype(np.float32)).dtype == np.float32
    copy = pickle.loads(pickle.dumps(outer))
    np.testing.assert_array_equal(copy.transport(x), outer.transport(x))


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="preconditioner = 'whiten' must be one of"):
        fit_conjugation(np.zeros((2, 1)), np.ones((2, 1)), "whiten")


def test_offsets_add_up_to_the_cost_of_pairs() -> None:
    x, y = random_samples(10, 10, 2)
    change: Conjugation = fit_conjugation(x, y)
    from_x, from_y = change.offsets(x, y)
    changed = half_squares(change.forward_x(x), change.forward_y(y))
    np.testing.assert_allclose(
        from_x + from_y + change.scale**2 * changed, half_squares(x, y), atol=1e-10
    )
