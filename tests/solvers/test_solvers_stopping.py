"""The stopping rules, which both loops call: pure functions of scalars."""

from __future__ import annotations

from typing import Any

import pytest

from helpers import Backend
from kernel_ot import Status
from kernel_ot.solvers._stopping import RUNNING, is_fall, stopping_code, tightened

GOING_ON: dict[str, Any] = {
    "failure": 0,
    "finite": True,
    "iteration": 3,
    "max_iter": 10,
    "since_fall": 2,
    "patience": 2,
    "asked_to_stop": False,
    "out_of_time": False,
}
# In the order in which they are reported.
REASONS: list[tuple[dict[str, Any], Status]] = [
    ({"failure": Status.FACTORIZATION_FAILED.code}, Status.FACTORIZATION_FAILED),
    ({"finite": False}, Status.NON_FINITE),
    ({"asked_to_stop": True}, Status.CALLBACK_STOPPED),
    ({"iteration": 10}, Status.MAX_ITERATIONS),
    ({"out_of_time": True}, Status.TIME_LIMIT),
    ({"since_fall": 3}, Status.NO_PROGRESS),
]


@pytest.mark.parametrize("first", range(len(REASONS)))
def test_the_first_of_several_reasons_is_the_one_that_is_named(
    first: int, backend: Backend
) -> None:
    assert int(stopping_code(**GOING_ON)) == RUNNING
    several = dict(GOING_ON)
    for change, _ in REASONS[first:]:
        several |= change
    arrays = {name: backend.array(value) for name, value in several.items()}
    assert Status.from_code(stopping_code(**arrays)) is REASONS[first][1]


def test_only_a_fall_by_a_tenth_counts() -> None:
    assert is_fall(0.9, 1.0)
    assert not is_fall(0.91, 1.0)
    assert is_fall(1e300, float("inf"))
    assert not is_fall(float("nan"), 1.0)


def test_a_method_is_held_to_a_thousandth_of_the_tolerance_at_most() -> None:
    method_tol = 1e-8
    for refusals in range(1, 41):
        method_tol = float(tightened(method_tol, 1e-8, refusals))
        assert method_tol == pytest.approx(1e-8 * 0.1 ** min(refusals // 4, 3))
