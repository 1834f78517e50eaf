"""The same mathematics on every array library: kernels, features, problem, potentials."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from helpers import Backend, similar_case
from kernel_ot import Problem, kernels
from kernel_ot._linalg import feature_factor
from kernel_ot.problem import check_optimality

KERNELS = [
    kernels.Gaussian(0.7),
    kernels.Matern(0.5, 1.1),
    kernels.Matern(1.5, 1.1),
    kernels.Matern(2.5, 0.6),
    kernels.Linear(),
    kernels.Polynomial(3, 0.5),
    kernels.Gaussian(0.7) + 2.0 * kernels.Linear(),
    kernels.Anisotropic(kernels.Matern(2.5, 0.7), np.array([[1.3]])),
]
CASE = similar_case("wide", 2, 24, seed=1)


def _problem(backend: Backend, **options: Any) -> Problem:
    arrays = (backend.array(a) for a in (CASE.x, CASE.y, CASE.x_fill, CASE.y_fill))
    return Problem.from_samples(
        *arrays,
        kernel=kernels.Gaussian(0.4),
        reg_sos=CASE.reg_sos,
        reg_potential=CASE.reg_potential,
        **options,
    )


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_kernels(backend: Backend, kernel: kernels.Kernel) -> None:
    rng = np.random.default_rng(0)
    x, y, weights = rng.normal(size=(7, 3)), rng.normal(size=(5, 3)), rng.normal(size=5)
    y[0] = x[0]  # coincident points, where roots have no slope
    ours = tuple(backend.array(a) for a in (x, y, weights))
    for mine, numpys in (
        (kernel(*ours[:2]), kernel(x, y)),
        (kernel.diagonal(ours[0]), kernel.diagonal(x)),
        (kernel.apply(*ours), kernel.apply(x, y, weights)),
        (kernel.gradient(*ours), kernel.gradient(x, y, weights)),
    ):
        assert backend.owns(mine)
        np.testing.assert_allclose(mine, numpys, rtol=1e-12, atol=1e-12)


def test_many_points_are_taken_in_blocks(
    jax_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kernel_ot.kernels._tiles._JAX_TILE_BYTES", 8 * 5 * 3)  # 3 rows a block
    kernel = kernels.Gaussian(0.7)
    rng = np.random.default_rng(0)
    arrays = rng.normal(size=(7, 3)), rng.normal(size=(5, 3)), rng.normal(size=5)
    ours = tuple(jax_backend.array(a) for a in arrays)
    np.testing.assert_allclose(kernel.apply(*ours), kernel.apply(*arrays), rtol=1e-12)
    np.testing.assert_allclose(kernel.gradient(*ours), kernel.gradient(*arrays), rtol=1e-12)


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_gradients_are_those_of_automatic_differentiation(
    jax_backend: Backend, kernel: kernels.Kernel
) -> None:
    import jax

    rng = np.random.default_rng(0)
    x, y, weights = (jax_backend.array(rng.normal(size=s)) for s in ((4, 3), (5, 3), 5))
    automatic = jax.grad(lambda x: kernel.apply(x, y, weights).sum())(x)
    np.testing.assert_allclose(kernel.gradient(x, y, weights), automatic, rtol=1e-10, atol=1e-12)


def test_a_matern_kernel_of_coincident_points_has_finite_derivatives(jax_backend: Backend) -> None:
    import jax

    x = jax_backend.array(np.random.default_rng(0).normal(size=(4, 2)))
    for nu in (1.5, 2.5):
        gradient = jax.grad(lambda x, nu=nu: kernels.Matern(nu, 1.0)(x, x).sum())(x)
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize(
    "options",
    [{}, {"rank": 9}, {"rank_tol": 1e-3}, {"factor": "pivoted"}, {"jitter": 1e-6}],
    ids=str,
)
def test_problems(backend: Backend, options: dict[str, Any]) -> None:
    problem, reference = _problem(backend, **options), _problem(Backend("numpy", np), **options)
    for name in ("quadratic", "linear", "embedding", "features", "constant"):
        assert backend.owns(getattr(problem, name)), name
    assert problem.features.dtype == np.float64
    # Features are unique up to a rotation.
    np.testing.assert_allclose(
        problem.features.T @ problem.features,
        reference.features.T @ reference.features,
        atol=1e-7,
    )
    for name in ("quadratic", "linear", "embedding", "constant"):
        np.testing.assert_allclose(
            getattr(problem, name), getattr(reference, name), rtol=1e-12, atol=1e-14
        )
    assert float(problem.truncation_error) == pytest.approx(reference.truncation_error, abs=1e-9)
    assert problem.rank == reference.rank


def test_optimality_conditions(backend: Backend) -> None:
    problem, reference = _problem(backend, rank=9), _problem(Backend("numpy", np), rank=9)
    rng = np.random.default_rng(1)
    gamma, half = rng.normal(size=24), rng.normal(size=(9, 9))
    features = np.asarray(problem.features)
    reference = Problem(
        np.asarray(problem.quadratic),
        np.asarray(problem.linear),
        float(problem.constant),
        np.asarray(problem.embedding),
        features,
        reference.reg_sos,
        reference.reg_potential,
    )
    mine = check_optimality(problem, backend.array(gamma), backend.array(half @ half.T))
    expected = check_optimality(reference, gamma, half @ half.T)
    for name in ("stationarity", "constraint_violation", "complementarity", "min_eigenvalue"):
        assert backend.owns(getattr(mine, name))
        assert float(getattr(mine, name)) == pytest.approx(float(getattr(expected, name)), rel=1e-9)


def test_potentials(backend: Backend) -> None:
    problem, reference = _problem(backend), _problem(Backend("numpy", np))
    gamma = np.random.default_rng(1).normal(size=24)
    mine, expected = problem.potentials(backend.array(gamma)), reference.potentials(gamma)
    points = CASE.x[:5] + 0.1
    for name in ("u", "v", "gradient_u", "gradient_v", "transport", "inverse_transport"):
        values = getattr(mine, name)(backend.array(points))
        assert backend.owns(values)
        np.testing.assert_allclose(values, getattr(expected, name)(points), rtol=1e-9, atol=1e-10)


def test_a_singular_gram_matrix_is_truncated(backend: Backend) -> None:
    points = np.linspace(0, 1, 30)[:, None]
    gram = kernels.Gaussian(1.0)(points, points)
    factor = feature_factor(backend.array(gram))
    assert factor.method == "pivoted"
    assert 5 <= factor.rank < 20
    assert backend.owns(factor.features)
    np.testing.assert_allclose(factor.features.T @ factor.features, gram, atol=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_bad_samples_are_refused(backend: Backend, bad: float) -> None:
    x = CASE.x.copy()
    x[3, 1] = bad
    with pytest.raises(ValueError, match=r"x contains (nan|inf) \(first at index \(3, 1\)"):
        Problem.from_samples(
            backend.array(x),
            backend.array(CASE.y),
            backend.array(CASE.x_fill),
            backend.array(CASE.y_fill),
            kernel=kernels.Gaussian(0.4),
            reg_sos=1e-3,
            reg_potential=1e-3,
        )


@pytest.mark.parametrize("rank", [0, -1, 2.5, "3"])
def test_a_rank_must_be_a_positive_integer(backend: Backend, rank: Any) -> None:
    with pytest.raises(ValueError, match=r"rank = .* must be a positive integer"):
        _problem(backend, rank=rank)
