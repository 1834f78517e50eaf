from __future__ import annotations

import dataclasses
import json
from copy import copy
from html import escape

import numpy as np
import pytest
from scipy.stats import energy_distance as scipy_energy_distance

from kernel_ot import KernelOT
from kernel_ot._arrays import Array
from kernel_ot.diagnostics import GLOSSARY, Caution
from kernel_ot.distances import energy_distance, mmd_test
from kernel_ot.estimator import Candidate
from kernel_ot.estimator._derived import set_derived
from kernel_ot.kernels import Gaussian
from kernel_ot.selection import Combination, entropic_potentials


def samples(seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(80, 2)), rng.normal(size=(70, 2))
    return x, y + 0.5 * np.tanh(2 * y) + 1


@pytest.fixture(scope="module")
def fitted() -> KernelOT:
    return KernelOT(Gaussian(1.5), reg_potential=1e-3).fit(*samples(0))


def test_energy_distance_agrees_with_scipy_on_the_line() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=50), rng.normal(size=60) + 1
    expected = scipy_energy_distance(x, y) ** 2  # SciPy returns the square root
    assert energy_distance(x[:, None], y[:, None]) == pytest.approx(expected)


def test_energy_distance_with_masses_is_that_of_repeated_points() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(3, 2)), rng.normal(size=(4, 2))
    repeated = energy_distance(x[[0, 0, 1, 2]], y)
    weighted = energy_distance(x, y, np.array([0.5, 0.25, 0.25]), np.full(4, 0.25))
    assert weighted == pytest.approx(repeated)


def test_mmd_test_has_level_and_power() -> None:
    rng = np.random.default_rng(0)
    p_values = [
        mmd_test(rng.normal(size=(40, 2)), rng.normal(size=(40, 2)), rng, n_permutations=99)[1]
        for _ in range(60)
    ]
    assert 0.3 < np.mean(p_values) < 0.7
    assert np.mean(np.array(p_values) <= 0.1) < 0.25
    assert mmd_test(rng.normal(size=(40, 2)), rng.normal(size=(40, 2)) + 1, rng)[1] < 0.02
    assert mmd_test(np.ones((3, 2)), np.ones((4, 2)), rng) == (0.0, 1.0)


def test_summary_of_a_good_fit(fitted: KernelOT) -> None:
    summary = fitted.summary(*samples(1))
    assert summary.held_out
    assert summary.verdict is not None
    assert summary.verdict.fresh
    assert summary.cautions == ()
    assert summary.energy_distance < 0.1 * summary.energy_distance_before
    assert summary.mmd_p_value > 0.01
    assert summary.monotone_fraction > 0.99
    assert summary.cycle_error < 0.02
    low, high = summary.cost_interval
    assert low < fitted.cost_ < high
    assert summary.wasserstein_interval == pytest.approx((np.sqrt(2 * low), np.sqrt(2 * high)))
    assert abs(summary.semi_dual - fitted.cost_) < 5 * summary.semi_dual_error
    assert 1 < summary.effective_fill <= summary.n_fill == len(fitted.x_fill_)
    text = str(summary)
    assert text.startswith(summary.verdict.sentence[:60])
    assert "these points: fresh samples" in text
    assert "95 %" in text


def test_the_interval_of_the_cost_is_that_of_resampled_points(fitted: KernelOT) -> None:
    rng = np.random.default_rng(0)
    means = np.zeros(2000)
    for function, points in (
        (fitted.potentials_.u, fitted.samples_.x),
        (fitted.potentials_.v, fitted.samples_.y),
    ):
        values = np.asarray(function(points))
        means += rng.choice(values, (2000, len(values))).mean(axis=1)
    low, high = fitted.summary().cost_interval
    assert high - low == pytest.approx(np.subtract(*np.quantile(means, [0.975, 0.025])), rel=0.1)


def _on_the_line(n: int, seed: int) -> tuple[Array, Array]:
    """Samples of N(0, 1) and N(2, 1.5^2), whose optimal map is x -> 2 + 1.5 x."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 1)), 2 + 1.5 * rng.normal(size=(n, 1))


def test_the_interval_of_the_cost_between_normal_samples_has_the_known_width() -> None:
    n, shift, slope = 400, 2.0, 1.5
    model = KernelOT(Gaussian(2.0), reg_potential=1e-2).fit(*_on_the_line(n, 1))
    # u'(x) = x - T(x) and v'(y) = y - T^-1(y) give both variances in closed form.
    of_u = shift**2 + (1 - slope) ** 2 / 2
    of_v = slope**2 * (shift**2 + (slope - 1) ** 2 / 2)
    low, high = model.cost_interval_
    assert (high - low) / 2 == pytest.approx(1.96 * np.sqrt((of_u + of_v) / n), rel=0.1)
    assert model.summary().cost_interval == (low, high)


def test_the_interval_holds_the_true_cost_about_as_often_as_it_says() -> None:
    truth = (2.0**2 + 0.5**2) / 2
    held = 0
    for seed in range(40):
        model = KernelOT(Gaussian(2.0), reg_potential=1e-1).fit(*_on_the_line(60, seed))
        low, high = model.cost_interval_
        held += low <= truth <= high
    assert 35 <= held <= 40


def test_the_interval_goes_down_to_what_held_out_points_say(fitted: KernelOT) -> None:
    half = fitted.cost_ - fitted.cost_interval_[0]
    doubtful = copy(fitted)
    doubtful.candidates_ = tuple(
        Candidate(1.0, reg, (fitted.cost_ - gap,)) for reg, gap in ((1e-2, 0.5), (1e-3, 0.25))
    )
    low, high = doubtful.cost_interval_
    assert low == pytest.approx(fitted.cost_ - 0.25 - half)
    assert high == pytest.approx(fitted.cost_ + half)


def test_the_violation_on_fresh_points_is_measured_as_on_the_samples() -> None:
    x, y = samples(0)
    combined = KernelOT(n_splits=1).fit(x, y)
    combined.combination_ = Combination(kernel=0.5, entropic=((0.1, 0.5),))
    combined.entropic_ = entropic_potentials(
        combined.conjugation_.changed(combined.samples_), (0.1,)
    )
    set_derived(combined, combined.samples_, combined.problem_)
    on_samples = combined.summary().violation
    assert combined.summary(x, y).violation == pytest.approx(on_samples)
    u, v = combined.potentials_.u(x), combined.potentials_.v(y)
    slack = np.sum(np.square(x[:, None] - y), axis=2) / 2 - u[:, None] - v
    assert -slack.min() > 10 * on_samples  # what is combined is not feasible, and need not be


def test_training_samples_are_named_as_such(fitted: KernelOT) -> None:
    summary = fitted.summary()
    assert "the training samples, so too good" in str(summary)
    assert summary.violation <= fitted.violation_tol * 1.01
    with pytest.raises(ValueError, match="together"):
        fitted.summary(samples(1)[0])


def test_every_number_has_a_name_and_one_line(fitted: KernelOT) -> None:
    summary = fitted.summary(*samples(1))
    shown = {number.name for number in summary.numbers()}
    values = {
        field.name
        for field in dataclasses.fields(summary)
        if isinstance(getattr(summary, field.name), int | float)
    }
    assert values - {"held_out", "semi_dual_error"} <= shown == set(GLOSSARY)
    labels = [term.label for term in GLOSSARY.values()]
    assert len(set(labels)) == len(labels)  # no word means two things
    frame = summary.to_frame()
    assert list(frame.index) == [number.name for number in summary.numbers()]
    assert frame.loc["cost", "value"] == fitted.cost_
    assert (frame.loc["cost", "low"], frame.loc["cost", "high"]) == summary.cost_interval
    assert frame["meaning"].str.len().min() > 20
    plain = json.loads(summary.to_json())
    assert plain["numbers"]["cost"]["value"] == fitted.cost_
    assert plain["verdict"] == summary.sentence
    html = summary._repr_html_()
    for number in summary.numbers():
        assert escape(number.term.meaning) in html
        assert number.term.label in str(summary)


def test_what_is_not_finite_is_null_in_json_and_names_are_escaped(fitted: KernelOT) -> None:
    caution = Caution("bound", "<script>alert(1)</script>", "None.")
    summary = dataclasses.replace(
        fitted.summary(), semi_dual_error=float("nan"), cautions=(caution,), verdict=None
    )
    plain = json.loads(summary.to_json())
    assert plain["numbers"]["semi_dual"]["low"] is None
    assert plain["outcome"] == "not judged"
    assert "<script>" not in summary._repr_html_()
    assert "&lt;script&gt;" in summary._repr_html_()
    assert "Caution: <script>" in str(summary)
    assert "Not judged" in str(summary)
