"""Weights by the held-out semi-dual value."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.accuracy._families import TORN, make_case
from benchmarks.accuracy._methods import uvp

from kernel_ot import KernelExpansion, KernelOT, Potentials
from kernel_ot._arrays import Array
from kernel_ot.kernels import Gaussian, Polynomial
from kernel_ot.potentials import EntropicPotentials
from kernel_ot.samples import Samples
from kernel_ot.selection import (
    Combination,
    Trial,
    _combination,
    _criterion,
    combine,
    entropic_potentials,
    weigh,
)
from kernel_ot.selection._criterion import Criterion, HeldOut


def _zero(d: int) -> KernelExpansion:
    return KernelExpansion(Gaussian(1.0), np.zeros((1, d)), np.zeros(1))


def _bump(height: float) -> KernelExpansion:
    return KernelExpansion(Gaussian(1.0), np.array([[0.5, 0.0]]), np.array([height]))


def _sample(rng: np.random.Generator, n: int, moved: bool) -> Samples:
    x, y = rng.normal(size=(n, 2)), rng.normal(size=(n, 2))
    if moved:  # two halves are torn apart, which no smooth potential near zero does
        y = y + 3 * np.sign(y)
    return Samples(x, y, np.full(n, 1 / n), np.full(n, 1 / n))


def _trials(u: KernelExpansion, moved: bool) -> tuple[Trial, ...]:
    rng = np.random.default_rng(61)
    return tuple(
        Trial(Potentials(u, _zero(2)), _sample(rng, 120, moved), _sample(rng, 80, moved), 1.0)
        for _ in range(2)
    )


def test_the_weights_are_the_best_of_a_grid() -> None:
    splits = [
        HeldOut.of(
            (trial.potentials, *entropic_potentials(trial.train, (0.1,))),
            trial.train,
            trial.test,
            trial.unit,
        )
        for trial in _trials(_bump(-0.2), moved=True)
    ]
    criterion = Criterion(splits)
    best = criterion.best()
    assert best.sum() == pytest.approx(1)
    value = criterion.value(best[[0, 2]])[0]
    grid = [
        np.array([a, b])
        for a in np.linspace(0, 1, 11)
        for b in np.linspace(0, 1, 11)
        if a + b <= 1 + 1e-9
    ]
    assert value >= max(criterion.value(weights)[0] for weights in grid) - 1e-3


def test_on_the_line_the_weights_are_the_mean_of_those_of_single_splits() -> None:
    rng = np.random.default_rng(3)
    u = KernelExpansion(Gaussian(1.0), np.array([[0.3]]), np.array([-0.4]))
    points = rng.normal(size=(3, 2, 60, 1))
    samples = [Samples(x, x0 + np.sign(x0), *np.full((2, 60), 1 / 60)) for x, x0 in points]
    trials = tuple(Trial(Potentials(u, _zero(1)), samples[0], test, 1.0) for test in samples[1:])
    alone = [combine((trial,)) for trial in trials]
    assert alone[0] != alone[1]
    together = combine(trials)
    assert together.kernel == pytest.approx(np.mean([c.kernel for c in alone]), abs=0.02)
    weights = [dict(c.entropic) for c in alone]
    for reg, weight in together.entropic:
        assert weight == pytest.approx(np.mean([w.get(reg, 0.0) for w in weights]), abs=0.05)


def test_what_no_kernel_does_goes_to_the_entropic_potentials() -> None:
    combination = combine(_trials(_zero(2), moved=True))
    assert sum(weight for _, weight in combination.entropic) > 0.8


def test_a_harmful_kernel_goes_to_the_gaussian_map() -> None:
    combination = combine(_trials(_bump(2.0), moved=False))
    assert combination.kernel < 0.2
    assert combination.gaussian > 0.6


def test_weights_sum_to_one_and_none_is_tiny() -> None:
    combination = combine(_trials(_bump(0.1), moved=True))
    weights = [combination.kernel, combination.gaussian, *(w for _, w in combination.entropic)]
    assert sum(weights) == pytest.approx(1)
    assert all(weight == 0 or weight >= 0.05 for weight in weights)


def test_alone_the_kernel_part_is_returned_as_it_is() -> None:
    sample = _sample(np.random.default_rng(3), 30, True)
    kernel = Potentials(_bump(1.0), _zero(2))
    assert Combination().potentials(kernel, (), sample) is kernel
    shrunk: Array = Combination(0.5, 0.5).potentials(kernel, (), sample).u(np.zeros((1, 2)))
    np.testing.assert_allclose(shrunk, kernel.u(np.zeros((1, 2))) / 2)


def test_parts_share_the_weight_of_their_regularisation() -> None:
    sample = _sample(np.random.default_rng(3), 30, True)
    parts = (*entropic_potentials(sample, (0.1,)), *entropic_potentials(sample, (0.05,)))
    kernel = Potentials(_bump(1.0), _zero(2))
    mixed = Combination(0.4, entropic=((0.1, 0.6),)).potentials(kernel, parts, sample)
    expected = 0.4 * kernel.u(sample.x) + 0.3 * (parts[0].u(sample.x) + parts[1].u(sample.x))
    np.testing.assert_allclose(mixed.u(sample.x), expected, rtol=1e-12)


def test_a_gain_within_noise_changes_nothing_where_it_has_to_be_clear() -> None:
    trials = _trials(_zero(2), moved=False)[:1]
    entropic = [entropic_potentials(trials[0].train, (0.1,))]
    assert weigh(trials, (0.1,), entropic, clearly=2.0) == Combination()
    torn = _trials(_zero(2), moved=True)[:1]
    entropic = [entropic_potentials(torn[0].train, (0.1,))]
    assert weigh(torn, (0.1,), entropic, clearly=2.0).regularisations == (0.1,)


@pytest.mark.parametrize(("gap", "weighed"), [(0.0, 1), (3.0, 3)])
def test_among_many_features_a_first_split_without_gain_spares_the_others(
    monkeypatch: pytest.MonkeyPatch, gap: float, weighed: int
) -> None:
    seen = []

    def counted(
        samples: Samples, regularisations: tuple[float, ...]
    ) -> tuple[EntropicPotentials, ...]:
        seen.append(samples)
        return entropic_potentials(samples, regularisations)

    monkeypatch.setattr(_combination, "entropic_potentials", counted)
    rng = np.random.default_rng(11)
    spread = np.array([3.0, *21 * (0.2,)])

    def drawn(n: int) -> Samples:
        x, y = (rng.normal(size=(n, 22)) * spread for _ in range(2))
        y[:, 0] += gap * np.sign(y[:, 0])
        return Samples(x, y, np.full(n, 1 / n), np.full(n, 1 / n))

    nothing = Potentials(_zero(22), _zero(22))
    found = combine(tuple(Trial(nothing, drawn(120), drawn(80), 1.0) for _ in range(3)))
    assert len(seen) == weighed
    assert bool(found.entropic) == (weighed == 3)


def _torn_map(x: Array) -> Array:
    return np.asarray(x + 2 * np.sign(x))


def _error_of_many_points(d: int, seed: int, *, many_points: bool) -> tuple[float, Combination]:
    """Return the map's error, all coordinates torn, and the weights from held-out points."""
    rng, n = np.random.default_rng(seed), 400
    train, test = (
        Samples(
            rng.normal(size=(k, d)), _torn_map(rng.normal(size=(k, d))), *2 * (np.full(k, 1 / k),)
        )
        for k in (n, n // 2)
    )
    trial = Trial(Potentials(_zero(d), _zero(d)), train, test, 1.0)
    found = combine((trial,), many_points=many_points)
    entropic = entropic_potentials(trial.train, found.regularisations)
    fresh = rng.normal(size=(1000, d))
    images = found.potentials(trial.potentials, entropic, train).transport(fresh)
    return float(np.mean(np.square(images - _torn_map(fresh)))), found


def test_of_many_points_extrapolated_potentials_are_nearer_the_truth() -> None:
    error, found = _error_of_many_points(12, 1, many_points=True)
    weights = dict(found.entropic)
    assert weights[0.1] == pytest.approx(-weights[0.05] / 2)
    assert found.kernel + found.gaussian + sum(weights.values()) == pytest.approx(1)
    assert error < 0.92 * _error_of_many_points(12, 1, many_points=False)[0]


def test_points_that_no_image_reaches_weigh_less_in_a_smaller_ball(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    error, _ = _error_of_many_points(12, 2, many_points=True)
    monkeypatch.setattr(_criterion, "_NEAR", 1.0)  # the ball of all training points
    assert error < 0.97 * _error_of_many_points(12, 2, many_points=True)[0]


def test_weights_of_rough_maps_are_found_again_and_nearer_the_truth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cases = [make_case(TORN, 8, 300, seed, n_test=1000) for seed in (131, 132)]

    def mean_error() -> float:
        models = [KernelOT(verdict=False).fit(case.x, case.y) for case in cases]
        assert all(model.combination_.regularisations[-1] < 0.1 for model in models)
        images = [model.transform(case.test) for model, case in zip(models, cases, strict=True)]
        return float(np.mean([uvp(a, case.truth) for a, case in zip(images, cases, strict=True)]))

    again = mean_error()
    monkeypatch.setattr(HeldOut, "drawn_to_inverse", lambda split, weights: split)
    assert again < 0.97 * mean_error()


@pytest.mark.parametrize("d", [6, 21])
def test_weights_of_smooth_maps_and_among_many_features_are_found_once(d: int) -> None:
    rng = np.random.default_rng(5)
    train, test = (Samples(*rng.normal(size=(2, n, d)), *np.full((2, n), 1 / n)) for n in (120, 80))
    trial = Trial(Potentials(_zero(d), _zero(d)), train, test, 1.0)
    entropic = [entropic_potentials(train, _combination._REGULARISATIONS)]
    once = weigh((trial,), _combination._REGULARISATIONS, entropic)
    assert combine((trial,)) == once


def test_true_potentials_stay_the_best_where_minima_are_drawn_to_the_true_inverse() -> None:
    rng, n = np.random.default_rng(6), 400
    x = rng.normal(size=(n, 2))
    # u = -|x|^2 / 4 has the map 3 x / 2; its own v has the inverse 2 y / 3.
    u = KernelExpansion(Polynomial(2, offset=0.0), np.eye(2), np.full(2, -0.25))
    v = KernelExpansion(Polynomial(2, offset=0.0), np.eye(2), np.full(2, 1 / 6))
    both = Samples(x, 1.5 * x, np.full(n, 1 / n), np.full(n, 1 / n))
    split = HeldOut.of((Potentials(u, v),), both, both, 1.0)
    drawn = split.drawn_to_inverse(np.array([1.0, 0.0]))
    drawn.radius = split.radius  # of all points
    assert Criterion([drawn]).best() == pytest.approx([1.0, 0.0], abs=1e-3)
    values = [drawn.value(np.array([w]))[0] for w in (0.8, 0.9, 1.0, 1.1, 1.2)]
    assert int(np.argmax(values)) == 2


def test_in_few_features_many_points_change_no_weights() -> None:
    both = [_error_of_many_points(3, 2, many_points=many)[1] for many in (True, False)]
    assert both[0] == both[1]
