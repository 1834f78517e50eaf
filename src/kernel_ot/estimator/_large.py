"""Fits of many points: when they take over, and what they leave on the estimator."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from kernel_ot._arrays import (
    check_generator,
    check_same_names,
    check_sample,
    check_weights,
    counted,
    refuse_collections,
    require_memory,
)
from kernel_ot.cutting_planes import Certificate, FilledProblem, FillingRound
from kernel_ot.diagnostics import inner_potentials, kept_out_verdict
from kernel_ot.estimator._choosing import given_settings
from kernel_ot.estimator._fitting import largest_fill, most_rounds
from kernel_ot.estimator._parameters import FitParameters
from kernel_ot.estimator._progress import Narrator, Watch
from kernel_ot.large_samples import (
    KEPT,
    MOST_EXACT_PAIRS,
    Options,
    certify_clouds,
    fit_large,
    landmark_problem,
    require_room,
)
from kernel_ot.problem import Problem
from kernel_ot.samples import (
    Ask,
    Cloud,
    Masses,
    OutOfTime,
    Points,
    Samples,
    TrimmedCloud,
    as_cloud,
    is_lazy,
    masses_in_memory,
    never_late,
)
from kernel_ot.selection import Filling, Score
from kernel_ot.solvers import Progress, Status

if TYPE_CHECKING:
    from kernel_ot.estimator._kernel_ot import KernelOT

TAKES_OVER = 5000
"""Points of the larger sample above which a fit looks at batches instead of all pairs.

Measured in benchmarks/results/2026-11-28-takeover.csv: at 6000 and 8000 points batches take a tenth
to two thirds of the time and have smaller errors; at 2000 and 4000 it depends on the sample which
way is better.
"""


@dataclass(frozen=True, eq=False)
class InMemory:
    """Two samples as they were passed to `fit`, not yet checked."""

    x: Points
    y: Points | None
    weights_x: Masses | None
    weights_y: Masses | None


class Clock:
    """The time that a fit may take, reading its samples included."""

    def __init__(self, limit: float | None) -> None:
        self.limit = limit
        self._began = perf_counter()

    def elapsed(self) -> float:
        """Return the seconds since the fit began."""
        return perf_counter() - self._began

    def seconds_left(self) -> float:
        """Return how long the fit may still take; infinite without a limit."""
        return float("inf") if self.limit is None else self.limit - self.elapsed()

    def ask(self) -> None:
        """Raise OutOfTime, a TimeoutError, once the time is over."""
        if self.seconds_left() <= 0:
            raise OutOfTime(
                f"time_limit = {self.limit:g} was over before the samples were read, so there is "
                "nothing to fit; give a longer one."
            )


@dataclass(frozen=True, eq=False)
class ByBlocks:
    """Two samples that are read by blocks, and the clock that started before they were opened."""

    clouds: tuple[Cloud, Cloud]
    clock: Clock


def open_inputs(
    parameters: FitParameters,
    x: Points,
    y: Points | None,
    weights_x: Masses | None,
    weights_y: Masses | None,
) -> ByBlocks | InMemory:
    """Return the samples as clouds where they are large, and in memory where they are not.

    Raises
    ------
    ValueError
        Input that cannot be read; many points with parameters that only few can have.
    TimeoutError
        The time limit is over before they are counted.
    """
    clock = Clock(parameters.time_limit)
    for points, name in ((x, "x"), (y, "y")):
        refuse_collections(points, name)
    check_same_names(x, y)
    if y is None or not any(map(_may_be_large, (x, y))):
        return InMemory(x, y, *(_gathered(w, n) for w, n in ((weights_x, "x"), (weights_y, "y"))))
    rng = np.random.default_rng(0)
    clouds = (
        as_any_cloud(x, weights_x, "x", rng, clock.ask),
        as_any_cloud(y, weights_y, "y", rng, clock.ask),
    )
    large = max(cloud.n for cloud in clouds) > TAKES_OVER
    by_batches = Filling(parameters.filling).adaptive and parameters.method == "auto"
    if large and by_batches:
        return ByBlocks(clouds, clock)
    if large and any(map(is_lazy, (x, y))):
        raise ValueError(
            f"filling = {parameters.filling!r} and method = {parameters.method!r} need all "
            f"points in memory; samples of {clouds[0].n} and {clouds[1].n} points that are read by "
            "blocks are fitted with filling='auto' and method='auto'."
        )
    if not any(map(is_lazy, (x, y))):
        return InMemory(x, y, *(_gathered(w, n) for w, n in ((weights_x, "x"), (weights_y, "y"))))
    require_memory(
        # Once as they are read, and once as float64.
        16.0 * sum(cloud.n * cloud.dimension for cloud in clouds),
        purpose=f"{clouds[0].n} + {clouds[1].n} points of "
        f"{counted(clouds[0].dimension, 'feature')}",
        remedy="Give fewer features.",
    )
    (points_x, masses_x), (points_y, masses_y) = (
        cloud.take(np.arange(cloud.n)) for cloud in clouds
    )
    return InMemory(points_x, points_y, masses_x, masses_y)


def _may_be_large(points: object) -> bool:
    if is_lazy(points):
        return True
    shape = getattr(points, "shape", None)
    return len(shape) == 2 and shape[0] > TAKES_OVER if shape is not None else _is_long(points)


def _is_long(points: object) -> bool:
    return isinstance(points, list | tuple) and len(points) > TAKES_OVER


def _gathered(weights: Masses | None, name: str) -> Masses | None:
    """Return masses of points in memory, put together where they come in blocks or from a file."""
    in_blocks = isinstance(weights, list | tuple) and any(np.ndim(part) == 1 for part in weights)
    if in_blocks or (not isinstance(weights, list | tuple) and is_lazy(weights)):
        return masses_in_memory(weights, f"weights_{name}")
    return weights


def as_any_cloud(
    points: Points,
    weights: Masses | None,
    name: str,
    rng: np.random.Generator,
    ask: Ask = never_late,
) -> Cloud:
    """Return a cloud of what may be passed to `fit`, checked where it is in memory."""
    refuse_collections(points, name)
    if not is_lazy(points) and not isinstance(points, np.memmap):
        points = np.asarray(check_sample(points, name))
        if weights is not None and not isinstance(weights, np.memmap):
            masses = masses_in_memory(weights, f"weights_{name}")
            weights = np.asarray(check_weights(masses, len(points), f"weights_{name}"))
    return as_cloud(points, weights, name, keep=KEPT, rng=rng, ask=ask)


class LargeMonitor:
    """Passes on to the callback what a fit of many points tells, and keeps its time."""

    def __init__(self, watch: Watch, clock: Clock) -> None:
        self.watch = watch
        self.history: list[Progress] = []
        self._clock = clock
        self._embedded = False

    def on_score(self, score: Score) -> None:
        """Pass on a setting that was compared; the rounds so far were its own."""
        self.history.clear()
        self.watch.on_score(score)

    def on_round(self, step: FillingRound) -> None:
        """Pass on a round, of a fit that is compared until all points are embedded."""
        elapsed = self._clock.elapsed()
        self.history.append(Progress(len(self.history), step.violation, -step.dual, elapsed))
        if self._embedded:
            self.watch.tell(self.history[-1], "filling")
        else:
            self.watch.on_selection_round(step)

    def on_pass(self, what: str, done: float) -> None:
        """Pass on how much of a pass is done."""
        self._embedded = True
        self.watch.tell(
            Progress(round(100 * done), 1 - done, 0.0, self._clock.elapsed()),
            "certificate" if what == "certificate" else "embedding",
        )

    def stop(self) -> bool:
        """Return whether the time is over or the callback said so."""
        return self.watch.stopped or self.seconds_left() <= 0

    def seconds_left(self) -> float:
        """Return how long the fit may still take."""
        return self._clock.seconds_left()

    def ask(self) -> None:
        """Show that the fit is alive, and raise OutOfTime once the time is over."""
        self.watch.repeat()
        self._clock.ask()

    def stopped(self, complete: bool, late: bool) -> Status | None:
        """Return why the fit ended before it was complete, if it did."""
        if self.watch.stopped:
            return Status.CALLBACK_STOPPED
        if not complete:
            return Status.TIME_LIMIT if late else Status.MAX_ITERATIONS
        return None


def fit_clouds(model: KernelOT, opened: ByBlocks, x: Points) -> None:
    """Fit two clouds as a `KernelOT`'s parameters ask, and set what it found on the model."""
    parameters: FitParameters = model
    clouds = opened.clouds
    rng = check_generator(parameters.random_state, "random_state")
    narrator = Narrator(parameters.verbose, parameters.callback, parameters.violation_tol)
    watch = Watch(narrator.tell, parameters.time_limit)
    given = given_settings(parameters)
    options = Options(
        kernel=given.kernel,
        reg_potential=given.reg_potential,
        preconditioner=parameters.preconditioner,
        combine=parameters.combine,
        violation_tol=parameters.violation_tol,
        max_fill=largest_fill(parameters.n_fill),
        max_rounds=most_rounds(parameters.max_iter),
    )
    monitor = LargeMonitor(watch, opened.clock)
    began = perf_counter()
    sizes = clouds[0].n, clouds[1].n
    require_room(*clouds, options)
    for cloud in clouds:
        cloud.ask = monitor.ask
    trimmed = [TrimmedCloud(cloud, rng) for cloud in clouds if parameters.outliers == "exclude"]
    x_cloud, y_cloud = trimmed or clouds
    fit = fit_large(x_cloud, y_cloud, options, rng, monitor)
    seconds = perf_counter() - began
    problem = landmark_problem(fit.filled.points, fit.settings)
    stopped = monitor.stopped(fit.filled.complete, fit.late)
    filled = FilledProblem(problem, fit.filled, stopped, tuple(monitor.history), seconds)
    solution = filled.solution(parameters.tol)
    watch.tell(solution.history[-1], "solve")
    # Nothing was looked at: a cost is not negative, and that is all there is.
    certificate = Certificate(0.0, 0.0, 0, "sampled", 0, 0, violated_share=1.0)
    if monitor.seconds_left() > fit.seconds_a_pass:
        with suppress(OutOfTime):  # the points take longer to read than to evaluate
            certificate = certify_clouds(
                problem.potentials(solution.gamma),
                fit.change,
                x_cloud,
                y_cloud,
                exact=x_cloud.n * y_cloud.n <= MOST_EXACT_PAIRS,
                tolerance=parameters.violation_tol * fit.unit,
                rng=rng,
                on_part=lambda done: monitor.on_pass("certificate", done),
            )
    model.conjugation_, model.solution_ = fit.change, solution
    model.kernel_, model.reg_sos_ = fit.settings.kernel, fit.settings.reg_sos
    model.reg_potential_ = fit.settings.reg_potential
    model.candidates_, model.rounds_ = fit.candidates, fit.filled.rounds
    model.combination_, model.entropic_ = fit.combined.combination, fit.combined.entropic
    nothing = np.zeros(0, dtype=np.intp)
    model.outliers_ = (trimmed[0].outliers, trimmed[1].outliers) if trimmed else (nothing, nothing)
    model.verdict_, kept_out = None, fit.kept_out
    if parameters.verdict is not False and kept_out is not None and monitor.seconds_left() > 0:
        model.verdict_ = kept_out_verdict(
            kept_out.potentials,
            kept_out.terms,
            kept_out.change,
            kept_out.test,
            parameters.preconditioner,
        )
    model.n_features_in_ = x_cloud.dimension
    columns = getattr(x, "columns", None)
    if columns is not None:
        model.feature_names_in_ = np.array([str(name) for name in columns], dtype=object)
    set_large(model, problem, fit.sample, Summary(sizes, fit.offset, certificate))
    narrator.end(solution.status.name, model.cost_)


@dataclass(frozen=True)
class Summary:
    """What only passes over all points can say.

    Attributes
    ----------
    sizes : tuple of int
        n and m.
    offset : float
        The part of the cost that the change of coordinates takes out, in squared user units.
    certificate : Certificate
    """

    sizes: tuple[int, int]
    offset: float
    certificate: Certificate


def set_large(model: KernelOT, problem: Problem, sample: Samples, summary: Summary) -> None:
    """Set what follows from what is set already, problem and summary; at a load, too."""
    made_of, change, solution = problem.provenance, model.conjugation_, model.solution_
    assert made_of is not None
    model.samples_, model.problem_, model.summary_of_all_ = sample, problem, summary
    model.potentials_ = change.potentials(inner_potentials(model))
    model.x_fill_ = change.backward_x(made_of.x_fill)
    model.y_fill_ = change.backward_y(made_of.y_fill)
    model.certificate_ = summary.certificate
    model.cost_ = float(change.scale**2 * solution.cost + summary.offset)
    model.wasserstein_ = float(np.sqrt(2 * max(model.cost_, 0.0)))
