from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from helpers import load_backend
from kernel_ot import DivergenceSettings, divergence
from kernel_ot._arrays import Array
from kernel_ot.kernels import Gaussian

load_backend("jax")

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import optax  # noqa: E402

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 2)), 1.5 * RNG.normal(size=(12, 2)) + 1
SETTINGS = DivergenceSettings(Gaussian(1.5), 0.03, tol=1e-11)
DIRECTION = RNG.normal(size=X.shape)


def value(x: Any, y: Any, settings: DivergenceSettings = SETTINGS, masses: Any = None) -> Any:
    return divergence(x, y, settings=settings, weights_x=masses).value


def central(function: Callable[[float], Any], step: float = 1e-4) -> Any:
    return (np.asarray(function(step)) - np.asarray(function(-step))) / (2 * step)


@pytest.fixture(scope="module")
def compiled() -> Any:
    """Return the value and all its derivatives as one compiled function."""
    return jax.jit(jax.value_and_grad(value, argnums=(0, 1, 2, 3), allow_int=True))


def test_gradients_in_points_masses_and_settings_are_those_of_differences(compiled: Any) -> None:
    masses = np.linspace(1, 2, len(X))
    x, y, weights = jnp.asarray(X), jnp.asarray(Y), jnp.asarray(masses)
    _, (in_x, _, in_settings, in_masses) = compiled(x, y, SETTINGS, weights)
    tilt = np.cos(np.arange(len(X)))

    def with_bandwidth(step: float) -> Any:
        settings = replace(SETTINGS, kernel=Gaussian(1.5 + step))
        return value(X, Y, settings, masses)

    def with_regularisation(step: float) -> Any:
        return value(X, Y, replace(SETTINGS, reg_potential=0.03 + step), masses)

    for found, expected in (
        (np.sum(in_x * DIRECTION), central(lambda h: value(X + h * DIRECTION, Y, masses=masses))),
        (in_masses @ tilt, central(lambda h: value(X, Y, masses=masses + h * tilt))),
        (in_settings.kernel.bandwidth, central(with_bandwidth)),
        (in_settings.reg_potential, central(with_regularisation)),
    ):
        assert float(found) == pytest.approx(float(expected), rel=1e-5)


def test_hessian_vector_products_are_differences_of_gradients() -> None:
    @jax.jit
    def product(x: Array) -> Any:
        return jax.jvp(jax.grad(value), (x, jnp.asarray(Y)), (jnp.asarray(DIRECTION), 0 * x))[1]

    expected = central(lambda h: divergence(X + h * DIRECTION, Y, settings=SETTINGS).gradient_x)
    np.testing.assert_allclose(product(jnp.asarray(X)), expected, rtol=1e-5, atol=1e-9)


def test_images_are_differentiable() -> None:
    def images(x: Any) -> Any:
        return divergence(x, Y if isinstance(x, np.ndarray) else jnp.asarray(Y), settings=SETTINGS)

    @jax.jit
    def change(x: Any) -> Any:
        return jax.jvp(lambda p: images(p).backward.images, (x,), (jnp.asarray(DIRECTION),))[1]

    expected = central(lambda h: images(X + h * DIRECTION).backward.images)
    np.testing.assert_allclose(change(jnp.asarray(X)), expected, rtol=1e-5, atol=1e-7)


def test_a_batch_is_its_members_and_nothing_is_traced_twice() -> None:
    traces: list[None] = []

    def counted(x: Any, y: Any, settings: DivergenceSettings) -> Any:
        traces.append(None)
        return value(x, y, settings)

    batch = jnp.asarray(np.stack([X, X + 1, 2 * X]))
    function = jax.jit(jax.vmap(counted, in_axes=(0, None, None)))
    found = function(batch, jnp.asarray(Y), SETTINGS)
    again = function(batch + 0.1, jnp.asarray(Y), replace(SETTINGS, reg_potential=0.05))
    assert len(traces) == 1
    assert bool(jnp.all(again > 0))
    for row, number in zip(batch, found, strict=True):
        assert float(number) == pytest.approx(value(np.asarray(row), Y), rel=1e-9)


def test_what_is_not_finite_stays_so_in_compiled_code(compiled: Any) -> None:
    weights = jnp.ones(len(X))
    for broken in (np.nan, np.inf):
        points = jnp.asarray(X).at[3, 1].set(broken)
        number, gradients = compiled(points, jnp.asarray(Y), SETTINGS, weights)
        assert not np.isfinite(number)
        assert not np.isfinite(gradients[0]).all()


def test_traced_samples_need_settings_and_concrete_ones_are_checked() -> None:
    x, y = jnp.asarray(X), jnp.asarray(Y)
    with pytest.raises(ValueError, match="choose them outside"):
        jax.jit(lambda a, b: divergence(a, b).value)(x, y)
    with pytest.raises(ValueError, match=r"x contains nan \(first at index \(3, 1\)"):
        divergence(x.at[3, 1].set(jnp.nan), y)
    with pytest.raises(ValueError, match="one library"):
        divergence(x, Y)


def test_without_float64_nothing_is_computed() -> None:
    jax.config.update("jax_enable_x64", False)
    try:
        x, y = jnp.asarray(X, jnp.float32), jnp.asarray(Y, jnp.float32)
        with pytest.raises(ValueError, match="jax_enable_x64"):
            divergence(x, y)
    finally:
        jax.config.update("jax_enable_x64", True)


def test_a_linear_map_is_recovered_by_optax_steps_from_three_pairs_of_samples() -> None:
    optimiser = optax.adam(optax.exponential_decay(0.15, 1, 0.95))

    @jax.jit
    def step(matrix: Any, state: Any, x: Any, y: Any, settings: DivergenceSettings) -> Any:
        gradient = jax.grad(lambda m: value(x @ m, y, settings))(matrix)
        update, state = optimiser.update(gradient, state)
        return optax.apply_updates(matrix, update), state

    for seed in range(3):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(60, 2)), rng.normal(size=(60, 2)) * [2.0, 0.5]
        settings = DivergenceSettings.from_samples(x, y, tol=1e-4)
        matrix, state = jnp.eye(2), optimiser.init(jnp.eye(2))
        for _ in range(60):
            matrix, state = step(matrix, state, jnp.asarray(x), jnp.asarray(y), settings)
        # The spread that the matrix gives to x is that of y; both know the truth to 9 %.
        np.testing.assert_allclose((x @ matrix).std(axis=0), y.std(axis=0), rtol=0.1)
        np.testing.assert_allclose(np.linalg.svd(matrix)[1], [2.0, 0.5], rtol=0.3)
