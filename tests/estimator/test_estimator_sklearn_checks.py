"""scikit-learn's own checks of estimators, on an adapter that makes y from X."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import config_context
from sklearn.utils.estimator_checks import parametrize_with_checks

from kernel_ot import KernelOT, KernelOTCV
from kernel_ot.kernels import Gaussian

# What is not met, and why: the only place where exceptions are listed.
NOT_MET = {
    "check_dtype_object": "asks for a TypeError where an entry is no number; here all input that "
    "cannot be used is a ValueError",
}


def second_sample(points: Any) -> Any:
    """Return the points moved by one; what cannot be moved as it is, for `fit` to refuse it."""
    try:
        return np.asarray(points) + 1
    except (TypeError, NotImplementedError):  # objects, sparse matrices
        return points


class OneSample(KernelOT):
    """`KernelOT` as an estimator of one sample."""

    def fit(  # type: ignore[override]
        self, x: Any, y: Any = None, **_: Any
    ) -> OneSample:
        super().fit(x, second_sample(x))
        return self

    def score(self, x: Any, y: Any = None) -> float:
        return super().score(x, second_sample(x))


class OneSampleCV(KernelOTCV):
    """`KernelOTCV` as an estimator of one sample."""

    def fit(  # type: ignore[override]
        self, x: Any, y: Any = None, **_: Any
    ) -> OneSampleCV:
        super().fit(x, second_sample(x))
        return self

    def score(self, x: Any, y: Any = None) -> float:
        return super().score(x, second_sample(x))


@pytest.mark.filterwarnings("ignore")  # the checks fit samples that deserve warnings
@parametrize_with_checks(  # type: ignore[untyped-decorator]
    [
        OneSample(Gaussian(1.5), reg_potential=1e-2),
        OneSampleCV(kernels=(0.7,), reg_potentials=(1e-2,), cv=2),
    ],
    expected_failed_checks=lambda _: NOT_MET,
)
def test_scikit_learns_checks(estimator: Any, check: Callable[[Any], None]) -> None:
    # skada switches metadata routing on for the whole process when it is imported.
    with config_context(enable_metadata_routing=False):
        check(estimator)
