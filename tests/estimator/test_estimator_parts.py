"""The pieces of a fit: quadratic programme, pair scan, c-transform, adaptive filling."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from kernel_ot.cutting_planes._contact import ContactPoints, Embeddings
from kernel_ot.cutting_planes._pairs import scan_pairs
from kernel_ot.cutting_planes._pivoting import pivot
from kernel_ot.cutting_planes._programme import polish, solve_pointwise
from kernel_ot.cutting_planes._rounds import FillingRound, adaptive_filling
from kernel_ot.cutting_planes._settings import Settings, make_problem
from kernel_ot.estimator import c_transform
from kernel_ot.kernels import Gaussian, Linear
from kernel_ot.potentials import KernelExpansion
from kernel_ot.problem import check_optimality
from kernel_ot.samples import Samples
from kernel_ot.selection import random_splits
from kernel_ot.solvers import solve


def uniform_samples(n: int = 40, m: int = 50, d: int = 2, seed: int = 0) -> Samples:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, d)), rng.normal(size=(m, d))
    return Samples(x, y + 0.3 * np.sin(3 * y), np.full(n, 1 / n), np.full(m, 1 / m))


@pytest.mark.parametrize("rank", [30, 8])
def test_pointwise_solution_is_the_bounded_least_squares_one(rank: int) -> None:
    rng = np.random.default_rng(0)
    factor = rng.normal(size=(rank, 30))
    target = rng.normal(size=rank)
    gamma = solve_pointwise(factor.T @ factor, factor.T @ target)
    reference = lsq_linear(factor, target, bounds=(0, np.inf), tol=1e-14).x
    # Where Q is singular the multipliers are not unique, what they represent is.
    np.testing.assert_allclose(factor @ gamma, factor @ reference, atol=1e-6)
    assert gamma.min() > 0


def test_polishing_makes_the_active_equations_exact() -> None:
    rng = np.random.default_rng(1)
    factor = rng.normal(size=(20, 12))
    quadratic, target = factor.T @ factor, rng.normal(size=20)
    linear = factor.T @ target
    active, gamma = polish(quadratic, linear, solve_pointwise(quadratic, linear, tol=1e-6))
    reference = lsq_linear(factor, target, bounds=(0, np.inf), tol=1e-14).x
    np.testing.assert_array_equal(active, reference > 1e-8)
    np.testing.assert_allclose(gamma, reference[active], rtol=1e-7)
    np.testing.assert_allclose(
        quadratic[np.ix_(active, active)] @ gamma, linear[active], atol=1e-12
    )


def test_polishing_keeps_one_of_equal_points() -> None:
    quadratic, linear = np.ones((3, 3)), np.full(3, 2.0)
    active, gamma = polish(quadratic, linear, np.array([1.0, 0.5, 0.4]))
    assert (quadratic[:, active] @ gamma).tolist() == pytest.approx([2.0, 2.0, 2.0])


def test_c_transform_finds_the_minimum_between_candidates() -> None:
    u = KernelExpansion(Gaussian(0.7), np.array([[0.0], [1.0]]), np.array([0.3, -0.2]))
    y = np.linspace(-2, 3, 40)[:, None]
    grid = np.linspace(-4, 5, 200_001)[:, None]
    values = u(grid)
    expected = [float(np.min((grid[:, 0] - point) ** 2 / 2 - values)) for point in y[:, 0]]
    found = c_transform(u, y, candidates=np.linspace(-3, 4, 15)[:, None])
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_c_transform_uses_the_better_start_and_leaves_inputs_alone() -> None:
    u = KernelExpansion(Linear(), np.array([[1.0, 0.0]]), np.array([3.0]))
    y, candidates = np.zeros((5, 2)), np.full((3, 2), 50.0)
    starts = y + np.array([3.0, 0.0])
    copies = y.copy(), candidates.copy(), starts.copy()
    np.testing.assert_allclose(c_transform(u, y, candidates, starts), -4.5)
    for array, copy in zip((y, candidates, starts), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_adaptive_filling_leaves_no_violation_and_solves_the_semidefinite_problem() -> None:
    samples = uniform_samples()
    kernel, reg = Gaussian(1.5), 1e-3
    fit = adaptive_filling(samples, kernel, reg, tol=1e-4)
    assert fit.complete
    u, v = fit.potentials.u(samples.x), fit.potentials.v(samples.y)
    assert scan_pairs(samples.x, samples.y, u, v).largest <= 1e-4 * samples.mean_cost()
    for reg_sos in (1e-6, 1e-2):
        points = fit.points
        problem = make_problem(samples, points.x, points.y, Settings(kernel, reg_sos, reg))
        report = check_optimality(problem, points.gamma, np.zeros((problem.rank, problem.rank)))
        assert report.residual < 1e-8
    solution = solve(problem, tol=1e-7)
    assert solution.cost == pytest.approx(fit.rounds[-1].dual, abs=1e-5)


def test_dropping_the_last_rounds_shows_in_the_violation() -> None:
    samples = uniform_samples()
    seen: list[FillingRound] = []

    def stop(step: FillingRound) -> bool:
        seen.append(step)
        return len(seen) == 2

    fit = adaptive_filling(samples, Gaussian(0.5), 1e-4, on_round=stop)
    assert not fit.complete
    assert [step.n_fill for step in seen] == [step.n_fill for step in fit.rounds]
    assert fit.rounds[-1].violation > 1e-3


def test_no_more_points_than_allowed_are_held() -> None:
    samples = uniform_samples()
    fit = adaptive_filling(samples, Gaussian(0.5), 1e-4, max_fill=25)
    assert max(step.n_fill for step in fit.rounds) <= 25
    assert not fit.complete


def test_a_warm_start_ends_at_the_same_solution() -> None:
    samples = uniform_samples()
    cold = adaptive_filling(samples, Gaussian(1.0), 1e-3, tol=1e-4)
    other = adaptive_filling(samples, Gaussian(1.0), 1e-2, tol=1e-4)
    warm = adaptive_filling(samples, Gaussian(1.0), 1e-3, tol=1e-4, start=other)
    assert warm.complete
    assert warm.rounds[-1].dual == pytest.approx(cold.rounds[-1].dual, abs=1e-2)


@pytest.mark.parametrize("start", [0.0, 0.5, 1.0])
def test_pivoting_meets_the_optimality_conditions_from_any_start(start: float) -> None:
    rng = np.random.default_rng(2)
    factor = rng.normal(size=(8, 60))
    quadratic, linear = factor.T @ factor, factor.T @ rng.normal(size=8)
    ridge, slack_tol = 1e-3, 1e-9
    active = rng.random(60) < start
    found = pivot(quadratic, linear, active, ridge=ridge, slack_tol=slack_tol)
    assert found is not None
    gamma = np.zeros(60)
    gamma[found.points] = found.gamma
    slack = quadratic @ gamma + ridge * gamma - linear
    assert found.gamma.min() > 0
    assert slack[~found.points].min() >= -slack_tol - 1e-7
    np.testing.assert_allclose(slack[found.points], 0, atol=1e-7)


def test_the_interior_point_method_takes_over_where_pivoting_does_not_end() -> None:
    rng = np.random.default_rng(2)
    factor, points = rng.normal(size=(30, 60)), np.zeros((60, 2))
    quadratic, linear = factor.T @ factor, factor.T @ rng.normal(size=30)
    everywhere = np.ones(60, dtype=bool)
    assert pivot(quadratic, linear, everywhere, ridge=1e-3, slack_tol=1e-9) is None
    embeddings = Embeddings(uniform_samples(), Gaussian(1.0))
    held = ContactPoints(embeddings, points, points, quadratic, linear, np.ones(60))
    kept = held.solved(0.5, 1e-9)
    assert kept.gamma.min() > 0
    np.testing.assert_allclose(kept.quadratic @ kept.gamma, kept.embedding, atol=1e-8)
    value = kept.gamma @ (kept.quadratic @ kept.gamma) / 2 - kept.embedding @ kept.gamma
    reference = solve_pointwise(quadratic, linear)
    expected = reference @ (quadratic @ reference) / 2 - linear @ reference
    assert value == pytest.approx(expected, rel=1e-6)


def test_polishing_is_exact_where_points_nearly_coincide() -> None:
    # A wide kernel on clusters: Q is singular to rounding, and pivoting without a ridge cycles.
    rng = np.random.default_rng(0)
    x = np.repeat(rng.normal(size=(30, 2)), 5, axis=0) + 1e-4 * rng.normal(size=(150, 2))
    embeddings = Embeddings(uniform_samples(), Gaussian(2.0))
    exact = ContactPoints.at(embeddings, x, x + 0.3).polished(1e-3)
    assert exact.gamma.min() > 0
    linear = exact.embedding - 2e-3 * np.sum(np.square(exact.x - exact.y), axis=1) / 2
    np.testing.assert_allclose(exact.quadratic @ exact.gamma, linear, atol=1e-10)


def test_pivoting_agrees_with_the_interior_point_method() -> None:
    rng = np.random.default_rng(3)
    points = rng.normal(size=(80, 2))
    quadratic, linear = Gaussian(1.0)(points, points), np.cos(points[:, 0]) - 0.5
    found = pivot(quadratic, linear, np.zeros(80, dtype=bool), ridge=1e-6, slack_tol=1e-9)
    reference = solve_pointwise(quadratic, linear)
    assert found is not None
    pivoted = np.zeros(80)
    pivoted[found.points] = found.gamma
    values = [g @ (quadratic @ g) / 2 - linear @ g for g in (pivoted, reference)]
    assert values[0] == pytest.approx(values[1], rel=1e-5)


def test_growing_and_cutting_keeps_the_matrices_of_the_points() -> None:
    samples, kernel = uniform_samples(), Gaussian(0.8)
    embeddings = Embeddings(samples, kernel)
    grown = ContactPoints.at(embeddings, samples.x[:20], samples.y[:20]).extended(
        samples.x[20:30], samples.y[25:35]
    )
    kept = grown.solved(1e-3, 1e-4)
    whole = make_problem(samples, kept.x, kept.y, Settings(kernel, 1e-3, 1e-3))
    np.testing.assert_allclose(kept.quadratic, whole.quadratic, atol=1e-9)
    np.testing.assert_allclose(kept.embedding, whole.embedding, atol=1e-12)
    here, potentials = kept.at_samples(1e-3), kept.potentials(1e-3)
    np.testing.assert_allclose(here.u, potentials.u(samples.x), atol=1e-8)
    np.testing.assert_allclose(here.images_y, potentials.inverse_transport(samples.y), atol=1e-8)


def test_a_path_goes_on_where_a_round_would_have_filled_the_room() -> None:
    # Points that lost contact make room; a path along lambda_2 ends without a violated pair.
    samples = uniform_samples(300, 300)
    fit = None
    for reg in (1e-1, 1e-2, 1e-3, 1e-4):
        fit = adaptive_filling(samples, Gaussian(1.0), reg, start=fit, max_fill=400, tol=5e-3)
        assert fit.complete


def test_kernel_points_of_a_split_are_drawn_from_the_whole_sample() -> None:
    samples = uniform_samples(3000, 60, 1)
    samples = Samples(np.sort(samples.x, axis=0), *list(vars(samples).values())[1:])
    (split,) = random_splits(samples, 1, np.random.default_rng(0))
    assert len(split.train.x) == 2000
    assert len(split.test.x) == 1000
    points = split.kernel_points()
    # The first points of a sorted sample would be its lowest.
    assert len(points.x) == 400
    assert len(points.y) == 40
    assert points.x.max() > np.quantile(samples.x, 0.95)
    assert points.weights_x.sum() == pytest.approx(1)
    assert not set(split.train.x[:, 0]) & set(split.test.x[:, 0])


@pytest.mark.parametrize(
    ("n", "d", "reg_potential", "bandwidth"), [(150, 1, 1e-4, 1.5), (60, 3, 1e-4, 0.3)]
)
def test_rounds_do_not_repeat_what_exact_multipliers_violate(
    n: int, d: int, reg_potential: float, bandwidth: float
) -> None:
    # Forgiven anew in every round, these violations are still there after 30 of them.
    samples = uniform_samples(n, n, d, seed=1)
    fit = adaptive_filling(samples, Gaussian(bandwidth), reg_potential, max_rounds=30)
    assert fit.complete
    u, v = fit.potentials.u(samples.x), fit.potentials.v(samples.y)
    assert scan_pairs(samples.x, samples.y, u, v).largest <= 2e-3 * samples.mean_cost() * 1.0001
