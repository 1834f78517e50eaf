"""Cautions: each fault is named once, with a remedy, and good fits have none."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from benchmarks.accuracy import _families
from benchmarks.accuracy._families import FAMILIES, make_case

from kernel_ot import KernelOT
from kernel_ot._arrays import Array
from kernel_ot.diagnostics import CautionWarning, cautions
from kernel_ot.estimator import OutlierWarning, _large
from kernel_ot.kernels import Gaussian


def normal(seed: int, n: int = 150, d: int = 2) -> Array:
    return np.random.default_rng(seed).normal(size=(n, d))


def caught(model: KernelOT, x: Any, y: Any) -> tuple[list[str], list[str]]:
    """Return the names of a fit's cautions and the messages that it warned with."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        model.fit(x, y)
    assert {entry.category for entry in found} <= {CautionWarning}
    assert {entry.filename for entry in found} <= {__file__}  # where the user called fit
    noted = cautions(model)
    names = [caution.name for caution in noted]
    assert len(set(names)) == len(names)
    told = [str(entry.message) for entry in found]
    # One warning for what follows from one cause, with the remedy of the first.
    of_the_fit = [caution for caution in noted if not caution.is_of_samples]
    assert len(told) == len(noted) - max(0, len(of_the_fit) - 1)
    assert all(caution.cause in " ".join(told) for caution in noted)
    assert all(caution.remedy not in " ".join(told) for caution in of_the_fit[1:])
    return names, told


@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("family", FAMILIES)
def test_no_false_alarm(family: str, d: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if family == "monotone" and d > 1:
        return  # this family is on the line
    monkeypatch.setattr(_families, "MIXTURE_SIZE", 50)  # the truth is not needed
    case = make_case(family, d, 100, seed=1)
    assert caught(KernelOT(n_splits=1, verdict=False), case.x, case.y) == ([], [])


@pytest.mark.parametrize("strategy", ["pairs", "plan_pairs", "sobol"])
@pytest.mark.parametrize("n_fill", [6, 30, 100])
def test_too_few_fixed_filling_points(strategy: str, n_fill: int) -> None:
    model = KernelOT(Gaussian(1.0), reg_potential=3e-4, filling=strategy, n_fill=n_fill)
    x, y = normal(0, 45, 3), normal(1, 30, 3)
    names, messages = caught(model, x, y)
    assert names[0] == "violation"
    assert "filling='adaptive'" in messages[0]
    images = model.transform(x)
    far = np.linalg.norm(images[:, None] - y, axis=2).min(axis=1).max() > 10
    assert not far or "off the support" in names


def test_a_point_far_from_all_others_is_named() -> None:
    x, y = normal(0), normal(1) + 3
    x[17] = 8.0
    model = KernelOT(Gaussian(0.7), reg_potential=1e-4, outliers="keep")
    names, messages = caught(model, x, y)
    assert names == ["far rows"]
    assert "1 of the 150 rows of x (17)" in messages[0]


@pytest.mark.parametrize("far", [9.0, 11.0])
def test_rows_that_are_kept_though_they_would_be_left_out_are_named(far: float) -> None:
    x, y = normal(0), normal(1) + 3
    y[5] = y.mean(axis=0) + [far, 0.0]
    model = KernelOT(Gaussian(0.7), reg_potential=1e-2, outliers="keep", verdict=False)
    names, messages = caught(model, x, y)
    assert names == ["far rows"]
    assert "1 of the 150 rows of y (5) lies by itself" in messages[0]
    assert model.samples_.weights_y[5] > 0


def test_a_row_that_is_only_named_hides_no_fault_of_the_fit() -> None:
    x, y = normal(0), np.sign(normal(1)) + 0.1 * normal(2)
    x[17] = [6.5, 0.0]
    names, _ = caught(KernelOT(Gaussian(0.5), reg_potential=10.0), x, y)
    assert names == ["far rows", "bound"]


def test_five_rows_in_one_place_are_named_unless_both_samples_have_them() -> None:
    x, y = normal(0), normal(1) + 3
    x[:5] += [10.0, 0.0]
    model = KernelOT(Gaussian(0.7), reg_potential=1e-2)
    names, messages = caught(model, x, y)
    assert names[0] == "far rows"
    assert "5 of the 150 rows of x (0, 1, 2, 3, 4)" in messages[0]
    y[:5] += [10.0, 0.0]
    assert "far rows" not in caught(model, x, y)[0]


@pytest.mark.parametrize(
    ("rows", "of", "outliers"),
    [
        ([145, 146, 147, 148, 149], 150, "exclude"),  # too many to be left out
        ([7], 15, "exclude"),  # of too few to say
        ([149], 150, "keep"),
    ],
)
def test_wild_rows_that_were_fitted_are_named(rows: list[int], of: int, outliers: str) -> None:
    x, y = normal(0, of), normal(1, of) + 3
    x[rows] += [1000.0, 0.0]
    model = KernelOT(Gaussian(0.7), reg_potential=1e-2, outliers=outliers)
    with pytest.warns(
        CautionWarning, match=r"(lies by itself|lie by themselves), far outside"
    ) as found:
        model.fit(x, y)
    listed = ", ".join(map(str, rows))
    assert f"{len(rows)} of the {of} rows of x ({listed})" in str(found[0].message)
    assert next(caution.name for caution in cautions(model)) == "far rows"


def test_a_far_group_among_many_points_is_seen_in_the_part_that_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_large, "TAKES_OVER", 300)
    x, y = normal(0, 400), normal(1, 400) + 3
    x[380:] += [1000.0, 0.0]
    model = KernelOT(Gaussian(0.7), reg_potential=1e-2, verdict=False)
    with pytest.warns(CautionWarning, match=r"random rows of x lie by themselves"):
        model.fit(x, y)


def test_the_part_of_the_cost_that_parts_it_from_its_bound_is_not_that_of_the_shift() -> None:
    x, y = normal(0), np.sign(normal(1)) + 0.1 * normal(2) + 1000
    names, _ = caught(KernelOT(Gaussian(0.5), reg_potential=10.0), x, y)
    assert names == ["bound"]


def test_another_preconditioner_is_the_first_remedy() -> None:
    x, y = normal(0, 60), normal(1, 60) + 50
    model = KernelOT(Gaussian(1.0), reg_potential=1e-2, preconditioner=None)
    _, (message,) = caught(model, x, y)
    assert message.endswith("Use preconditioner='gaussian', which leaves less to the potentials.")


def test_rows_are_counted_in_the_samples_that_were_given() -> None:
    x, y = normal(0, 3000, 1), normal(1, 200, 1)
    x[2999] = 80.0
    weights = np.ones(3000)
    weights[:1500] = 0  # massless points are not looked at
    model = KernelOT(Gaussian(1.0), reg_potential=1e-1, outliers="keep")
    with pytest.warns(CautionWarning, match=r"1 of the 3000 rows of x \(2999\) lies by"):
        model.fit(x, y, weights_x=weights)


def test_maps_that_do_not_return() -> None:
    x, y = normal(0), np.sign(normal(1)) + 0.1 * normal(2)
    model = KernelOT(Gaussian(0.1), reg_potential=1e-6, max_iter=3)
    with pytest.warns(UserWarning, match="max_iter"):  # one cause, one warning
        model.fit(x, y)
    found = {caution.name: str(caution) for caution in cautions(model)}
    assert {"violation", "no return"} <= set(found)
    assert "S(T(x)) comes back to x only to within" in found["no return"]
    assert str(model.summary()).startswith("Do not use this map as it is")
    assert "Caution: S(T(x))" in str(model.summary())


def test_potentials_that_are_too_smooth() -> None:
    x, y = normal(0), np.sign(normal(1)) + 0.1 * normal(2)
    names, messages = caught(KernelOT(Gaussian(0.5), reg_potential=10.0), x, y)
    assert names == ["bound"]
    assert "lower reg_potential" in messages[0]


def test_heavy_tails_part_cost_and_bound() -> None:
    r = np.random.default_rng(0)
    x, y = np.exp(2 * r.normal(size=(200, 2))), np.exp(2 * r.normal(size=(200, 2)))
    names, _ = caught(KernelOT(Gaussian(0.5), reg_potential=0.1, outliers="keep"), x, y)
    assert names == ["far rows"]  # which part them, and are named instead


def test_dimension_alone_is_no_reason() -> None:
    model = KernelOT(Gaussian(5.0), reg_potential=0.1)
    assert caught(model, normal(0, 100, 25), normal(1, 100, 25)) == ([], [])
    assert model.certificate_.lower_bound > 3 * model.cost_  # for which dimension is the reason


def test_few_points_are_counted_by_their_masses() -> None:
    fixed = KernelOT(Gaussian(1.0), reg_potential=0.1)
    names, messages = caught(fixed, normal(0, 7, 4), normal(1, 30, 4))
    assert names == ["few points"]
    assert "x has 7 points (counted by their masses) for 4 features" in messages[0]
    assert caught(fixed, normal(0, 8, 4), normal(1, 30, 4)) == ([], [])
    masses = np.full(30, 1e-9)
    masses[:5] = 1
    with pytest.warns(CautionWarning, match="y has 5 points"):
        fixed.fit(normal(0, 30, 4), normal(1, 30, 4), weights_y=masses)


def test_rows_that_were_left_out_are_named_once() -> None:
    x, y = normal(0), normal(1)
    x[3], y[4] = 1e4, -1e4
    model = KernelOT(Gaussian(0.7), reg_potential=1e-3)
    with pytest.warns(OutlierWarning, match=r"x \(3\) and 1 of the 150 rows of y \(4\)") as found:
        model.fit(x, y)
    assert [entry.filename for entry in found] == [__file__]
    assert [caution.name for caution in cautions(model)] == ["outliers"]
    assert "Caution: 1 of the 150 rows of x (3)" in str(model.summary())


def test_from_one_point_no_map_can_return() -> None:
    x, y = normal(0), np.ones((20, 2))
    assert "no return" not in caught(KernelOT(), x, y)[0]


@pytest.mark.parametrize("unit", [1e-2, 1e-4, 1e-9])
def test_features_in_a_far_smaller_unit_are_not_mapped_wrong_in_silence(unit: float) -> None:
    for seed in range(3):
        x, y = normal(seed), normal(seed + 10) * [1.0, 2.0] + 3
        scaled = np.array([1.0, unit])
        model = KernelOT(Gaussian(1.5), reg_potential=1e-2, verdict=False)
        names, messages = caught(model, x * scaled, y * scaled)
        missed = abs(np.log(np.std(model.transform(x * scaled)[:, 1]) / np.std(y[:, 1]) / unit))
        assert missed < np.log(1.5) or names == ["small features"]
        assert names == [] or "Feature 1 (counted from 0)" in messages[0]
        assert caught(model, x, y) == ([], [])


def test_constant_features_are_no_small_ones() -> None:
    x, y = normal(0), normal(1) + 3
    model = KernelOT(Gaussian(1.5), reg_potential=1e-2)
    x, y = np.c_[x, np.full(150, 0.1)], np.c_[y, np.full(150, 0.7)]
    assert caught(model, x, y) == ([], [])
