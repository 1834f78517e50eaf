"""Solve a problem of JAX arrays: compiled once a shape, differentiable, and batched by `vmap`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import jax

from kernel_ot.problem import Problem
from kernel_ot.solvers._implicit import optimal_value, optimum
from kernel_ot.solvers._method import Method, StartingPoint
from kernel_ot.solvers._traced_solution import TracedSolution


@partial(jax.jit, static_argnames=("method", "max_iter"))
def solve_traced(
    problem: Problem, method: Method, tol: Any, max_iter: int, start: StartingPoint | None
) -> TracedSolution:
    """Return the solution of `problem` as a pytree; see `kernel_ot.solve`."""
    problem = replace(problem, samples=None)
    outcome = optimum(method, max_iter, problem, start, tol)
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
