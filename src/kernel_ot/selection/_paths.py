"""One kernel on one split: a path of regularisations, each fit scored on held-out points.

The unit of all selection, serial in `KernelOT` and spread over workers by `KernelOTCV`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from time import perf_counter
from typing import NamedTuple, TypeAlias

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot._linalg import blas_on_one_thread
from kernel_ot.cutting_planes import (
    AdaptiveFit,
    FillingRound,
    Settings,
    adaptive_filling,
    c_transform,
    make_problem,
)
from kernel_ot.distances import energy_distance
from kernel_ot.kernels import Kernel
from kernel_ot.potentials import Potentials
from kernel_ot.preconditioning import Conjugation, fit_conjugation
from kernel_ot.samples import Samples
from kernel_ot.selection._default_kernel import RoughKernel, default_kernel, roughened
from kernel_ot.selection._filling import Filling
from kernel_ot.solvers import Solution, solve

Pair: TypeAlias = tuple[Array, Array]
OnRound: TypeAlias = Callable[[FillingRound], bool]
KernelChoice: TypeAlias = float | RoughKernel | Kernel
"""A kernel, or the bandwidth of the default kernel in median distances, see `default_kernel`."""

# Choosing needs a fit less exact than the one that is kept.
_VIOLATION_TOL, _MAX_ROUNDS, _SOLVER_TOL = 5e-3, 40, 1e-6
# Of the c-transform: the mean moves by less than a hundredth of what settings differ by.
_SEMI_DUAL_TOL = 1e-6
# The energy distance takes quadratic time; its noise needs no more points than this.
_MAX_ENERGY_POINTS = 1000
# Contact pairs for each point of both samples; an exact plan has one. At lambda_2 = 3e-3 smooth
# maps and mixtures of up to 1000 points in 25 and 50 features had 0.8 to 1, and a third of it gave
# up to 1.15 times the error; 300 cells had 0.6, and 1.08; 600 and 1500 cells 0.2 to 0.4, and 0.97.
_CROWDED = 0.5
# A fit that did not end may send points anywhere; beyond this there are no squared distances.
_LARGEST_IMAGE = 1e150


@dataclass(frozen=True, eq=False)
class Split:
    """Training and held-out points in the user's coordinates.

    Attributes
    ----------
    train, test : Samples
    seed : int
        Draws what is random.
    max_kernel_points : int, optional
        Of each training sample, at most so many are used for the kernel part; the preconditioner,
        whose error no kernel should be chosen to mend, takes all of them.
    """

    train: Samples
    test: Samples
    seed: int
    max_kernel_points: int | None = None

    def kernel_points(self) -> Samples:
        """Return the training points that the kernel part is fitted to, equal ones merged."""
        limit = self.max_kernel_points
        if limit is None:
            return self.train.distinct()
        # One seed for both, so that swapping samples of equal size does not change the points.
        rows, columns = (
            np.sort(np.random.default_rng(self.seed).permutation(len(points))[:limit])
            for points in (self.train.x, self.train.y)
        )
        return self.train.restrict(rows, columns).distinct()


@dataclass(frozen=True, eq=False)
class Path:
    """The settings of one path, regularisations from large to small."""

    kernel: KernelChoice
    regularisations: tuple[tuple[float, float], ...]
    """Pairs (reg_sos, reg_potential)."""
    preconditioner: str | None
    filling: Filling
    least_if_crowded: float = 0.0
    """lambda_2 below which `Walk.until_worse` does not go on from a `Score.crowded` one."""


@dataclass(frozen=True, eq=False)
class Trial:
    """A fit on the training points of a split, in its preconditioned coordinates.

    Attributes
    ----------
    potentials : Potentials
    train, test : Samples
        What was fitted and what was held out.
    unit : float
        A squared length of these coordinates in squared user units.
    terms : pair of ndarray, optional
        Terms of the held-out semi-dual value.
    """

    potentials: Potentials
    train: Samples
    test: Samples
    unit: float
    terms: Pair | None = None


@dataclass(frozen=True)
class Baseline:
    """How the preconditioner alone, with zero potentials, did on one split, in user units.

    Attributes
    ----------
    semi_dual, energy : float
        As in `Score`.
    """

    semi_dual: float
    energy: float


@dataclass(frozen=True, eq=False)
class Score:
    """How one setting did on one split, in user units.

    Attributes
    ----------
    reg_sos, reg_potential : float
    semi_dual : float
        mean u(x_test) + mean u^c(y_test), larger is better.
    energy : float
        Energy distance between T(x_test) and y_test, smaller is better.
    standard_error : float
        Of `semi_dual` minus that of the best score before on this path.
    violation : float, optional
        What the fit left of the constraint, relative to the mean cost of a pair; None where
        filling points were fixed.
    seconds : float
        The time of the fit.
    trial : Trial, optional
        The fit itself, where it is asked for again.
    crowded : bool
        Whether contact pairs are so many that the potentials follow nearly every point: less
        regularisation then fits noise.
    """

    reg_sos: float
    reg_potential: float
    semi_dual: float
    energy: float
    standard_error: float
    violation: float | None
    seconds: float
    trial: Trial | None = None
    crowded: bool = False

    @property
    def complete(self) -> bool:
        """Whether filling ended: what violates the constraint says nothing by its value."""
        return self.violation is None or self.violation <= _VIOLATION_TOL


@dataclass(frozen=True, eq=False)
class Walk:
    """One path on one split.

    Attributes
    ----------
    baseline : Baseline
        Which every fit of the path is to beat.
    scores : iterable of Score
        One for each regularisation, as it is fitted.
    least_if_crowded : float
        As in `Path`.
    """

    baseline: Baseline
    scores: Iterable[Score]
    least_if_crowded: float = 0.0

    def until_worse(self) -> Walk:
        """Return the walk up to the first score that fell by more than its noise or that failed.

        Or behind which `least_if_crowded` ends it.
        """
        return replace(self, scores=self._until_worse())

    def _until_worse(self) -> Iterator[Score]:
        best = self.baseline.semi_dual
        for score in self.scores:
            yield score
            worse = score.semi_dual < best - 2 * score.standard_error
            enough = score.crowded and score.reg_potential <= self.least_if_crowded
            if worse or enough or not score.complete:
                return
            best = max(best, score.semi_dual)


@blas_on_one_thread()
def score_path(path: Path, split: Split) -> Walk:
    """Return the whole path when it is done, without the fits."""
    walk = walk_path(path, split)
    return replace(walk, scores=[replace(score, trial=None) for score in walk.scores])


@blas_on_one_thread()
def score_until_worse(path: Path, split: Split, on_round: OnRound | None = None) -> Walk:
    """Return the path when it is done, as `until_worse` ends it."""
    walk = walk_path(path, split, on_round).until_worse()
    return replace(walk, scores=list(walk.scores))


def walk_path(path: Path, split: Split, on_round: OnRound | None = None) -> Walk:
    """Return the path with scores that are computed as they are asked for.

    `on_round` is called after each round of adaptive filling; True ends that fit, incomplete.
    """
    train, test = split.train, split.test
    change = fit_conjugation(
        train.x, train.y, path.preconditioner, train.weights_x, train.weights_y
    )
    inner = change.changed(split.kernel_points())
    held_out = change.changed(test)
    base = change.cost(0.0, test.x, test.y, test.weights_x, test.weights_y)
    rng = np.random.default_rng(split.seed)
    kernel = chosen_kernel(path.kernel, inner, rng)
    baseline = Baseline(base, held_out_energy(change.backward_y(held_out.x), test))
    fits = _fits(path, kernel, inner, change, rng, on_round)
    scores = _scores(fits, baseline, inner, held_out, test, change)
    return Walk(baseline, scores, path.least_if_crowded)


def _scores(
    fits: Iterator[_Fit],
    baseline: Baseline,
    inner: Samples,
    held_out: Samples,
    test: Samples,
    change: Conjugation,
) -> Iterator[Score]:
    """Yield the score of each fit to `inner` on the points `test`, changed to `held_out`."""
    best, best_terms = 0.0, (np.zeros(len(test.x)), np.zeros(len(test.y)))
    began = perf_counter()
    for settings, potentials, violation, contacts in fits:
        seconds = perf_counter() - began
        terms = semi_dual(potentials, inner.x, held_out.x, held_out.y, _SEMI_DUAL_TOL)
        value = float(test.weights_x @ terms[0] + test.weights_y @ terms[1])
        yield Score(
            settings.reg_sos,
            settings.reg_potential,
            baseline.semi_dual + change.scale**2 * value,
            held_out_energy(change.backward_y(potentials.transport(held_out.x)), test),
            change.scale**2 * standard_error(terms, best_terms, test),
            violation,
            seconds,
            Trial(potentials, inner, held_out, change.scale**2, terms),
            contacts > _CROWDED * (len(inner.x) + len(inner.y)),
        )
        if value > best:
            best, best_terms = value, terms
        began = perf_counter()


def chosen_kernel(choice: KernelChoice, samples: Samples, rng: np.random.Generator) -> Kernel:
    """Return the kernel of a choice, for samples in the preconditioned coordinates."""
    if isinstance(choice, Kernel):
        return choice
    if isinstance(choice, RoughKernel):
        return roughened(default_kernel(choice.factor, samples, rng))
    return default_kernel(choice, samples, rng)


class _Fit(NamedTuple):
    """What one regularisation gave; `violation` as in `Score`, `contacts` a number of pairs."""

    settings: Settings
    potentials: Potentials
    violation: float | None
    contacts: int


def _fits(
    path: Path,
    kernel: Kernel,
    inner: Samples,
    change: Conjugation,
    rng: np.random.Generator,
    on_round: OnRound | None,
) -> Iterator[_Fit]:
    """Yield the potentials along the path; each fit starts where the one before ended."""
    if path.filling.adaptive:
        start: AdaptiveFit | None = None
        for reg_sos, reg_potential in path.regularisations:
            start = fit = adaptive_filling(
                inner,
                kernel,
                reg_potential,
                start=start,
                tol=_VIOLATION_TOL,
                max_rounds=_MAX_ROUNDS,
                exact=False,
                on_round=on_round,
            )
            violation = min(step.violation for step in fit.rounds)
            made = Settings(kernel, reg_sos, reg_potential)
            yield _Fit(made, fit.potentials, violation, len(fit.points.x))
        return
    x_fill, y_fill = path.filling.place(inner, change, rng)
    solution: Solution | None = None
    for reg_sos, reg_potential in path.regularisations:
        settings = Settings(kernel, reg_sos, reg_potential)
        problem = make_problem(inner, x_fill, y_fill, settings)
        solution = solve(problem, tol=_SOLVER_TOL, init=solution)
        yield _Fit(settings, problem.potentials(solution.gamma), None, 0)


def semi_dual(
    potentials: Potentials, candidates: Array, x: Array, y: Array, tol: float = 1e-10
) -> Pair:
    """Return u at `x` and its c-transform at `y`, the terms of the semi-dual value."""
    starts = potentials.inverse_transport(y)
    return potentials.u(x), c_transform(potentials.u, y, candidates, starts, tol)


def held_out_energy(images: Array, test: Samples) -> float:
    """Return the energy distance between images of held-out points and their target."""
    a, b = test.weights_x[:_MAX_ENERGY_POINTS], test.weights_y[:_MAX_ENERGY_POINTS]
    if not np.abs(images).max() <= _LARGEST_IMAGE:
        return np.inf
    return energy_distance(images[: len(a)], test.y[: len(b)], a, b)


def standard_error(terms: Pair, others: Pair, test: Samples) -> float:
    """Return the standard error of the difference of two semi-dual values on the same points."""
    return test.standard_error(terms[0] - others[0], terms[1] - others[1])
