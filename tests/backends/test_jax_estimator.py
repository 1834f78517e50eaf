"""KernelOT with JAX arrays: JAX results, the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from helpers import Backend
from kernel_ot import KernelOT, kernels

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 2)), RNG.normal(size=(50, 2)) @ [[1.5, 0.2], [0.2, 0.7]] + [1, 0]
SETTINGS: dict[str, Any] = {"kernel": kernels.Gaussian(1.0), "reg_potential": 1e-3}


@pytest.mark.filterwarnings("ignore::kernel_ot.diagnostics.CautionWarning")
@pytest.mark.parametrize("filling", ["adaptive", "pairs"])
def test_a_fit_is_the_same_and_its_results_are_of_the_samples_kind(
    backend: Backend, filling: str
) -> None:
    model = KernelOT(**SETTINGS, filling=filling).fit(backend.array(X), backend.array(Y))
    expected = KernelOT(**SETTINGS, filling=filling).fit(X, Y)
    assert model.cost_ == expected.cost_
    points = X[:5] + 0.1
    for name in ("transform", "inverse_transform"):
        values = getattr(model, name)(backend.array(points))
        assert backend.owns(values)
        np.testing.assert_allclose(values, getattr(expected, name)(points), rtol=1e-9)
    assert backend.owns(model.potentials_.u(backend.array(points)))
    assert model.score(backend.array(X), backend.array(Y)) == pytest.approx(expected.score(X, Y))
    assert str(model.summary()).splitlines()[0] == str(expected.summary()).splitlines()[0]


def test_a_model_of_numpy_samples_maps_jax_points(jax_backend: Backend) -> None:
    model = KernelOT(**SETTINGS).fit(X, Y)
    moved = model.transform(jax_backend.array(X))
    assert jax_backend.owns(moved)
    np.testing.assert_allclose(moved, model.transform(X), rtol=1e-9)


def test_fitted_potentials_work_in_compiled_and_differentiated_functions(
    jax_backend: Backend,
) -> None:
    import jax

    points = jax_backend.array(X[:4])
    potentials = KernelOT(**SETTINGS).fit(jax_backend.array(X), jax_backend.array(Y)).potentials_
    moved = jax.jit(lambda p, x: p.transport(x))(potentials, points)
    slopes = jax.grad(lambda x: potentials.u(x).sum())(points)
    np.testing.assert_allclose(moved, points - slopes, rtol=1e-9)


def test_a_fit_inside_of_traced_code_is_refused(jax_backend: Backend) -> None:
    import jax

    with pytest.raises(ValueError, match="inside of traced JAX code"):
        jax.jit(lambda x: KernelOT().fit(x, Y).potentials_.u(x))(jax_backend.array(X))
