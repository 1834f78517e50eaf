"""Entropic potentials and weighted sums, against finite differences, formulas and JAX."""

from __future__ import annotations

import numpy as np
import pytest

from kernel_ot import KernelExpansion, Potentials
from kernel_ot._arrays import Array, register_pytrees
from kernel_ot.kernels import Gaussian
from kernel_ot.potentials import EntropicPotential, WeightedSum, value_and_gradient, weighted_sum


def _entropic(rng: np.random.Generator, reg: float = 0.3) -> EntropicPotential:
    return EntropicPotential(rng.normal(size=(40, 3)), rng.normal(size=40), reg)


def _expansion(rng: np.random.Generator) -> KernelExpansion:
    return KernelExpansion(Gaussian(1.0), rng.normal(size=(30, 3)), rng.normal(size=30))


@pytest.mark.parametrize("kind", ["entropic", "sum"])
def test_gradients_are_those_of_finite_differences(kind: str) -> None:
    rng = np.random.default_rng(61)
    f: EntropicPotential | WeightedSum = _entropic(rng)
    if kind == "sum":
        f = WeightedSum((f, _expansion(rng)), (0.3, 0.5))
    points, step = rng.normal(size=(7, 3)), 1e-6
    for axis, unit in enumerate(step * np.eye(3)):
        slope = (f(points + unit) - f(points - unit)) / (2 * step)
        np.testing.assert_allclose(f.gradient(points)[:, axis], slope, atol=1e-7)
        bend = (f.gradient(points + unit) - f.gradient(points - unit)) / (2 * step)
        np.testing.assert_allclose(f.hessian(points)[:, axis], bend, atol=1e-7)
    values, gradients = value_and_gradient(f, points)
    np.testing.assert_allclose(values, f(points))
    np.testing.assert_allclose(gradients, f.gradient(points))


def test_small_regularisation_is_the_c_transform() -> None:
    rng = np.random.default_rng(61)
    f = _entropic(rng, reg=1e-6)
    points = 100 * rng.normal(size=(9, 3))
    squares = np.sum(np.square(points[:, None] - f.centres), axis=2) / 2
    np.testing.assert_allclose(f(points), (squares - f.heights).min(axis=1), atol=1e-5)
    images = points - f.gradient(points)
    np.testing.assert_allclose(images, f.centres[(squares - f.heights).argmin(axis=1)], atol=1e-9)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(61)
    f, points = _entropic(rng), rng.normal(size=(11, 3))
    whole = f.value_and_gradient(points)
    cut = [slice(0, 4), slice(4, 11)]
    monkeypatch.setattr("kernel_ot.potentials._entropic.block_slices", lambda *_: iter(cut))
    for one, other in zip(whole, f.value_and_gradient(points), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_single_precision_stays_and_no_points_are_no_values() -> None:
    f = _entropic(np.random.default_rng(61))
    points = np.zeros((2, 3), np.float32)
    assert f(points).dtype == f.gradient(points).dtype == np.float32
    assert f(points[:0]).shape == (0,)
    assert f.gradient(points[:0]).shape == (0, 3)


def test_jax_points_give_the_same_values() -> None:
    jax = pytest.importorskip("jax", reason="needs JAX")
    register_pytrees()
    rng = np.random.default_rng(61)
    f = WeightedSum((_entropic(rng), _expansion(rng)), (0.3, 0.5))
    points = rng.normal(size=(7, 3))
    with jax.enable_x64(True):
        on_jax = jax.tree_util.tree_map(jax.numpy.asarray, f)
        values = jax.jit(lambda g, p: g(p))(on_jax, jax.numpy.asarray(points))
        slopes = jax.jit(jax.grad(lambda p: on_jax(p).sum()))(jax.numpy.asarray(points))
        np.testing.assert_allclose(np.asarray(values), f(points), rtol=1e-10)
        np.testing.assert_allclose(np.asarray(slopes), f.gradient(points), rtol=1e-8, atol=1e-10)


def test_a_sum_of_one_with_weight_one_is_that_one() -> None:
    rng = np.random.default_rng(61)
    one = Potentials(_expansion(rng), _expansion(rng))
    assert weighted_sum((one,), (1.0,)) is one
    half: Array = weighted_sum((one,), (0.5,)).transport(np.ones((1, 3)))
    np.testing.assert_allclose(half, (1 + one.transport(np.ones((1, 3)))) / 2)
