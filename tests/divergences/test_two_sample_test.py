from __future__ import annotations

from dataclasses import replace
from math import comb
from typing import Any

import joblib
import numpy as np
import pytest
from scipy.stats import kstest

from helpers import Backend
from kernel_ot import DivergenceSettings, distances, divergence, two_sample_test
from kernel_ot._arrays import Array
from kernel_ot.kernels import Gaussian, Multiquadric


def draw(
    seed: int, n: int = 20, m: int = 20, d: int = 2, shift: float = 0.0
) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) + shift


def test_p_values_are_uniform_under_the_null() -> None:
    p_values = [
        two_sample_test(*draw(seed, 8, 10), n_permutations=99, random_state=seed).p_value
        for seed in range(400)
    ]
    # A discrete uniform on 1/100 ... 1: the continuous test's distance is at most .01 more.
    assert kstest(p_values, "uniform").statistic < 0.01 + 1.63 / np.sqrt(400)
    assert np.mean(np.array(p_values) <= 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_what_differs_is_found_and_what_does_not_is_not() -> None:
    assert two_sample_test(*draw(0, 60, 60, shift=1.0)).p_value == 0.001
    assert two_sample_test(*draw(1, 60, 60)).p_value > 0.05
    rng = np.random.default_rng(2)
    narrow = 0.5 * rng.normal(size=(80, 3))
    assert two_sample_test(rng.normal(size=(80, 3)), narrow).p_value < 0.01


def test_few_points_are_tested_exactly() -> None:
    x, y = draw(3, 4, 3, shift=10.0)
    found = two_sample_test(x, y)
    assert found.exact
    assert found.standard_error == 0
    assert found.n_permutations == comb(7, 3) - 1
    # No other split of separated samples has a larger statistic.
    assert found.p_value == pytest.approx(1 / comb(7, 3))
    assert "all 34 other assignments" in str(found)


def test_pairs_are_exchanged_within_themselves_only() -> None:
    rng = np.random.default_rng(4)
    donors = 30 * rng.normal(size=(9, 1))
    x, y = donors + 0.1 * rng.normal(size=(9, 1)), donors + 1 + 0.1 * rng.normal(size=(9, 1))
    labels = np.arange(9)
    settings = DivergenceSettings(Multiquadric(100.0), 1e-3)
    paired = two_sample_test(x, y, blocks=(labels, labels), settings=settings)
    assert paired.exact
    assert paired.n_permutations == 2**9 - 1
    # The true assignment and the one with both samples exchanged are the most different ones.
    assert paired.p_value == pytest.approx(2 / 2**9)
    assert two_sample_test(x, y, settings=settings).p_value > 0.5


def test_random_permutations_keep_the_blocks() -> None:
    rng = np.random.default_rng(5)
    x, y = draw(5, 30, 40)
    of_x, of_y = rng.integers(3, size=30), rng.integers(3, size=40)
    # Batches far apart, present in unequal shares, are no difference within batches.
    x, y = x + 10 * of_x[:, None], y + 10 * of_y[:, None]
    assert two_sample_test(x, y, blocks=(of_x, of_y)).p_value > 0.05


def _tracks(rng: np.random.Generator, n_tracks: int, frames: int) -> tuple[Array, Array]:
    """Return frames that hardly differ within a track, and their tracks."""
    centres = np.repeat(rng.normal(size=(n_tracks, 2)), frames, axis=0)
    return centres + 0.05 * rng.normal(size=centres.shape), np.repeat(np.arange(n_tracks), frames)


def test_groups_are_exchanged_whole_and_keep_the_level() -> None:
    whole, singly = [], []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        x, of_x = _tracks(rng, 8, 5)
        y, of_y = _tracks(rng, 6, 4)
        found = two_sample_test(x, y, 99, seed, groups=(of_x, of_y + 100))
        whole.append(found.p_value)
        singly.append(two_sample_test(x, y, 99, seed).p_value)
    assert kstest(whole, "uniform").statistic < 0.01 + 1.63 / np.sqrt(120)
    # Frames of a track are alike, so that single ones are not exchangeable.
    assert np.mean(np.array(singly) <= 0.05) > 0.3
    x, of_x = _tracks(np.random.default_rng(0), 8, 5)
    assert two_sample_test(x, x[:20] + 3, groups=(of_x, of_x[:20] + 100)).p_value < 0.01


def test_few_groups_are_tested_exactly_and_groups_of_one_are_points() -> None:
    x, y = draw(3, 6, 8)
    found = two_sample_test(x, y, groups=(np.arange(6) // 2, 10 + np.arange(8) // 2))
    assert found.exact
    assert found.n_permutations == comb(7, 3) - 1
    alone = two_sample_test(x, y, 99, groups=(np.arange(6), 10 + np.arange(8)))
    assert np.array_equal(alone.null, two_sample_test(x, y, 99).null)


def test_a_statistic_of_given_settings_is_the_divergence_of_samples_that_hardly_differ() -> None:
    rng = np.random.default_rng(6)
    x = rng.normal(size=(40, 2))
    y = x + 0.01 * np.sin(x[:, ::-1]) + 0.01
    for regularisation in (0.01, 1.0):
        settings = DivergenceSettings.from_samples(x, y, regularisation=regularisation, tol=1e-9)
        found = two_sample_test(x, y, settings=settings, n_permutations=1)
        assert found.statistic == pytest.approx(divergence(x, y, settings=settings).value, rel=0.05)


def test_much_regularisation_tests_by_the_maximum_mean_discrepancy() -> None:
    x, y = draw(7, 25, 30, shift=0.3)
    settings = DivergenceSettings(Gaussian(1.0), 1e6)
    masses = np.full(25, 1 / 25), np.full(30, 1 / 30)
    discrepancy = float(distances.squared_mmd(x, y, Gaussian(1.0), *masses))
    found = two_sample_test(x, y, settings=settings, n_permutations=9)
    assert 4e6 * found.statistic == pytest.approx(discrepancy, rel=1e-4)


def test_every_library_gives_the_same_test(library: Backend) -> None:
    x, y = draw(8, shift=0.5)
    expected = two_sample_test(x, y)
    found = two_sample_test(library.array(x), library.array(y))
    assert found.p_value == expected.p_value
    np.testing.assert_allclose(found.null, expected.null, atol=1e-8)


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_jobs_of_any_backend_give_the_same_test(backend: str) -> None:
    x, y = draw(9)
    expected = two_sample_test(x, y, n_permutations=50)
    with joblib.parallel_config(backend=backend):
        found = two_sample_test(x, y, n_permutations=50, n_jobs=2)
    assert found.p_value == expected.p_value
    np.testing.assert_allclose(found.null, expected.null, atol=1e-10)


def test_exchanging_samples_or_units_changes_no_p_value() -> None:
    x, y = draw(10, 5, 4, shift=0.7)
    p_value = two_sample_test(x, y).p_value
    assert two_sample_test(1e5 * x + 7, 1e5 * y + 7).p_value == pytest.approx(p_value)


def test_points_that_are_all_equal_do_not_differ() -> None:
    found = two_sample_test(np.ones((5, 2)), np.ones((6, 2)))
    assert found.p_value == 1
    assert found.statistic == 0


def test_the_error_of_the_p_value_is_that_of_the_draw() -> None:
    x, y = draw(11, shift=0.4)
    found = two_sample_test(x, y, n_permutations=200)
    others = [
        two_sample_test(x, y, n_permutations=200, random_state=seed).p_value
        for seed in range(1, 25)
    ]
    assert np.std(others) == pytest.approx(found.standard_error, rel=0.8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_permutations": 0}, "n_permutations"),
        ({"n_permutations": 2.5}, "n_permutations = 2.5 must be an integer"),
        ({"random_state": "seven"}, "random_state"),
        ({"blocks": (np.zeros(20),)}, "a pair"),
        ({"blocks": (np.zeros(20), np.zeros(3))}, r"blocks\[1\] has shape \(3,\)"),
        ({"blocks": (np.zeros(20), np.ones(20))}, "nothing can be exchanged"),
        ({"groups": (np.zeros(20), np.zeros(20))}, "group 0.0 has points of both samples"),
        ({"groups": (np.zeros(20), np.ones(3))}, r"groups\[1\] has shape \(3,\)"),
        (
            {"groups": (np.zeros(20), np.ones(20)), "blocks": (np.zeros(20), np.zeros(20))},
            "cannot be given at once",
        ),
        ({"settings": 1.0}, "is no DivergenceSettings"),
    ],
)
def test_arguments_that_are_none_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        two_sample_test(*draw(12), **arguments)


def test_samples_and_settings_that_do_not_fit_are_refused() -> None:
    x, y = draw(13)
    broken = x.copy()
    broken[3, 1] = np.nan
    with pytest.raises(ValueError, match=r"x contains nan .*\(3, 1\)"):
        two_sample_test(broken, y)
    with pytest.raises(ValueError, match="1 point"):
        two_sample_test(x, y[:1])
    settings = replace(DivergenceSettings.from_samples(x, y), dimension=3)
    with pytest.raises(ValueError, match="settings are for points of 3"):
        two_sample_test(x, y, settings=settings)
