"""The change of coordinates on JAX arrays: the same numbers, inside jit and grad."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers import Backend
from kernel_ot._arrays import Array
from kernel_ot.kernels import Gaussian
from kernel_ot.potentials import KernelExpansion, Potentials
from kernel_ot.preconditioning import Conjugation, fit_conjugation

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 3)), RNG.normal(size=(15, 3)) @ RNG.normal(size=(3, 3)) + 4
WEIGHTS = np.full(20, 1 / 20), np.full(15, 1 / 15)
CHANGE = fit_conjugation(X, Y)
INNER = Potentials(
    KernelExpansion(Gaussian(1.5), RNG.normal(size=(6, 3)), RNG.normal(size=6)),
    KernelExpansion(Gaussian(1.5), RNG.normal(size=(5, 3)), RNG.normal(size=5)),
)


def _everything(
    change: Conjugation, inner: Potentials, x: Array, y: Array, weights: tuple[Array, Array]
) -> list[Any]:
    outer = change.potentials(inner)
    changed = change.forward_x(x), change.forward_y(y)
    return [
        outer.u(x),
        outer.v(y),
        outer.transport(x),
        outer.inverse_transport(y),
        *changed,
        change.backward_x(changed[0]),
        change.backward_y(changed[1]),
        *change.offsets(x, y),
        change.cost(0.3, x, y, *weights),
    ]


def test_points_of_either_library_give_results_of_theirs(backend: Backend) -> None:
    arguments = backend.array(X), backend.array(Y), tuple(backend.array(w) for w in WEIGHTS)
    results = _everything(CHANGE, INNER, *arguments)
    for ours, numpys in zip(results, _everything(CHANGE, INNER, X, Y, WEIGHTS), strict=True):
        assert backend.owns(ours)
        np.testing.assert_allclose(ours, numpys, rtol=1e-10, atol=1e-10)
    single = CHANGE.potentials(INNER).u(backend.array(X.astype(np.float32)))
    assert single.dtype == np.float32
    whole = CHANGE.potentials(INNER).u(backend.array(np.arange(6).reshape(2, 3)))
    assert whole.dtype == np.float64


def test_traced_changes_give_the_same_and_their_gradients(jax_backend: Backend) -> None:
    import jax

    numpys = _everything(CHANGE, INNER, X, Y, WEIGHTS)
    for ours, expected in zip(
        jax.jit(_everything)(CHANGE, INNER, X, Y, WEIGHTS), numpys, strict=True
    ):
        np.testing.assert_allclose(ours, expected, rtol=1e-10, atol=1e-10)
    by_itself = jax.jit(jax.grad(lambda potential, x: potential(x).sum(), argnums=1))
    outer = CHANGE.potentials(INNER)
    np.testing.assert_allclose(by_itself(outer.u, X), outer.gradient_u(X), atol=1e-10)
