"""The loop that drives every method inside `jax.jit`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from kernel_ot._arrays import Array, pytree, with_entry
from kernel_ot.problem import OptimalityReport, Problem, check_optimality, with_potential_gram
from kernel_ot.solvers._method import Method, StartingPoint
from kernel_ot.solvers._status import Status
from kernel_ot.solvers._stopping import RUNNING, is_fall, stopping_code, tightened


@pytree()
@dataclass(frozen=True, eq=False)
class Outcome:
    """Where the loop ended; see `TracedSolution` for what the fields mean."""

    gamma: Array
    multiplier: Array
    code: Any
    optimality: OptimalityReport
    iterations: Any
    residual_history: Array


@pytree()
@dataclass(frozen=True, eq=False)
class _Run:
    """What the loop remembers beside the method's state, in arrays of fixed shapes.

    `code` is that of the status which ends the steps; `claims` says that the method believes to
    be done; `point` is the best point whose optimality was checked, with its `report`.
    """

    state: Any
    best: Any
    best_residual: Any
    landmark: Any
    last_fall: Any
    iteration: Any
    claims: Any
    code: Any
    finished: Any
    method_tol: Any
    refusals: Any
    residual_history: Array
    point: tuple[Array, Array]
    report: OptimalityReport


def run_traced(
    problem: Problem,
    method: Method,
    *,
    tol: Any,
    max_iter: Any,
    longest: int,
    start: StartingPoint | None,
) -> Outcome:
    """Drive `method` on `problem` as `run` does: same steps, same statuses, as honest.

    The optimality conditions are recomputed when the method claims to be done and when it can go
    no further, in a loop around that of the steps: a batch pays for them once or twice. Of the
    two budgets `longest` is the length of the history, and so part of the compiled code.
    """
    problem = with_potential_gram(problem)
    dtype = problem.features.dtype
    point = _given_point(problem, start)
    report = (
        _arrays(check_optimality(problem, *point))
        if start is not None
        else _unknown(problem, point)
    )
    state = _arrays(method.init(problem, start if method.warm else None))
    given_is_solved = report.residual <= tol
    run = _Run(
        state=state,
        best=state,
        best_residual=jnp.asarray(jnp.inf, dtype),
        landmark=jnp.asarray(jnp.inf, dtype),
        last_fall=jnp.asarray(0),
        iteration=jnp.asarray(0),
        claims=jnp.asarray(False),
        code=jnp.where(given_is_solved, Status.CONVERGED.code, RUNNING),
        finished=given_is_solved,
        method_tol=jnp.asarray(tol, dtype),
        refusals=jnp.asarray(0),
        residual_history=jnp.full(longest + 1, jnp.nan, dtype),
        point=point,
        report=report,
    )

    def take_step(run: _Run) -> _Run:
        state = method.step(problem, run.state, run.method_tol)
        state = jax.tree.map(lambda new, old: jnp.asarray(new, old.dtype), state, run.state)
        run = replace(run, state=state, iteration=run.iteration + 1)
        return _recorded(run, method, max_iter)

    def until_checked(run: _Run) -> _Run:
        run = lax.while_loop(lambda r: (r.code == RUNNING) & ~r.claims, take_step, run)
        return _checked(run, problem, method, tol)

    run = lax.while_loop(lambda r: ~r.finished, until_checked, _recorded(run, method, max_iter))
    gamma, multiplier = run.point
    return Outcome(gamma, multiplier, run.code, run.report, run.iteration, run.residual_history)


def _recorded(run: _Run, method: Method, max_iter: Any) -> _Run:
    """Take note of the present state, and decide whether the steps end here."""
    state, iteration = run.state, run.iteration
    finite = jnp.isfinite(state.residual) & jnp.all(jnp.isfinite(state.gamma))
    better = finite & (state.residual < run.best_residual)
    fallen = better & is_fall(state.residual, run.landmark)
    last_fall = jnp.where(fallen, iteration, run.last_fall)
    claims = finite & method.done(state, run.method_tol)
    code = stopping_code(
        failure=jnp.asarray(state.failure),
        finite=finite,
        iteration=iteration,
        max_iter=max_iter,
        since_fall=iteration - last_fall,
        patience=method.patience,
    )
    code = jnp.where((run.code == RUNNING) & ~claims, code, run.code)
    return replace(
        run,
        best=_choose(better, state, run.best),
        best_residual=jnp.where(better, state.residual, run.best_residual),
        landmark=jnp.where(fallen, state.residual, run.landmark),
        last_fall=last_fall,
        claims=claims,
        code=code,
        residual_history=with_entry(run.residual_history, iteration, state.residual),
    )


def _checked(run: _Run, problem: Problem, method: Method, tol: Any) -> _Run:
    """Recompute the optimality conditions; a claim that is refuted sends the method on."""
    candidate = _choose(run.claims, run.state, run.best)
    point = candidate.gamma, method.multiplier(problem, candidate)
    report = check_optimality(problem, *point)
    better = jnp.isnan(run.report.residual) | (report.residual < run.report.residual)
    point = _choose(better, point, run.point)
    report = _choose(better, report, run.report)
    solved = report.residual <= tol
    refusals = run.refusals + run.claims
    return replace(
        run,
        point=point,
        report=report,
        code=jnp.where(solved, Status.CONVERGED.code, run.code),
        finished=solved | (run.code != RUNNING),
        refusals=refusals,
        method_tol=jnp.where(run.claims, tightened(run.method_tol, tol, refusals), run.method_tol),
        claims=jnp.asarray(False),
    )


def _given_point(problem: Problem, start: StartingPoint | None) -> tuple[Array, Array]:
    zero = jnp.zeros((problem.rank, problem.rank), problem.features.dtype)
    if start is None:
        return jnp.zeros_like(problem.linear), zero
    return start.gamma, zero if start.multiplier is None else start.multiplier


def _unknown(problem: Problem, point: tuple[Array, Array]) -> OptimalityReport:
    """Return a report of NaN, which every other one replaces."""
    shapes = jax.eval_shape(check_optimality, problem, *point)
    report: OptimalityReport = jax.tree.map(
        lambda entry: jnp.full(entry.shape, jnp.nan, entry.dtype), shapes
    )
    return report


def _choose(predicate: Any, when_true: Any, when_false: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.where(predicate, a, b), when_true, when_false)


def _arrays(tree: Any) -> Any:
    """Return `tree` with Python numbers made arrays, and types that will not change any more."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.asarray(leaf).dtype), tree)
