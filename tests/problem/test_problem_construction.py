"""Problem: the formulas it is built of, weights, precision, immutability, messages."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from helpers import similar_case
from kernel_ot import Problem
from kernel_ot._arrays import Array, MemoryLimitError
from kernel_ot.kernels import Gaussian, Matern
from kernel_ot.problem import check_optimality

ARRAYS = ("quadratic", "linear", "embedding", "features")


def _gaussian(a: Array, b: Array, bandwidth: float) -> Array:
    return np.asarray(np.exp(-cdist(a, b, "sqeuclidean") / (2 * bandwidth**2)))


@pytest.mark.parametrize("d", [1, 2, 5])
def test_arrays_are_those_of_the_formulas(d: int) -> None:
    case = similar_case("wide", d, 20, seed=1)
    x, y = case.x[:13], case.y[:17]
    weights_x = np.arange(1.0, 14.0)
    problem = Problem.from_samples(
        x,
        y,
        case.x_fill,
        case.y_fill,
        kernel=Gaussian(0.5),
        kernel_y=Gaussian(0.7),
        kernel_pair=Gaussian(0.9),
        reg_sos=0.03,
        reg_potential=0.2,
        weights_x=weights_x,
        potential_jitter=0.0,
    )
    a, b = weights_x / weights_x.sum(), np.full(17, 1 / 17)
    pairs = np.hstack([case.x_fill, case.y_fill])
    cost = ((case.x_fill - case.y_fill) ** 2).sum(axis=1) / 2
    embedding = _gaussian(case.x_fill, x, 0.5) @ a + _gaussian(case.y_fill, y, 0.7) @ b
    exact: Any = np.testing.assert_allclose
    exact(
        problem.quadratic,
        _gaussian(case.x_fill, case.x_fill, 0.5) + _gaussian(case.y_fill, case.y_fill, 0.7),
        rtol=1e-12,
    )
    exact(problem.embedding, embedding, rtol=1e-12)
    exact(problem.linear, embedding - 2 * 0.2 * cost, rtol=1e-12)
    exact(problem.constant, a @ _gaussian(x, x, 0.5) @ a + b @ _gaussian(y, y, 0.7) @ b, rtol=1e-12)
    exact(problem.features.T @ problem.features, _gaussian(pairs, pairs, 0.9), atol=1e-13)
    assert (problem.n_fill, problem.reg_sos, problem.reg_potential) == (20, 0.03, 0.2)


def test_objective_cost_and_constraint_are_those_of_the_formulas() -> None:
    problem = similar_case("wide", 2, 12, seed=2).problem()
    gamma = np.random.default_rng(3).normal(size=12)
    q, z, w, q2 = problem.quadratic, problem.linear, problem.embedding, problem.constant
    lambda_2 = problem.reg_potential
    value = gamma @ q @ gamma / (4 * lambda_2) - gamma @ z / (2 * lambda_2) + q2 / (4 * lambda_2)
    assert problem.objective(gamma) == pytest.approx(value, rel=1e-13)
    assert problem.cost(gamma) == pytest.approx((q2 - w @ gamma) / (2 * lambda_2), rel=1e-13)
    sum_of_terms = sum(g * np.outer(p, p) for g, p in zip(gamma, problem.features.T, strict=True))
    np.testing.assert_allclose(
        problem.constraint_matrix(gamma), sum_of_terms + problem.reg_sos * np.eye(12), atol=1e-13
    )
    matrix = problem.constraint_matrix(gamma)
    np.testing.assert_array_equal(matrix, matrix.T)


@pytest.mark.parametrize("counts", [[1, 2, 3, 1, 4], [0, 1, 0, 2, 3]])
def test_weight_k_is_the_point_k_times(counts: list[int]) -> None:
    case = similar_case("wide", 2, 10, seed=4)
    few = replace(case, x=case.x[:5], y=case.y[5:])
    weighted = few.problem(weights_x=counts, weights_y=np.array(counts[::-1]) * 7.0)
    repeated = replace(
        few, x=np.repeat(few.x, counts, axis=0), y=np.repeat(few.y, counts[::-1], axis=0)
    ).problem()
    for name in (*ARRAYS, "constant"):
        np.testing.assert_allclose(getattr(weighted, name), getattr(repeated, name), rtol=1e-12)


def test_float32_samples_make_the_same_problem_in_float64() -> None:
    case = similar_case("wide", 3, 16, seed=5)
    names = ("x", "y", "x_fill", "y_fill")
    single = {name: getattr(case, name).astype(np.float32) for name in names}
    of_single = replace(case, **single).problem()
    double = {name: array.astype(np.float64) for name, array in single.items()}
    of_double = replace(case, **double).problem()
    for name in ARRAYS:
        assert getattr(of_single, name).dtype == np.float64
        np.testing.assert_array_equal(getattr(of_single, name), getattr(of_double, name))


def test_integers_and_lists_are_accepted() -> None:
    points = [[0, 0], [1, 0], [0, 2]]
    problem = Problem.from_samples(
        points, points, points, points, kernel=Matern(0.5, 1.0), reg_sos=1, reg_potential=1
    )
    assert problem.features.dtype == np.float64
    assert problem.rank == 3


def test_truncation_is_recorded_and_lowers_the_rank() -> None:
    case = replace(similar_case("wide", 1, 60, seed=6), sigma=0.5)
    full, truncated = case.problem(), case.problem(rank_tol=1e-4)
    assert truncated.rank < full.rank <= 60
    assert 0 < truncated.truncation_error <= 1e-4
    pairs = np.hstack([case.x_fill, case.y_fill])
    gram = _gaussian(pairs, pairs, np.sqrt(case.sigma / 2))
    error = np.abs(gram - truncated.features.T @ truncated.features).max()
    assert error == pytest.approx(truncated.truncation_error, rel=1e-6)


def test_jitter_is_added_to_the_diagonal() -> None:
    case = similar_case("narrow", 2, 15, seed=7)
    with_jitter, without = (
        p.features.T @ p.features for p in (case.problem(jitter=0.25), case.problem())
    )
    np.testing.assert_allclose(with_jitter - without, 0.25 * np.eye(15), atol=1e-13)


def test_potential_jitter_is_relative_to_the_diagonal_of_q() -> None:
    case = similar_case("wide", 2, 15, seed=7)
    exact = case.problem(potential_jitter=0.0)
    added = case.problem(potential_jitter=0.25).quadratic - exact.quadratic
    np.testing.assert_allclose(added, 0.25 * 2 * np.eye(15), atol=1e-13)
    by_default = case.problem().quadratic - exact.quadratic
    np.testing.assert_allclose(by_default, 1e-10 * 2 * np.eye(15), atol=1e-14)


def test_is_immutable() -> None:
    problem = similar_case("wide", 2, 8, seed=8).problem()
    for field in fields(problem):
        with pytest.raises(FrozenInstanceError):
            setattr(problem, field.name, getattr(problem, field.name))
    for name in ARRAYS:
        with pytest.raises(ValueError, match="read-only"):
            getattr(problem, name)[...] = 0.0
    assert problem.provenance is not None
    for name in ("x", "y", "weights_x", "weights_y", "x_fill", "y_fill"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(problem.provenance, name)[...] = 0.0


def test_inputs_are_neither_modified_nor_watched() -> None:
    case = similar_case("wide", 2, 10, seed=9)
    weights = np.arange(1.0, 11.0)
    given = (case.x, case.y, case.x_fill, case.y_fill, weights)
    before = [a.copy() for a in given]
    problem = case.problem(weights_x=weights)
    gamma = np.random.default_rng(0).normal(size=10)
    gamma_before = gamma.copy()
    potentials = problem.potentials(gamma)
    values = potentials.u(case.x), potentials.v(case.y)
    check_optimality(problem, gamma, np.eye(10))
    for array, copy in zip((*given, gamma), (*before, gamma_before), strict=True):
        np.testing.assert_array_equal(array, copy)
    for array in given:
        array[...] = 100.0  # the caller may reuse its arrays
    after = problem.potentials(gamma)
    np.testing.assert_array_equal(values[0], after.u(before[0]))
    np.testing.assert_array_equal(values[1], after.v(before[1]))


def test_potentials_are_those_of_the_formula() -> None:
    case = similar_case("wide", 2, 14, seed=10)
    bandwidth = float(np.sqrt(case.sigma / 2))
    weights = np.linspace(1, 2, 14)
    problem = case.problem(weights_y=weights)
    gamma = np.random.default_rng(1).normal(size=14)
    potentials = problem.potentials(gamma)
    points = np.random.default_rng(2).uniform(size=(9, 2))
    scale = 2 * case.reg_potential
    u = _gaussian(points, case.x, bandwidth).mean(axis=1)
    u = (u - _gaussian(points, case.x_fill, bandwidth) @ gamma) / scale
    v = _gaussian(points, case.y, bandwidth) @ (weights / weights.sum())
    v = (v - _gaussian(points, case.y_fill, bandwidth) @ gamma) / scale
    np.testing.assert_allclose(potentials.u(points), u, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(potentials.v(points), v, rtol=1e-11, atol=1e-12)


def test_gradient_is_cost_less_potentials_at_every_gamma() -> None:
    case = similar_case("narrow", 2, 14, seed=11)
    problem = case.problem(potential_jitter=0.0)
    gamma = np.random.default_rng(1).normal(size=14)
    potentials = problem.potentials(gamma)
    cost = ((case.x_fill - case.y_fill) ** 2).sum(axis=1) / 2
    slack = cost - potentials.u(case.x_fill) - potentials.v(case.y_fill)
    np.testing.assert_allclose(problem.gradient(gamma), slack, atol=1e-12)


def test_means_of_the_potentials_are_the_cost() -> None:
    case = similar_case("wide", 2, 14, seed=12)
    problem = case.problem()
    gamma = np.random.default_rng(1).normal(size=14)
    potentials = problem.potentials(gamma)
    means = potentials.u(case.x).mean() + potentials.v(case.y).mean()
    assert problem.cost(gamma) == pytest.approx(means, rel=1e-11)


def test_a_problem_of_arrays_has_no_potentials() -> None:
    problem = replace(similar_case("wide", 2, 6, seed=13).problem(), provenance=None)
    with pytest.raises(ValueError, match=r"made from arrays; use Problem\.from_samples"):
        problem.potentials(np.zeros(6))


def _spoilt(shape: tuple[int, ...], value: float) -> Array:
    array = np.zeros(shape)
    array[-1, -1] = value
    return array


GOOD: dict[str, Any] = {
    "x": np.zeros((4, 2)),
    "y": np.ones((5, 2)),
    "x_fill": np.eye(3, 2),
    "y_fill": np.eye(3, 2),
    "kernel": Gaussian(1.0),
    "reg_sos": 0.1,
    "reg_potential": 0.1,
}


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"x": _spoilt((4, 2), np.nan)}, r"x contains nan \(first at index \(3, 1\)"),
        ({"y": _spoilt((5, 2), np.inf)}, r"y contains inf .* remove or impute"),
        ({"x_fill": _spoilt((3, 2), -np.inf)}, "x_fill contains -inf"),
        ({"x": np.zeros((4, 2)) * 1j}, "x is complex; pass its real part"),
        ({"x": [[1.0, 2.0], [3.0]]}, "x is ragged"),
        ({"y": np.zeros((0, 2))}, "y is empty"),
        ({"y": np.zeros(5)}, r"y has shape \(5,\).*reshape\(-1, 1\)"),
        ({"x": np.zeros((1, 2))}, "x has 1 point; a sample needs at least 2"),
        ({"y": np.zeros((5, 3))}, "x has 2 columns and y has 3"),
        ({"x_fill": np.zeros((3, 1))}, "x_fill has 1 column but 2 are needed"),
        ({"y_fill": np.zeros((3, 4))}, "y_fill has 4 columns but 2 are needed"),
        ({"y_fill": np.eye(4, 2)}, "x_fill has 3 rows and y_fill has 4"),
        ({"reg_sos": 0}, r"reg_sos = 0\.0 must be positive\. A sensible start"),
        ({"reg_sos": -1.0}, r"reg_sos = -1\.0 must be positive"),
        ({"reg_potential": 0.0}, r"reg_potential = 0\.0 must be positive"),
        ({"reg_potential": np.nan}, "reg_potential = nan must be finite"),
        ({"reg_sos": "much"}, "reg_sos = 'much' is not a number"),
        ({"weights_x": [1, 2, 3]}, r"weights_x has shape \(3,\); it must be \(4,\)"),
        ({"weights_y": [1, 1, 1, 1, -1]}, "weights_y has a negative entry"),
        ({"weights_x": np.zeros(4)}, "weights_x sums to 0"),
        ({"rank_tol": 1.0}, r"rank_tol = 1\.0 must be below 1"),
        ({"jitter": -1.0}, r"jitter = -1\.0 must not be negative"),
        ({"potential_jitter": -1.0}, r"potential_jitter = -1\.0 must not be negative"),
        ({"factor": "qr"}, "method = 'qr' must be"),
    ],
)
def test_bad_input_is_named_with_a_remedy(bad: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Problem.from_samples(**(GOOD | bad))


def test_a_memory_need_above_what_is_available_is_refused_with_numbers() -> None:
    many = np.broadcast_to(np.zeros((1, 2)), (3_000_000, 2))
    with pytest.raises(MemoryLimitError, match=r"needs about .* GiB .* Use fewer filling points"):
        Problem.from_samples(**(GOOD | {"x_fill": many, "y_fill": many}))


@pytest.mark.parametrize("name", ["quadratic", "linear", "embedding", "features", "constant"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_data_that_are_not_finite_are_refused_by_name(name: str, value: float) -> None:
    problem = similar_case("wide", 2, 5, seed=0).problem()
    broken = np.array(getattr(problem, name))
    broken[(0,) * broken.ndim] = value
    with pytest.raises(ValueError, match=rf"{name} of the problem has 1 of .* float64.*Scale"):
        replace(problem, **dict[str, Any]({name: broken if broken.ndim else float(broken)}))


@pytest.mark.parametrize("name", ["reg_sos", "reg_potential"])
def test_a_problem_of_arrays_needs_positive_regularisations_too(name: str) -> None:
    problem = similar_case("wide", 2, 5, seed=0).problem()
    with pytest.raises(ValueError, match=name):
        replace(problem, **dict[str, Any]({name: 0.0}))


def test_numbers_too_large_for_float32_are_refused() -> None:
    rng = np.random.default_rng(0)
    x, y = 1e5 * rng.normal(size=(2, 5, 2))
    with pytest.raises(ValueError, match=r"linear .* NaN or infinite in float32.*use float64"):
        Problem.from_samples(
            x, y, x, y, kernel=Gaussian(1e5), reg_sos=1.0, reg_potential=1e30, dtype="float32"
        )
