"""The loop that drives every method inside `jax.jit`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax import lax

from kernel_ot._arrays import Array, pytree, with_entry
from kernel_ot.problem import OptimalityReport, Problem, check_optimality, with_potential_gram
from kernel_ot.solvers._method import AnyMethod, OpeningOf, StartingPoint, State
from kernel_ot.solvers._solution import Records
from kernel_ot.solvers._status import Status
from kernel_ot.solvers._stopping import RUNNING, is_fall, stopping_code, tightened

_Tree = TypeVar("_Tree")


@pytree()
@dataclass(frozen=True, eq=False)
class Outcome:
    """Where the loop ended; see `Solution` for what the fields mean."""

    gamma: Array
    multiplier: Array
    code: Array
    optimality: OptimalityReport
    iterations: Array
    records: Records


@pytree()
@dataclass(frozen=True, eq=False)
class _Run:
    """What the loop remembers beside the method's state, in arrays of fixed shapes.

    `code` is that of the status which ends the steps; `claims` says that the method believes to
    be done; `point` is the best point whose optimality was checked, with its `report`.
    `best_is_opened` says that the best state is none of the method, but its opening's best.
    """

    state: Any  # of the method's own type, None before the first
    best: Any
    best_is_opened: Array
    best_residual: Array
    landmark: Array
    last_fall: Array
    iteration: Array
    claims: Array
    code: Array
    finished: Array
    method_tol: Array
    refusals: Array
    residuals: Array
    objectives: Array
    point: tuple[Array, Array]
    report: OptimalityReport


def run_traced(
    problem: Problem,
    method: AnyMethod,
    *,
    tol: Array,
    max_iter: Array,
    longest: int,
    start: StartingPoint | None,
) -> Outcome:
    """Drive `method` on `problem` as `run` does: same steps, same statuses, as honest.

    The optimality conditions are recomputed when the method claims to be done and when it can go
    no further, in a loop around that of the steps: a batch pays for them once or twice. Of the
    two budgets `longest` is the most records there may be, and so part of the compiled code.
    """
    problem = with_potential_gram(problem)
    dtype = problem.features.dtype
    point = _given_point(problem, start)
    report = (
        _arrays(check_optimality(problem, *point))
        if start is not None
        else _unknown(problem, point)
    )
    start = start if method.warm else None
    given_is_solved = report.residual <= tol
    unrecorded = jnp.full(longest + 1, jnp.nan, dtype)
    run = _Run(
        state=None,
        best=None,
        best_is_opened=jnp.asarray(False),
        best_residual=jnp.asarray(jnp.inf, dtype),
        landmark=jnp.asarray(jnp.inf, dtype),
        last_fall=jnp.asarray(0),
        iteration=jnp.asarray(0),
        claims=jnp.asarray(False),
        code=jnp.where(given_is_solved, Status.CONVERGED.code, RUNNING),
        finished=given_is_solved,
        method_tol=jnp.asarray(tol, dtype),
        refusals=jnp.asarray(0),
        residuals=unrecorded,
        objectives=unrecorded,
        point=point,
        report=report,
    )
    phase = _Phase(problem, method, tol, max_iter, method.patience)
    if method.opening is None:
        run = phase.driven(phase.begun(run, start))
    else:
        run = _driven_with_opening(run, phase, method.opening, start)
    gamma, multiplier = run.point
    records = Records(run.iteration + 1, run.residuals, run.objectives, unrecorded)
    return Outcome(gamma, multiplier, run.code, run.report, run.iteration, records)


def _driven_with_opening(
    run: _Run, phase: _Phase, opening: OpeningOf[State], start: StartingPoint | None
) -> _Run:
    """Return the run where the opening's steps and then those of the method have ended.

    There is one check in the compiled code: what the opening claims the method claims at the same
    point, and it is the method that goes on if that is refuted.
    """
    problem = phase.problem
    first = replace(phase, method=opening, until=opening.has_arrived)

    def opened_run() -> _Run:
        return first.to_a_check(first.begun(run, None))

    if start is None:
        skipped = jnp.asarray(False)
        opened = opened_run()
    else:
        skipped = jnp.logical_not(opening.is_needed(problem, start))
        shapes = jax.eval_shape(opened_run)
        unopened = replace(run, state=_zeros(shapes.state), best=_zeros(shapes.best))
        opened = lax.cond(skipped, lambda: unopened, opened_run)

    def handed_over() -> State:
        return _arrays(opening.handed_over(problem, opened.state))

    # What has ended is not gone on from: it may not be finite.
    state = lax.cond(
        (opened.code == RUNNING) & ~skipped,
        handed_over,
        lambda: _zeros(jax.eval_shape(handed_over)),
    )
    last = replace(
        phase,
        opened_best=lambda: (opened.best.gamma, opening.multiplier(problem, opened.best)),
    )
    going_on = replace(
        opened, state=state, best=state, best_is_opened=jnp.isfinite(opened.best_residual)
    )
    if start is not None:
        going_on = lax.cond(skipped, lambda: last.begun(run, start), lambda: going_on)
    return last.driven(going_on)


@dataclass(frozen=True)
class _Phase:
    """The steps of one method, until it is done, can go no further, or `until` says so.

    `opened_best` makes the point that the phase before holds for the best.
    """

    problem: Problem
    method: AnyMethod
    tol: Array
    max_iter: Array
    patience: int
    until: Callable[[State], Array] | None = None
    opened_best: Callable[[], tuple[Array, Array]] | None = None

    def begun(self, run: _Run, start: StartingPoint | None) -> _Run:
        """Return the run at the method's first state."""
        state = _arrays(self.method.init(self.problem, start))
        return self.recorded(replace(run, state=state, best=state))

    def driven(self, run: _Run) -> _Run:
        """Return the run where the solve has ended."""
        ended: _Run = lax.while_loop(
            lambda run: ~run.finished, lambda run: self.checked(self.to_a_check(run)), run
        )
        return ended

    def to_a_check(self, run: _Run) -> _Run:
        """Return the run where optimality is to be checked, or the phase is over."""

        def is_due(run: _Run) -> Array:
            due: Array = (run.code == RUNNING) & ~run.claims
            return due if self.until is None else due & ~self.until(run.state)

        checkable: _Run = lax.while_loop(is_due, self.stepped, run)
        return checkable

    def stepped(self, run: _Run) -> _Run:
        """Return the run after one more step."""
        state = self.method.step(self.problem, run.state, run.method_tol)
        state = jax.tree.map(lambda new, old: jnp.asarray(new, old.dtype), state, run.state)
        return self.recorded(replace(run, state=state, iteration=run.iteration + 1))

    def recorded(self, run: _Run) -> _Run:
        """Take note of the present state, and decide whether the steps end here."""
        state, iteration = run.state, run.iteration
        objective = self.problem.objective(state.gamma)
        finite = jnp.isfinite(state.residual) & jnp.all(jnp.isfinite(state.gamma))
        better = finite & (state.residual < run.best_residual)
        fallen = better & is_fall(state.residual, run.landmark)
        last_fall = jnp.where(fallen, iteration, run.last_fall)
        claims = finite & self.method.done(state, run.method_tol)
        code = stopping_code(
            failure=jnp.asarray(state.failure),
            finite=finite,
            iteration=iteration,
            max_iter=self.max_iter,
            since_fall=iteration - last_fall,
            patience=self.patience,
        )
        code = jnp.where((run.code == RUNNING) & ~claims, code, run.code)
        return replace(
            run,
            best=_choose(better, state, run.best),
            best_is_opened=run.best_is_opened & ~better,
            best_residual=jnp.where(better, state.residual, run.best_residual),
            landmark=jnp.where(fallen, state.residual, run.landmark),
            last_fall=last_fall,
            claims=claims,
            code=code,
            residuals=with_entry(run.residuals, iteration, state.residual),
            objectives=with_entry(run.objectives, iteration, objective),
        )

    def checked(self, run: _Run) -> _Run:
        """Recompute the optimality conditions; a claim that is refuted sends the method on."""
        point = self._point(run)
        report = check_optimality(self.problem, *point)
        better = jnp.isnan(run.report.residual) | (report.residual < run.report.residual)
        point = _choose(better, point, run.point)
        report = _choose(better, report, run.report)
        solved = report.residual <= self.tol
        refusals = run.refusals + run.claims
        tighter = tightened(run.method_tol, self.tol, refusals)
        return replace(
            run,
            point=point,
            report=report,
            code=jnp.where(solved, Status.CONVERGED.code, run.code),
            finished=solved | (run.code != RUNNING),
            refusals=refusals,
            method_tol=jnp.where(run.claims, tighter, run.method_tol),
            claims=jnp.asarray(False),
        )

    def _point(self, run: _Run) -> tuple[Array, Array]:
        """Return the point that the method claims to be the solution, or the best one."""

        def own() -> tuple[Array, Array]:
            candidate = _choose(run.claims, run.state, run.best)
            return candidate.gamma, self.method.multiplier(self.problem, candidate)

        if self.opened_best is None:
            return own()
        point: tuple[Array, Array] = lax.cond(
            run.best_is_opened & ~run.claims, self.opened_best, own
        )
        return point


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


def _zeros(shapes: _Tree) -> _Tree:
    zeros: _Tree = jax.tree.map(lambda entry: jnp.zeros(entry.shape, entry.dtype), shapes)
    return zeros


def _choose(predicate: Array, when_true: _Tree, when_false: _Tree) -> _Tree:
    chosen: _Tree = jax.tree.map(lambda a, b: jnp.where(predicate, a, b), when_true, when_false)
    return chosen


def _arrays(tree: _Tree) -> _Tree:
    """Return `tree` with Python numbers made arrays, and types that will not change any more."""
    arrays: _Tree = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.asarray(leaf).dtype), tree)
    return arrays
