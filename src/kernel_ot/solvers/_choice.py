"""Which method a name stands for, and which one "auto" takes."""

from __future__ import annotations

from collections.abc import Callable

from kernel_ot.arrays import is_traced
from kernel_ot.problem import Problem, check_optimality
from kernel_ot.solvers._accelerated_gradient import AcceleratedGradient
from kernel_ot.solvers._extragradient import Extragradient
from kernel_ot.solvers._interior_point import InteriorPoint
from kernel_ot.solvers._interior_point_full_rank import FullRankInteriorPoint, is_well_conditioned
from kernel_ot.solvers._method import Method, StartingPoint
from kernel_ot.solvers._scaling import rescaled
from kernel_ot.solvers._short_step import ShortStep
from kernel_ot.solvers._ssn import SemismoothNewton
from kernel_ot.solvers._ssn_extragradient import SafeguardedSemismoothNewton

# From a start this good, semismooth Newton needs a few steps and an interior point still ten.
_CLOSE = 1e-4


def _interior_point(problem: Problem) -> Method:
    if is_traced(problem.features):  # its condition cannot be looked at
        return InteriorPoint()
    return FullRankInteriorPoint() if is_well_conditioned(problem) else InteriorPoint()


METHODS: dict[str, Callable[[Problem], Method]] = {
    "interior_point": _interior_point,
    "ssn": lambda problem: SemismoothNewton(),
    "ssn_extragradient": lambda problem: SafeguardedSemismoothNewton(),
    "short_step": lambda problem: ShortStep(),
    "extragradient": lambda problem: Extragradient(),
    "accelerated_gradient": lambda problem: AcceleratedGradient(),
}


def check_method_name(name: str) -> None:
    """Raise ValueError unless `name` is "auto" or a key of `METHODS`."""
    if name not in ("auto", *METHODS):
        names = ", ".join(repr(known) for known in ("auto", *METHODS))
        raise ValueError(f"method = {name!r} is unknown; use one of {names}.")


def choose_method(name: str, problem: Problem, start: StartingPoint | None) -> Method:
    """Return the method called `name` for `problem`.

    "auto" takes the semismooth Newton method where `start` is close to a solution, and the
    interior point method, in its cheaper form if K is well conditioned, everywhere else: cold it
    takes as many steps or fewer, each at most as expensive (measured, see docs/solvers.md).

    Raises
    ------
    ValueError
        No method has that name.
    """
    check_method_name(name)
    if name == "auto":
        name = "ssn" if start is not None and _is_close(problem, start) else "interior_point"
    return METHODS[name](problem)


def _is_close(problem: Problem, start: StartingPoint) -> bool:
    if is_traced(problem.features, problem.linear, start.gamma, start.multiplier):
        return False
    report = check_optimality(problem, *rescaled(problem, start))
    return bool(report.residual <= _CLOSE)
