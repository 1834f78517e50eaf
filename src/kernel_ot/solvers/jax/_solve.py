"""Solve a problem of JAX arrays: compiled once a shape, differentiable, and batched by `vmap`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import jax

from kernel_ot.problem import Problem
from kernel_ot.solvers._method import AnyMethod, StartingPoint
from kernel_ot.solvers.jax._implicit import optimal_value, optimum
from kernel_ot.solvers.jax._solution import TracedSolution


@partial(jax.jit, static_argnames=("method", "longest"))
def solve_traced(
    problem: Problem,
    method: AnyMethod,
    tol: Any,
    max_iter: Any,
    start: StartingPoint | None,
    longest: int,
) -> TracedSolution:
    """Return the solution of `problem` as a pytree; see `kernel_ot.solve`.

    `longest` is the length of the residual history; `max_iter`, at most that, may change without
    compiling anew.
    """
    problem = replace(problem, provenance=None)
    outcome = optimum(method, longest, problem, start, tol, max_iter)
    return TracedSolution(
        code=outcome.code,
        gamma=outcome.gamma,
        multiplier=outcome.multiplier,
        objective=optimal_value(problem, outcome.gamma, outcome.multiplier),
        cost=problem.cost(outcome.gamma),
        optimality=outcome.optimality,
        iterations=outcome.iterations,
        residual_history=outcome.residual_history,
        method=method.name,
    )
