"""Potentials whose maps are cubic splines: derivatives, straight ends, precision."""

from __future__ import annotations

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot.potentials import SplinePotential
from kernel_ot.samples import Samples
from kernel_ot.selection import spline_potentials


def _potential() -> SplinePotential:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(2, 40, 1))
    masses = np.full(40, 1 / 40)
    (potentials,) = spline_potentials(Samples(x, np.exp(y), masses, masses), (1e-4,))
    assert isinstance(potentials.u, SplinePotential)
    return potentials.u


def _points() -> Array:
    return np.linspace(-5, 5, 301)[:, None]


def test_derivatives_are_those_of_the_values_also_beyond_the_knots() -> None:
    u, x, step = _potential(), _points(), 1e-5
    slope = (u(x + step) - u(x - step)) / (2 * step)
    np.testing.assert_allclose(u.gradient(x)[:, 0], slope, atol=1e-8)
    bend = (u.gradient(x + step) - u.gradient(x - step)) / (2 * step)
    np.testing.assert_allclose(u.hessian(x)[:, 0], bend, atol=1e-3)


def test_the_map_is_straight_beyond_the_outermost_knots() -> None:
    u = _potential()
    for beyond in (u.knots[-1] + np.arange(4.0), u.knots[0] - np.arange(4.0)):
        mapped = beyond - u.gradient(beyond[:, None])[:, 0]
        np.testing.assert_allclose(np.diff(mapped, 2), 0, atol=1e-10)


def test_single_precision_stays_and_no_points_are_allowed() -> None:
    u, x = _potential(), _points()
    single = x.astype(np.float32)
    for found, exact in ((u(single), u(x)), (u.gradient(single), u.gradient(x))):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, exact, rtol=1e-4, atol=1e-4)
    assert u.gradient(np.zeros((0, 1))).shape == (0, 1)
    assert u.hessian(np.zeros((0, 1))).shape == (0, 1, 1)
