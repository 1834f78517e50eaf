"""KernelOT against closed forms, and under changes of units and roles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings, strategies as st
from sklearn.exceptions import ConvergenceWarning

from kernel_ot import KernelOT
from kernel_ot._arrays import Array
from kernel_ot.estimator import Candidate, FitProgress
from kernel_ot.kernels import Gaussian, Linear, Polynomial
from kernel_ot.samples import Samples
from kernel_ot.selection import (
    bandwidth_factors,
    best_candidate,
    least_regularised,
    random_splits,
    share_in_splits,
)

QUICK = KernelOT(kernel=Gaussian(1.5), reg_potential=1e-3)


def quick(**parameters: object) -> KernelOT:
    model: KernelOT = QUICK.__class__(**{**QUICK.get_params(deep=False), **parameters})
    return model


def two_samples(n: int = 50, m: int = 60, d: int = 2, seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, d)), rng.normal(size=(m, d))
    return x, y + 0.4 * np.sin(2 * y) + 1


def test_sorted_samples_on_the_line() -> None:
    # Equal sizes on the line: the optimal plan matches order statistics.
    rng = np.random.default_rng(0)
    x = np.sort(rng.normal(size=(80, 1)), axis=0)
    y = np.sort(np.exp(0.5 * rng.normal(size=(80, 1))), axis=0)
    exact = float(np.mean((x - y) ** 2)) / 2
    model = KernelOT(n_splits=1).fit(x, y)
    assert model.cost_ == pytest.approx(exact, rel=0.05)
    assert model.certificate_.lower_bound <= exact + 1e-12
    assert model.certificate_.lower_bound >= 0.95 * exact
    central = slice(8, 72)
    assert np.mean((model.transform(x) - y)[central] ** 2) < 0.02 * np.var(y)
    # Nothing forces the map to be monotone where there is no mass to either side.
    assert (np.diff(model.transform(x)[central, 0]) > 0).all()


def test_gaussians_have_the_affine_map() -> None:
    rng = np.random.default_rng(1)
    matrix = np.array([[2.0, 0.5], [0.5, 0.6]])
    x, y = rng.normal(size=(120, 2)), rng.normal(size=(120, 2)) @ matrix + [5, -1]
    model = KernelOT(n_splits=1).fit(x, y)
    test = rng.normal(size=(500, 2))
    truth = test @ matrix + [5, -1]
    error = np.mean(np.sum((model.transform(test) - truth) ** 2, axis=1))
    assert error < 0.06 * np.trace(matrix @ matrix)
    back = np.mean(np.sum((model.inverse_transform(truth) - test) ** 2, axis=1))
    assert back < 0.1 * 2


def test_gradient_of_a_convex_function_beats_the_gaussian_map() -> None:
    rng = np.random.default_rng(2)

    def transport(points: Array) -> Array:
        return np.asarray(points / 2 + 2 * np.tanh(3 * points))

    x, y, test = (rng.normal(size=(150, 2)) for _ in range(3))
    y = transport(y)
    model = KernelOT(n_splits=1).fit(x, y)
    gaussian = model.conjugation_.backward_y(model.conjugation_.forward_x(test))
    error = np.mean((model.transform(test) - transport(test)) ** 2)
    assert error < 0.5 * np.mean((gaussian - transport(test)) ** 2)


def test_certificate_is_below_the_exact_cost_and_close() -> None:
    ot = pytest.importorskip("ot", reason="the exact plan comes from POT")
    x, y = two_samples()
    plan_cost = ot.emd2([], [], ot.dist(x, y) / 2)
    model = quick(reg_potential=1e-4).fit(x, y)
    assert model.certificate_.lower_bound <= plan_cost + 1e-12
    assert model.certificate_.lower_bound >= 0.95 * plan_cost
    assert model.certificate_.n_pairs == 3000


@pytest.mark.filterwarnings("ignore::kernel_ot.diagnostics.CautionWarning")
def test_certificate_counts_the_rows_that_violate() -> None:
    x, y = two_samples()
    model = quick(filling="random_pairs", n_fill=200).fit(x, y)
    potentials = model.problem_.potentials(model.solution_.gamma)
    a, b = model.conjugation_.forward_x(x), model.conjugation_.forward_y(y)
    costs = np.square(a[:, None] - b).sum(axis=2) / 2
    worst = (potentials.u(a)[:, None] + potentials.v(b) - costs).max(axis=1)
    violated = np.count_nonzero(worst > model.violation_tol * costs.mean())
    assert 0 < violated < 50
    found = model.certificate_
    assert found.kind == "exact"
    assert (found.n_rows, found.violated_rows) == (50, int(violated))
    assert found.violated_share == violated / 50


@settings(max_examples=5, phases=[Phase.generate])
@given(
    angle=st.floats(0, 6),
    scale=st.floats(1e-3, 1e3),
    shift=st.floats(-100, 100),
    seed=st.integers(0, 5),
)
def test_rotation_scaling_and_translation(
    angle: float, scale: float, shift: float, seed: int
) -> None:
    x, y = two_samples(25, 30, seed=seed)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

    def move(points: Array) -> Array:
        return np.asarray(scale * (points @ rotation) + scale * np.array([shift, -shift]))

    base = quick(violation_tol=1e-3).fit(x, y)
    moved = quick(violation_tol=1e-3).fit(move(x), move(y))
    assert moved.cost_ == pytest.approx(scale**2 * base.cost_, rel=1e-3)
    np.testing.assert_allclose(moved.transform(move(x)), move(base.transform(x)), atol=0.02 * scale)


def test_moving_one_sample_adds_the_cost_of_the_translation() -> None:
    x, y = two_samples()
    base, moved = quick().fit(x, y), quick().fit(x, y + np.array([100.0, 0.0]))
    gap = x.mean(axis=0) - y.mean(axis=0)
    expected = base.cost_ + (np.sum((gap - [100.0, 0.0]) ** 2) - np.sum(gap**2)) / 2
    assert moved.cost_ == pytest.approx(expected, rel=1e-9)
    np.testing.assert_allclose(
        moved.transform(x), base.transform(x) + np.array([100.0, 0.0]), atol=1e-6
    )


def test_swapping_the_samples_swaps_the_maps() -> None:
    x, y = two_samples()
    there, back = quick(violation_tol=1e-3).fit(x, y), quick(violation_tol=1e-3).fit(y, x)
    assert there.cost_ == pytest.approx(back.cost_, rel=1e-4)
    np.testing.assert_allclose(there.transform(x), back.inverse_transform(x), atol=0.02)


@pytest.mark.filterwarnings("ignore::kernel_ot.diagnostics.CautionWarning")
def test_swapping_is_exact_with_given_filling_points() -> None:
    x, y = two_samples()
    there = quick(filling=(x[:40], y[:40])).fit(x, y)
    back = quick(filling=(y[:40], x[:40])).fit(y, x)
    np.testing.assert_allclose(there.transform(x), back.inverse_transform(x), atol=1e-5)
    np.testing.assert_allclose(there.x_fill_, x[:40], atol=1e-12)


def test_weights_count_as_repetitions() -> None:
    x, y = two_samples(12, 14)
    # Violations left by either fit must be below what the costs are compared to.
    weights = np.array([1, 2, 3, 1, 1, 1, 1, 1, 1, 2, 1, 1])
    weighted = quick(preconditioner="scale", violation_tol=1e-4).fit(x, y, weights_x=weights)
    repeated = quick(preconditioner="scale", violation_tol=1e-4).fit(
        np.repeat(x, weights, axis=0), y
    )
    assert weighted.cost_ == pytest.approx(repeated.cost_, rel=1e-4)


@pytest.mark.filterwarnings("ignore::kernel_ot.diagnostics.CautionWarning")
@pytest.mark.parametrize("filling", ["pairs", "random_pairs", "plan_pairs"])
def test_static_fillings_solve_the_semidefinite_problem(filling: str) -> None:
    x, y = two_samples()
    model = KernelOT(filling=filling, n_fill=50, tol=1e-7).fit(x, y)
    assert model.solution_.converged
    assert len(model.x_fill_) == 50
    assert model.rounds_ == ()
    assert np.isfinite(model.transform(x)).all()


@pytest.mark.parametrize("preconditioner", ["gaussian", "scale", None])
@pytest.mark.parametrize(
    "kernel", [Gaussian(1.0), Gaussian(2.0) + 0.1 * Linear() + 0.05 * Polynomial(2)]
)
def test_preconditioners_and_kernels_agree_on_easy_data(
    preconditioner: str | None, kernel: Gaussian
) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(60, 1)), 1.3 * rng.normal(size=(60, 1)) + 0.5
    model = KernelOT(kernel, reg_potential=1e-4, preconditioner=preconditioner).fit(x, y)
    assert model.solution_.converged
    grid = np.linspace(-1, 1, 9)[:, None]
    quantiles = np.quantile(y, np.searchsorted(np.sort(x[:, 0]), grid[:, 0]) / 60)
    assert np.abs(model.transform(grid)[:, 0] - quantiles).max() < 0.5


def test_held_out_score_prefers_the_better_fit_and_bounds_the_cost() -> None:
    x, y = two_samples(100, 100)
    x_test, y_test = two_samples(100, 100, seed=9)
    good = quick().fit(x, y)
    over = quick(kernel=Gaussian(0.3), reg_potential=1e-4, violation_tol=1e-2).fit(x, y)
    assert good.score(x_test, y_test) > over.score(x_test, y_test)
    u, transformed = good.semi_dual_terms(x_test, y_test)
    assert good.score(x_test, y_test) == pytest.approx(u.mean() + transformed.mean())
    cost = np.sum(np.square(x_test[:, None] - y_test), axis=2) / 2
    assert (u[:, None] + transformed <= cost + 1e-6).all()


def test_selection_reports_what_it_compared() -> None:
    x, y = two_samples(60, 60, seed=1)
    model = KernelOT(n_splits=1).fit(x, y)
    kernels = [candidate for candidate in model.candidates_ if not candidate.is_baseline]
    best = max(kernels, key=lambda candidate: candidate.score)
    assert model.reg_potential_ == pytest.approx(best.reg_potential * 2 / 3)
    factors = {candidate.bandwidth_factor for candidate in kernels}
    assert factors == set(bandwidth_factors(2))
    assert len(model.candidates_) == len(kernels) + 1
    fixed = KernelOT(kernel=Gaussian(2.0), n_splits=1).fit(x, y)
    assert fixed.kernel_ == Gaussian(2.0)


def test_the_callback_follows_every_phase_and_can_stop_any() -> None:
    x, y = two_samples(60, 60)
    seen: list[FitProgress] = []
    model = KernelOT(kernel=Gaussian(2.0), n_splits=1, callback=seen.append).fit(x, y)
    phases = [step.phase for step in seen]
    assert phases == sorted(phases, key=["selection", "filling", "solve"].index)
    assert phases.count("selection") == len(model.candidates_) - 1
    assert phases.count("filling") == len(model.rounds_)
    assert [step.iteration for step in seen if step.phase == "selection"] == list(
        range(phases.count("selection"))
    )

    def stop(step: FitProgress) -> bool:
        stopped.append(step)
        return len(stopped) >= 2

    stopped: list[FitProgress] = []
    with pytest.warns(ConvergenceWarning, match="Stopped by the callback"):
        early = KernelOT(callback=stop).fit(x, y)
    assert len(early.candidates_) == 3  # the preconditioner alone and two settings
    assert [step.phase for step in stopped] == ["selection", "selection", "filling", "solve"]
    assert len(early.rounds_) == 1
    assert np.isfinite(early.transform(x)).all()


def test_an_interrupt_leaves_the_model_as_it_was() -> None:
    x, y = two_samples(40, 40)
    model = quick().fit(x, y)
    before = model.transform(x)

    def interrupt(step: FitProgress) -> None:
        raise KeyboardInterrupt

    settings: list[dict[str, Any]] = [{"reg_potential": "auto"}, {"reg_potential": 1e-3}]
    for parameters in settings:
        model.set_params(callback=interrupt, **parameters)
        with pytest.raises(KeyboardInterrupt):
            model.fit(np.hstack([x, x]), np.hstack([y, y]))
        np.testing.assert_array_equal(model.transform(x), before)


@pytest.mark.filterwarnings("ignore::kernel_ot.diagnostics.CautionWarning")
def test_many_features_are_chosen_for_by_the_energy_distance() -> None:
    for d, choose in ((2, best_candidate), (24, least_regularised)):
        model = KernelOT(n_splits=2).fit(*two_samples(20, 20, d))
        best = choose(tuple(c for c in model.candidates_ if not c.is_baseline))
        assert model.reg_potential_ == pytest.approx(best.reg_potential * 2 / 3)
        if d == 24:
            assert {c.reg_potential for c in model.candidates_} <= {np.inf, 1e-1, 1e-2, 3e-3}


def test_the_best_candidate_depends_on_the_criterion() -> None:
    smooth, rough = (
        Candidate(0.5, 1e-1, (1.0, 2.0), (0.1, 0.2)),
        Candidate(0.5, 1e-3, (2, 2), (1, 1)),
    )
    assert best_candidate((smooth, rough)) is rough
    assert best_candidate((smooth, rough), "energy") is smooth


@pytest.mark.parametrize(
    ("n", "m", "share"), [(30, 90, 2 / 3), (600, 900, 2 / 3), (1000, 1600, 0.4)]
)
def test_the_share_of_the_points_that_splits_use(n: int, m: int, share: float) -> None:
    x, y = np.arange(2.0 * n).reshape(n, 2), np.arange(2.0 * m).reshape(m, 2)
    samples = Samples(x, y, np.ones(n) / n, np.ones(m) / m)
    assert share_in_splits(samples) == pytest.approx(share)
    split = random_splits(samples, 1, np.random.default_rng(0))[0]
    assert len(split.kernel_points().x) == pytest.approx(share * n, abs=1)


@pytest.mark.parametrize(
    ("name", "value"),
    [("callback", 3), ("verbose", "much"), ("verbose", 0.5), ("n_jobs", 0), ("n_jobs", "all")],
)
def test_what_cannot_be_told_to_is_refused_before_the_fit(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"{name} = {value!r} must be"):
        KernelOT(**{name: value}).fit(*two_samples(20, 20, 2))
