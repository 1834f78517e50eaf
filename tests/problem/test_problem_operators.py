"""The operators as functions: adjointness, derivatives, the residual R."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from helpers import residual_map, similar_case
from kernel_ot import Problem
from kernel_ot.problem import adjoint, constraint_matrix, operator

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 12)


def _random_problem(rank: int, n_fill: int, seed: int) -> Problem:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(n_fill, n_fill))
    return Problem(
        quadratic=root @ root.T,
        linear=rng.normal(size=n_fill),
        constant=float(rng.uniform(1, 2)),
        embedding=rng.normal(size=n_fill),
        features=rng.normal(size=(rank, n_fill)),
        reg_sos=float(rng.uniform(0.1, 1)),
        reg_potential=float(rng.uniform(0.1, 1)),
    )


@given(rank=sizes, n_fill=sizes, seed=seeds)
def test_adjointness(rank: int, n_fill: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    features, gamma = rng.normal(size=(rank, n_fill)), rng.normal(size=n_fill)
    matrix = rng.normal(size=(rank, rank))
    matrix = matrix + matrix.T
    image = operator(matrix, features)
    assert image.shape == (n_fill,)
    size = np.linalg.norm(matrix) * np.linalg.norm(features) ** 2 * np.linalg.norm(gamma)
    assert abs(image @ gamma - np.sum(matrix * adjoint(gamma, features))) <= 1e-13 * size


@given(rank=sizes, n_fill=sizes, seed=seeds)
def test_operator_is_the_quadratic_form_of_each_feature(rank: int, n_fill: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(rank, n_fill))
    matrix = rng.normal(size=(rank, rank))
    matrix = matrix + matrix.T
    one_by_one = [phi @ matrix @ phi for phi in features.T]
    np.testing.assert_allclose(
        operator(matrix, features), one_by_one, atol=1e-12 * np.abs(matrix).sum()
    )


@given(n_fill=sizes, seed=seeds)
def test_gradient_against_central_differences(n_fill: int, seed: int) -> None:
    problem = _random_problem(3, n_fill, seed)
    gamma = np.random.default_rng(seed + 1).normal(size=n_fill)
    step = 1e-3  # the objective is quadratic: only rounding is left, and a long step keeps it low
    differences = [
        float(problem.objective(gamma + e) - problem.objective(gamma - e)) / (2 * step)
        for e in step * np.eye(n_fill)
    ]
    scale = 1 + float(np.abs(problem.gradient(gamma)).max())
    np.testing.assert_allclose(problem.gradient(gamma), differences, atol=1e-8 * scale)


@given(rank=sizes, n_fill=sizes, seed=seeds)
def test_constraint_is_affine_with_the_adjoint_as_derivative(
    rank: int, n_fill: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(rank, n_fill))
    one, two = rng.normal(size=(2, n_fill))
    change = constraint_matrix(one + two, features, 0.3) - constraint_matrix(one, features, 0.3)
    np.testing.assert_allclose(change, adjoint(two, features), atol=1e-12)


@given(seed=seeds, rank=st.integers(1, 6))
def test_residual_is_zero_exactly_at_the_solution(seed: int, rank: int) -> None:
    # A problem is built around a known strictly complementary solution, no solver is involved.
    n_fill = 9
    rng = np.random.default_rng(seed)
    base = _random_problem(rank, n_fill, seed)
    basis = np.linalg.qr(rng.normal(size=(rank, rank)))[0]
    active = int(rng.integers(0, rank + 1))
    of_multiplier = np.where(np.arange(rank) < active, rng.uniform(1, 2, rank), 0.0)
    of_constraint = np.where(np.arange(rank) < active, 0.0, rng.uniform(1, 2, rank))
    multiplier = (basis * of_multiplier) @ basis.T
    wanted = (basis * of_constraint) @ basis.T - base.reg_sos * np.eye(rank)
    # Features whose squares span all symmetric matrices, so that some gamma gives `wanted`.
    features = rng.normal(size=(rank, max(n_fill, rank * (rank + 1))))
    n_fill = features.shape[1]
    design = np.einsum("ri,si->rsi", features, features).reshape(rank * rank, n_fill)
    gamma = np.linalg.lstsq(design, wanted.ravel(), rcond=None)[0]
    root = rng.normal(size=(n_fill, n_fill))
    quadratic = root @ root.T / n_fill
    values = np.einsum("ri,rs,si->i", features, multiplier, features)
    problem = replace(
        base,
        quadratic=quadratic,
        linear=quadratic @ gamma - 2 * base.reg_potential * values,
        features=features,
    )
    stationarity, complementarity = residual_map(problem, gamma, multiplier)
    size = 1 + np.abs(gamma).max() + np.abs(features).max() ** 2 * rank
    assert stationarity.shape == (n_fill,)
    assert complementarity.shape == (rank, rank)
    assert np.abs(stationarity).max() <= 1e-11 * size
    assert np.abs(complementarity).max() <= 1e-11 * size
    # And only there: both parts notice a point that is off.
    moved = residual_map(problem, gamma + 0.1, multiplier)
    assert np.abs(moved[0]).max() > 1e-6
    moved = residual_map(problem, gamma, multiplier + 0.1 * np.eye(rank))
    assert np.abs(moved[0]).max() > 1e-6
    assert active == rank or np.abs(moved[1]).max() > 1e-3


def test_residual_of_a_point_by_hand() -> None:
    # r = l = 1: M = gamma phi^2 + lambda_1, and the projection is max(., 0).
    problem = Problem(
        quadratic=np.array([[2.0]]),
        linear=np.array([3.0]),
        constant=1.0,
        embedding=np.array([1.0]),
        features=np.array([[2.0]]),
        reg_sos=0.5,
        reg_potential=0.25,
    )
    stationarity, complementarity = residual_map(problem, np.array([1.0]), np.array([[1.5]]))
    assert stationarity == pytest.approx([(2.0 - 3.0) / 0.5 - 4.0 * 1.5])
    assert complementarity == pytest.approx(np.array([[1.5]]))  # 1.5 - 4.5 < 0 projects to 0
    _, complementarity = residual_map(problem, np.array([-1.0]), np.array([[1.5]]))
    assert complementarity == pytest.approx(np.array([[-3.5]]))  # 1.5 + 3.5 stays 5


def test_residual_leaves_its_arguments_alone() -> None:
    problem = similar_case("wide", 2, 7, seed=0).problem()
    gamma, multiplier = np.ones(7), np.eye(7)
    residual_map(problem, gamma, multiplier)
    np.testing.assert_array_equal(gamma, np.ones(7))
    np.testing.assert_array_equal(multiplier, np.eye(7))
