"""Our potentials as OTT-JAX's: its maps, distances, inequalities and plots against ours."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from helpers import Backend
from kernel_ot import KernelExpansion, KernelOT, Potentials, kernels
from kernel_ot._arrays import Array
from kernel_ot.interop import DiscreteCTransform, Metric, to_ott

FACTORS: list[tuple[Metric, float]] = [("sqeuclidean", 2.0), ("half_sqeuclidean", 1.0)]


@pytest.fixture(autouse=True)
def _ott_jax(jax_backend: Backend) -> None:
    """Switch float64 on; where OTT-JAX is missing, let tests fail in CI and skip elsewhere."""
    if find_spec("ott") is None and not os.environ.get("CI"):
        pytest.skip("OTT-JAX is not installed; pip install ott-jax")


@pytest.fixture(scope="module")
def model() -> KernelOT:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 2)), rng.normal(size=(40, 2)) + [5, 1]
    return KernelOT(kernels.Gaussian(1.0), reg_potential=1e-2).fit(x, y + np.tanh(2 * y))


@pytest.mark.parametrize(("metric", "factor"), FACTORS)
def test_maps_distance_and_inequality_are_ours(
    model: KernelOT, metric: Metric, factor: float
) -> None:
    import jax

    theirs = to_ott(model, metric=metric)
    x, y = model.samples_.x, model.samples_.y
    new = np.random.default_rng(1).normal(size=(7, 2)) * 3
    np.testing.assert_allclose(theirs.transport(new), model.transform(new), atol=1e-10)
    np.testing.assert_allclose(
        jax.jit(lambda points: theirs.transport(points, forward=False))(new),
        model.inverse_transform(new),
        atol=1e-10,
    )
    assert theirs.distance(x, y) == pytest.approx(factor * model.cost_, rel=1e-10)
    # Only in the unit of its cost do their potentials violate the constraint as much as ours do.
    f, g = jax.vmap(theirs.f)(x), jax.vmap(theirs.g)(y)
    np.testing.assert_allclose(f, factor * model.potentials_.u(x), rtol=1e-10)
    violation = f[:, None] + g - theirs.cost_fn.all_pairs(x, y)
    assert float(violation.max()) == pytest.approx(
        factor * model.certificate_.largest_violation, abs=1e-10
    )


def test_other_potentials(backend: Backend) -> None:
    rng = np.random.default_rng(2)
    points, values = rng.normal(size=(9, 3)), rng.normal(size=9)
    kernel = kernels.Matern(1.5, 0.8) + 0.5 * kernels.Polynomial(2)
    arrays = backend.array(points), backend.array(values)
    ours = Potentials(KernelExpansion(kernel, *arrays), DiscreteCTransform(*arrays))
    theirs = to_ott(ours)
    new = backend.array(rng.normal(size=(5, 3)))
    np.testing.assert_allclose(theirs.transport(new), ours.transport(new), atol=1e-10)
    np.testing.assert_allclose(
        theirs.transport(new, forward=False), ours.inverse_transport(new), atol=1e-10
    )


class _Translation:
    """A user's own potential, no pytree."""

    def __call__(self, points: Array) -> Array:
        return -3 * points[:, 0]

    def gradient(self, points: Array) -> Array:
        raise AssertionError("OTT-JAX differentiates the values")


def test_a_users_own_potential() -> None:
    images = to_ott(Potentials(_Translation(), _Translation())).transport(np.zeros((1, 2)))
    np.testing.assert_allclose(images, [[3.0, 0.0]])


def test_their_plots_take_our_potentials(model: KernelOT) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    theirs = to_ott(model, metric="half_sqeuclidean")
    x, y = model.samples_.x[:5], model.samples_.y[:5]
    _, axes = theirs.plot_ot_map(x, y)
    drawn = axes.collections[2].get_offsets()
    np.testing.assert_allclose(drawn, model.transform(x), atol=1e-6)
    figure, _ = theirs.plot_potential(num_grid=4)
    assert len(figure.axes) == 2
    pyplot.close("all")


def test_float32_is_announced(model: KernelOT) -> None:
    import jax

    with jax.enable_x64(False):
        with pytest.warns(UserWarning, match=r"jax_enable_x64', True\) before any array"):
            theirs = to_ott(model)
        new = np.zeros((1, 2), np.float32)
        images = np.asarray(theirs.transport(new))
    assert images.dtype == np.float32
    np.testing.assert_allclose(images, model.transform(new), rtol=1e-3)


def test_what_is_refused(model: KernelOT, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"not fitted; call fit\(x, y\) first"):
        to_ott(KernelOT())
    with pytest.raises(ValueError, match="model = 3: pass a fitted KernelOT"):
        to_ott(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"metric = 'cosine' must be 'sqeuclidean', the cost"):
        to_ott(model, metric="cosine")  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "ott.geometry", None)
    with pytest.raises(ImportError, match="pip install ott-jax"):
        to_ott(model)
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(ImportError, match=r"pip install 'kernel-ot\[jax\]'"):
        to_ott(model)
