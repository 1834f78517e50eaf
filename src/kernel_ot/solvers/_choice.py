"""Which method a name stands for, and which one "auto" takes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kernel_ot._arrays import is_traced, namespace_of, shown
from kernel_ot.problem import Problem
from kernel_ot.solvers._method import AnyMethod, Method, StartingPoint
from kernel_ot.solvers._scaling import rescaled, start_error
from kernel_ot.solvers.interior_point._extended import ExtendedInteriorPoint, is_extensible
from kernel_ot.solvers.interior_point._full_rank import FullRankInteriorPoint, is_well_conditioned
from kernel_ot.solvers.interior_point._general import InteriorPoint
from kernel_ot.solvers.published._accelerated_gradient import AcceleratedGradient
from kernel_ot.solvers.published._extragradient import Extragradient
from kernel_ot.solvers.published._safeguarded_newton import SafeguardedSemismoothNewton
from kernel_ot.solvers.published._short_step import ShortStep
from kernel_ot.solvers.semismooth._central_path import USEFUL_ERROR
from kernel_ot.solvers.semismooth._semismooth_newton import SemismoothNewton

# Above this share of full rank it is as fast as an interior point from anywhere, with less memory.
_NEARLY_FULL = 0.7


# After the steps in float64 that follow an interior point method: some more digits.
_MOST_STEPS_IN_ALL = 400
_EXTENDED = SemismoothNewton(
    patience=10, successor=SemismoothNewton(warm=False, successor=ExtendedInteriorPoint())
)


def _interior_point(problem: Problem, *, warm: bool = True) -> AnyMethod:
    form = FullRankInteriorPoint if is_well_conditioned(problem) else InteriorPoint
    if is_extensible(problem):
        return form(warm=warm, successor=_EXTENDED, max_iter=_MOST_STEPS_IN_ALL)
    return form(warm=warm)


METHODS: dict[str, Callable[[Problem], AnyMethod]] = {
    "interior_point": lambda problem: _interior_point(problem),
    "ssn": lambda problem: SemismoothNewton(),
    "ssn_extragradient": lambda problem: SafeguardedSemismoothNewton(),
    "short_step": lambda problem: ShortStep(),
    "extragradient": lambda problem: Extragradient(),
    "accelerated_gradient": lambda problem: AcceleratedGradient(),
}


def check_method_name(name: str) -> None:
    """Raise ValueError unless `name` is "auto" or a key of `METHODS`."""
    if name not in ("auto", *METHODS):
        raise ValueError(f"method = {shown(name)} is unknown; use one of {_known_names()}.")


def check_method(method: object) -> None:
    """Raise ValueError unless `method` is a method or the name of one."""
    if isinstance(method, str):
        check_method_name(method)
    elif not isinstance(method, Method):
        raise ValueError(
            f"method = {shown(method)} must be one of {_known_names()}, or a method of "
            "kernel_ot.solvers."
        )


def _known_names() -> str:
    return ", ".join(repr(known) for known in ("auto", *METHODS))


def choose_method(name: str, problem: Problem, start: StartingPoint | None) -> AnyMethod:
    """Return the method called `name` for `problem`.

    "auto" takes the interior point method in its cheaper form if K is well conditioned, since no
    other step is as cheap. Else it takes the semismooth Newton method from a `start` close to a
    solution, and from anywhere if K has nearly full rank; and the interior point method in its
    general form otherwise (measured, see benchmarks/results/). Small problems that an interior
    point method leaves above the tolerance are finished in extended precision.

    Raises
    ------
    ValueError
        No method has that name.
    """
    check_method_name(name)
    if name != "auto":
        return METHODS[name](problem)
    if is_well_conditioned(problem):
        return _interior_point(problem)
    if _has_nearly_full_rank(problem) or _is_close(problem, start):
        return SemismoothNewton(patience=20, successor=_interior_point(problem, warm=False))
    return _interior_point(problem)


def _has_nearly_full_rank(problem: Problem) -> bool:
    # Measured on NumPy; JAX would compile both phases of a semismooth Newton step.
    is_numpy = namespace_of(problem.features) is np
    return is_numpy and problem.rank > _NEARLY_FULL * problem.n_fill


def _is_close(problem: Problem, start: StartingPoint | None) -> bool:
    if start is None:
        return False
    error = start_error(problem, rescaled(problem, start))
    return not is_traced(error) and bool(error <= USEFUL_ERROR)
