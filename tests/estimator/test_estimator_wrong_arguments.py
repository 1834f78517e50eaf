"""Words and other things where arrays are expected: refused by the argument, in one line."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kernel_ot import KernelOT, divergence, interpolate, solve, two_sample_test
from kernel_ot.estimator import certify
from kernel_ot.kernels import Gaussian

ANY: Any = None
POINTS = np.random.default_rng(0).normal(size=(30, 2))
SEVERAL: Any = {"a": POINTS}


@cache
def fitted() -> KernelOT:
    return KernelOT(Gaussian(1.5), reg_potential=1e-2).fit(POINTS, POINTS + 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: KernelOT().fit(POINTS, POINTS, weights_x="uniform"),
            r"weights_x = 'uniform' is taken for the name of a file.*\.npy.*Pass one mass a point",
        ),
        (lambda: KernelOT().fit(POINTS, POINTS, None, "equal.txt"), r"weights_y = 'equal\.txt' is"),
        (lambda: KernelOT().fit("uniform", POINTS), "x = 'uniform' is taken .*Pass an array"),
        (lambda: KernelOT().fit(POINTS, Path("y.csv")), r"y = 'y\.csv' .*io\.read_table"),
        (lambda: KernelOT().fit(b"12", POINTS), "x holds bytes"),
        (lambda: KernelOT().fit(POINTS, POINTS, {"a": 1.0}), r"weights_x is no array .*\(a\)"),
        (lambda: fitted().transform("x"), "x = 'x' is taken for the name of a file"),
        (lambda: certify(fitted(), POINTS, POINTS, weights_y="equal"), "weights_y = 'equal' is"),
        (lambda: fitted().score("x", POINTS), r"x = 'x' is no array; pass numbers"),
        (lambda: fitted().summary(POINTS, "y"), r"y = 'y' is no array; pass numbers"),
        (lambda: divergence(POINTS, POINTS, weights_x="uniform"), r"weights_x = 'uniform' is no"),
        (lambda: two_sample_test("x", POINTS), r"x = 'x' is no array; pass numbers"),
        (lambda: KernelOT(method=ANY).fit(POINTS, POINTS), r"method = None must be one of 'auto'"),
        (lambda: solve(ANY), "problem = None is no Problem; make one by"),
        (
            lambda: KernelOT(filling="adaptve").fit(POINTS, POINTS),
            r"filling = 'adaptve' must be one of \('auto', 'adaptive', .*or a pair",
        ),
        (lambda: fitted().transform(POINTS, out="x.csv"), r"out = 'x\.csv' .* \.npy file"),
        (lambda: divergence(SEVERAL, POINTS), r"x is no array but has several \(a\)"),
    ],
)
def test_words_are_refused_by_the_argument(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_a_file_that_is_missing_is_missing() -> None:
    with pytest.raises(FileNotFoundError, match=r"weights_x = 'masses\.npy' .* does not exist"):
        KernelOT().fit(POINTS, POINTS, weights_x="masses.npy")


def test_arrays_do_not_fill_messages() -> None:
    points: Any = np.zeros((80, 2))
    with pytest.raises(ValueError, match=r"^model = ndarray of shape \(80, 2\) is not fitted"):
        interpolate(points, 0.5)
    with pytest.raises(ValueError, match=r"settings = ndarray of shape \(80, 2\) is no .{,200}$"):
        divergence(POINTS, POINTS, settings=points)
