"""Solve a problem of JAX arrays: compiled once a shape, differentiable, and batched by `vmap`."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import jax

from kernel_ot._arrays import Array, as_float
from kernel_ot.problem import Problem
from kernel_ot.solvers._method import AnyMethod, StartingPoint
from kernel_ot.solvers._solution import Solution
from kernel_ot.solvers.jax._implicit import optimal_value, optimum


@partial(jax.jit, static_argnames=("method", "longest"))
def solve_traced(
    problem: Problem,
    method: AnyMethod,
    tol: Array,
    max_iter: Array,
    start: StartingPoint | None,
    longest: int,
) -> Solution:
    """Return the solution of `problem` as a pytree; see `kernel_ot.solve`.

    `longest` bounds the number of records; `max_iter`, at most that, may change without
    compiling anew.
    """
    problem = replace(problem, provenance=None)
    outcome = optimum(method, longest, problem, start, tol, max_iter)
    return Solution(
        code=outcome.code,
        gamma=outcome.gamma,
        multiplier=outcome.multiplier,
        objective=optimal_value(problem, outcome.gamma, outcome.multiplier),
        cost=as_float(problem.cost(outcome.gamma)),
        optimality=outcome.optimality,
        iterations=outcome.iterations,
        method=method.name,
        seconds=math.nan,
        timings=dict.fromkeys(("init", "steps", "check"), math.nan),
        records=outcome.records,
    )
