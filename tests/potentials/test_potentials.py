"""Kernel expansions against closed forms, and the maps that potentials define."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kernel_ot._arrays import Array
from kernel_ot.kernels import Gaussian, Kernel, Linear, Matern, Polynomial
from kernel_ot.potentials import KernelExpansion, PotentialFunction, Potentials


def _quadratic(hessian: Array, slope: Array) -> KernelExpansion:
    """Return `x'Hx / 2 + <slope, x>` plus a constant of 0, in the space of `Polynomial(2)`."""
    d = len(slope)
    n_monomials = (d + 1) * (d + 2) // 2
    centres = np.random.default_rng(3).normal(size=(n_monomials, d))
    values = 0.5 * np.einsum("ij,jk,ik->i", centres, hessian, centres) + centres @ slope
    kernel = Polynomial(2)
    return KernelExpansion(kernel, centres, np.linalg.solve(kernel(centres, centres), values))


@pytest.mark.parametrize("kernel", [Gaussian(0.8), Matern(1.5, 0.8), Polynomial(2), Linear()])
def test_values_and_gradients_of_an_expansion(kernel: Kernel) -> None:
    rng = np.random.default_rng(0)
    centres, coefficients = rng.normal(size=(40, 3)), rng.normal(size=40)
    f = KernelExpansion(kernel, centres, coefficients)
    points = rng.normal(size=(1000, 3))
    assert f.dimension == 3
    np.testing.assert_allclose(f(points), kernel(points, centres) @ coefficients, atol=1e-11)
    step = 1e-5
    differences = np.stack(
        [(f(points + step * e) - f(points - step * e)) / (2 * step) for e in np.eye(3)], axis=1
    )
    np.testing.assert_allclose(f.gradient(points), differences, atol=1e-5)


def test_quadratic_potentials_give_affine_maps_and_their_inverses() -> None:
    # From N(0, I) to N(b, A^2) the map is Ax + b: u = x'(I - A)x / 2 - <b, x>, and v its conjugate.
    matrix = np.array([[2.0, 0.5], [0.5, 1.0]])
    shift = np.array([1.0, -2.0])
    inverse = np.linalg.inv(matrix)
    potentials = Potentials(
        u=_quadratic(np.eye(2) - matrix, -shift),
        v=_quadratic(np.eye(2) - inverse, inverse @ shift),
    )
    x = np.random.default_rng(1).normal(size=(500, 2))
    y = x @ matrix + shift
    np.testing.assert_allclose(potentials.transport(x), y, atol=1e-10)
    np.testing.assert_allclose(potentials.inverse_transport(y), x, atol=1e-10)
    np.testing.assert_allclose(potentials.gradient_u(x), x - y, atol=1e-10)
    np.testing.assert_allclose(potentials.gradient_v(y), y - x, atol=1e-10)
    # Equality on the plan up to one constant, and the inequality everywhere else.
    slack = 0.5 * ((x - y) ** 2).sum(axis=1) - potentials.u(x) - potentials.v(y)
    np.testing.assert_allclose(slack, slack[0], atol=1e-10)
    pair_slack = 0.5 * ((x[:, None] - y) ** 2).sum(axis=2) - potentials.u(x)[:, None]
    assert (pair_slack - potentials.v(y) >= slack[0] - 1e-10).all()


def test_single_precision_points_are_computed_in_double_and_returned_single() -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(30, 2))
    coefficients = 1e4 * rng.normal(size=30)
    coefficients -= coefficients.mean()  # large terms that cancel
    f = KernelExpansion(Gaussian(3.0), centres, coefficients)
    points = rng.normal(size=(100, 2)).astype(np.float32)
    exact = points.astype(np.float64)
    assert f(points).dtype == np.float32
    np.testing.assert_array_equal(f(points), f(exact).astype(np.float32))
    np.testing.assert_array_equal(f.gradient(points), f.gradient(exact).astype(np.float32))
    potentials = Potentials(f, f)
    assert potentials.transport(points).dtype == np.float32
    assert potentials.inverse_transport(points).dtype == np.float32
    assert potentials.transport(exact).dtype == np.float64
    whole = np.array([[1, 2]])
    np.testing.assert_array_equal(potentials.transport(whole), whole - f.gradient(whole * 1.0))


def test_any_function_with_a_gradient_is_a_potential() -> None:
    class Norm:
        def __call__(self, points: Array) -> Array:
            return np.asarray(0.5 * (points**2).sum(axis=1))

        def gradient(self, points: Array) -> Array:
            return points

    assert isinstance(Norm(), PotentialFunction)
    assert isinstance(KernelExpansion(Linear(), np.ones((1, 2)), np.ones(1)), PotentialFunction)
    assert not isinstance(abs, PotentialFunction)
    np.testing.assert_array_equal(Potentials(Norm(), Norm()).transport(np.ones((4, 2))), 0.0)


def test_inputs_are_kept_as_they_were() -> None:
    rng = np.random.default_rng(0)
    centres, coefficients, points = rng.random((5, 2)), rng.random(5), rng.random((7, 2))
    for array in (centres, coefficients, points):
        array.flags.writeable = False
    f = KernelExpansion(Gaussian(1.0), centres, coefficients)
    before = points.copy()
    Potentials(f, f).transport(points)
    np.testing.assert_array_equal(points, before)


def test_messages() -> None:
    centres, coefficients = np.ones((5, 2)), np.ones(5)
    with pytest.raises(ValueError, match="is not a Kernel"):
        KernelExpansion("gaussian", centres, coefficients)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"coefficients has shape \(4,\); it must be \(5,\)"):
        KernelExpansion(Gaussian(1.0), centres, coefficients[:4])
    with pytest.raises(ValueError, match="coefficients contains nan"):
        KernelExpansion(Gaussian(1.0), centres, coefficients * np.nan)
    with pytest.raises(ValueError, match="centres contains inf"):
        KernelExpansion(Gaussian(1.0), centres * np.inf, coefficients)
    f = KernelExpansion(Gaussian(1.0), centres, coefficients)
    for evaluate in (f, f.gradient, Potentials(f, f).transport):
        with pytest.raises(ValueError, match="points has 3 columns but 2 are needed"):
            evaluate(np.ones((4, 3)))
        with pytest.raises(ValueError, match="points contains nan"):
            evaluate(np.full((4, 2), np.nan))
        with pytest.raises(ValueError, match=r"points has shape \(4,\)"):
            evaluate(np.ones(4))


def test_masked_coefficients_are_refused() -> None:
    masked: Any = np.ma.masked_less(np.arange(3.0), 1)
    with pytest.raises(ValueError, match="coefficients is a masked array"):
        KernelExpansion(Linear(), np.ones((3, 1)), masked)
