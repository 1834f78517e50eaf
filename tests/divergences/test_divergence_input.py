from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kernel_ot import DivergenceSettings, divergence
from kernel_ot.kernels import Gaussian

GOOD: dict[str, Any] = {"kernel": Gaussian(1.0), "reg_potential": 1.0}
X = np.random.default_rng(0).normal(size=(6, 2))


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X[:1], X, "1 point"),
        (X, X[:, :1], "x has 2 columns and y has 1"),
        (X, np.where(np.arange(12).reshape(6, 2) == 7, np.nan, X), r"y contains nan .*\(3, 1\)"),
        (X[:, 0], X, "reshape"),
        (X + 1j, X, "complex"),
        (X * 1e200, X, "larger unit"),
        (X * 1e-120, X * 1e-120, "another unit"),
        ("words", X, "x"),
    ],
)
def test_samples_that_are_none_are_refused_by_name(x: Any, y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        divergence(x, y)


def test_settings_of_another_dimension_are_refused() -> None:
    settings = DivergenceSettings.from_samples(X, X)
    with pytest.raises(ValueError, match=r"settings are for points of 2 features, but .* have 1"):
        divergence(X[:, :1], X[:, :1], settings=settings)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel": 1.0}, "kernel = 1.0 is not a Kernel"),
        ({"reg_potential": 0.0}, "reg_potential = 0.0 must be positive"),
        ({"reg_potential": float("nan")}, "reg_potential"),
        ({"tol": -1.0}, "tol = -1.0"),
        ({"max_iter": 0}, "max_iter = 0"),
    ],
)
def test_settings_that_are_none_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DivergenceSettings(**(GOOD | arguments))


def test_what_is_no_settings_is_refused() -> None:
    with pytest.raises(ValueError, match="is no DivergenceSettings"):
        divergence(X, X, settings={"kernel": Gaussian(1.0)})  # type: ignore[arg-type]


def test_integers_and_lists_are_read_as_numbers() -> None:
    found = divergence([[0, 1], [2, 3]], np.array([[1, 1], [2, 2]], dtype=np.int32))
    assert found.value > 0
    assert found.gradient_x.dtype == np.float64


def test_a_kernel_of_another_dimension_is_refused() -> None:
    from kernel_ot.kernels import Anisotropic

    settings = DivergenceSettings(Anisotropic(Gaussian(1.0), np.eye(3)), 1.0)
    with pytest.raises(ValueError, match="matrix is for points of 3"):
        divergence(X, X, settings=settings)
