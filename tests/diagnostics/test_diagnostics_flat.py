"""Samples without extent where the other has some, and samples of few different rows."""

from __future__ import annotations

import numpy as np
import pytest

from kernel_ot import KernelOT
from kernel_ot.diagnostics import CautionWarning
from kernel_ot.kernels import Gaussian

MODEL = KernelOT(Gaussian(1.5), reg_potential=1e-2, verdict=False)


def normal(seed: int, n: int, d: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


def test_a_feature_that_is_constant_in_x_alone_is_named() -> None:
    x, y = np.c_[normal(0, 80), np.full(80, 7.0)], normal(1, 70, 3)
    with pytest.warns(
        CautionWarning,
        match=r"^Feature 2 \(counted from 0\) is constant in x and not in y: .*T\(x\)",
    ):
        images = MODEL.fit(x, y).transform(x)
    assert images[:, 2].std() < 0.1
    with pytest.warns(CautionWarning, match=r"is constant in y and not in x: .* S\(y\) has about"):
        model = MODEL.fit(y, x)
    assert [caution.name for caution in model.summary().cautions] == ["flat"]


def test_a_line_is_named_too() -> None:
    y = normal(1, 70)
    with pytest.warns(CautionWarning, match="x fills 1 of 2 dimensions .* and y more"):
        MODEL.fit(np.repeat(normal(0, 80, 1), 2, axis=1), y)


@pytest.mark.filterwarnings("error")
def test_what_is_flat_in_both_and_what_is_flat_in_none_is_no_fault() -> None:
    x, y = normal(0, 80), normal(1, 70)
    MODEL.fit(np.c_[x, np.full(80, 7.0)], np.c_[y, np.full(70, -3.0)])
    MODEL.fit(np.c_[x, x[:, :1]], np.c_[y, y[:, :1]])
    for unit in (1e-60, 1e60, np.array([1e-12, 1e12])):
        MODEL.fit(x, y * unit)
    for seed, (n, m, d) in enumerate([(30, 30, 2), (60, 40, 5), (150, 20, 9), (40, 40, 20)]):
        model = KernelOT(Gaussian(3.0), reg_potential=1e-1, verdict=False)
        model.fit(normal(seed, n, d), normal(seed + 50, m, d))


def test_ties_are_the_reason_where_no_map_returns() -> None:
    rng = np.random.default_rng(7)
    x, y = rng.random((80, 3)) < 0.3, rng.random((70, 3)) < 0.6
    with pytest.warns(CautionWarning, match="Among 80 rows of x 8 differ, of y 8 among 70: equal"):
        KernelOT(verdict=False).fit(x, y)


def test_rounding_far_from_the_origin_is_no_other_mean() -> None:
    x, y = normal(0, 80) + 1e15, normal(1, 70) + 1e15
    assert KernelOT(verdict=False).fit(x, y).summary().cautions == ()
