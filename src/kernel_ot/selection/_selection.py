"""Choose bandwidth and regularisation by what held-out points say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from kernel_ot._linalg import blas_on_one_thread
from kernel_ot.kernels import Kernel
from kernel_ot.samples import Samples, naming_a_lost_cluster
from kernel_ot.selection._default_kernel import RoughKernel
from kernel_ot.selection._filling import Filling
from kernel_ot.selection._paths import (
    Baseline,
    KernelChoice,
    OnRound,
    Pair,
    Path,
    Score,
    Split,
    Trial,
    Walk,
    score_until_worse,
    standard_error,
    walk_path,
)
from kernel_ot.selection._splits import (
    MAX_SEMI_DUAL_DIMENSION,
    error_over_splits,
    random_splits,
)

Criterion: TypeAlias = Literal["semi_dual", "energy"]
CRITERIA: tuple[Criterion, ...] = ("semi_dual", "energy")

# By dimension, up to 20 features. Few, since the criterion's noise leads to wrong choices among
# many; benchmarks/results/ has those that were compared.
_BANDWIDTH_FACTORS, _BANDWIDTH_FACTORS_IN_THE_PLANE = (0.5, 0.7), (1.0,)
# On the line: a Gaussian kernel goes back to the Gaussian map's slope beyond the outermost points,
# a wide Matern kernel goes on as a spline does.
_ROUGH_FACTOR_ON_THE_LINE = 4.0
# Few settings among many features: the noise of the energy distance leaves no more room. The last
# lambda_2 made errors larger where contacts are crowded, which the energy distance did not see.
_BANDWIDTH_FACTORS_OF_MANY_FEATURES = (0.35,)
_REG_POTENTIALS_OF_MANY_FEATURES, _LEAST_IF_CROWDED = (1e-1, 1e-2, 3e-3, 1e-3), 3e-3
REG_POTENTIALS = (1e-1, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5)
REG_SOS = 1e-3
MANY_POINTS = 1500
"""Points of the smaller sample from which on a third of them is kept out once, not three times.

With fewer the training part of a split is not much larger than the points that settings are
compared on; benchmarks/results/ has what it gains.
"""
# Matern kernels hold many more contact points, the more the smaller lambda_2 is: offered where they
# were seen to win, down to a lambda_2 that does not take several times as long.
_DIMENSIONS_OF_ROUGH_KERNELS, _ROUGH_FACTOR, _ROUGH_REG_POTENTIAL = (2, 3, 4), 1.0, 3e-5
# On the line there is one kernel, so up to some points five splits take no longer than three with
# two kernels did.
_SPLITS, _SPLITS_ON_THE_LINE, _MOST_POINTS_OF_MORE_SPLITS = 3, 5, 600
# In standard errors of the difference on the first split.
_CLEARLY = 2.0


@dataclass(frozen=True)
class Candidate:
    """One setting and how it did on held-out points.

    Attributes
    ----------
    bandwidth_factor : float
        Bandwidth of the default kernel in median distances; 1 for a kernel that was given.
    reg_potential : float
        lambda_2. The preconditioner alone is the limit of infinite lambda_2 and bandwidth, in which
        the potentials are zero.
    semi_dual : tuple of float
        mean u(x_test) + mean u^c(y_test) of each split, in squared user units; larger is better.
    energy : tuple of float
        Energy distance between T(x_test) and y_test of each split; smaller is better.
    kernel : Kernel, optional
        The kernel that was given, where it is no Gaussian with a multiple of the median distance.
    reg_sos : float
        lambda_1.
    complete : bool
        Whether filling ended on every split; where it did not, the values say nothing.
    rough : bool
        Whether the default kernel is of the Matern family of smoothness 2.5, not Gaussian.

    Examples
    --------
    >>> Candidate(bandwidth_factor=0.7, reg_potential=1e-3, semi_dual=(1.0, 3.0)).score
    2.0
    """

    bandwidth_factor: float
    reg_potential: float
    semi_dual: tuple[float, ...]
    energy: tuple[float, ...] = ()
    kernel: Kernel | None = None
    reg_sos: float = REG_SOS
    complete: bool = True
    rough: bool = False

    @property
    def kernel_choice(self) -> KernelChoice:
        """What `select` was offered."""
        if self.kernel is not None:
            return self.kernel
        return RoughKernel(self.bandwidth_factor) if self.rough else self.bandwidth_factor

    @property
    def is_baseline(self) -> bool:
        """Whether this is the preconditioner alone."""
        return bool(np.isinf(self.reg_potential))

    @property
    def score(self) -> float:
        """Mean semi-dual value over the splits; larger is better."""
        return float(np.mean(self.semi_dual))

    def gain(self, criterion: Criterion = "semi_dual") -> float:
        """Return the mean of a criterion over the splits with the sign that larger is better."""
        return self.score if criterion == "semi_dual" else -float(np.mean(self.energy))

    def plus(self, cost: float) -> Candidate:
        """Return it with a cost that was taken out before it was scored."""
        return replace(self, semi_dual=tuple(value + cost for value in self.semi_dual))


@dataclass(frozen=True, eq=False)
class Selection:
    """What was compared.

    Attributes
    ----------
    baseline : Candidate
        The preconditioner alone.
    settings : tuple of Candidate
        Those of a kernel that were scored on every split.
    trials : tuple of tuple of Trial
        The fits of each of `settings` on the splits.
    """

    baseline: Candidate
    settings: tuple[Candidate, ...]
    trials: tuple[tuple[Trial, ...], ...]

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """All of them, the preconditioner alone first."""
        return (self.baseline, *self.settings)

    def trials_of(self, candidate: Candidate) -> tuple[Trial, ...]:
        """Return the fits of one of `settings`."""
        return next(
            trials
            for other, trials in zip(self.settings, self.trials, strict=True)
            if other is candidate
        )


def bandwidth_factors(dimension: int) -> tuple[float, ...]:
    """Return the bandwidths, in median distances, of the Gaussian kernels that are compared."""
    if dimension > MAX_SEMI_DUAL_DIMENSION:
        return _BANDWIDTH_FACTORS_OF_MANY_FEATURES
    return _BANDWIDTH_FACTORS_IN_THE_PLANE if dimension == 2 else _BANDWIDTH_FACTORS


def default_kernels(dimension: int, n: int) -> tuple[KernelChoice, ...]:
    """Return the kernels that are compared by default where the smaller sample has `n` points."""
    if dimension == 1:
        return (RoughKernel(_ROUGH_FACTOR_ON_THE_LINE),)
    factors: tuple[KernelChoice, ...] = bandwidth_factors(dimension)
    offered = dimension in _DIMENSIONS_OF_ROUGH_KERNELS and n >= MANY_POINTS
    return (*factors, RoughKernel(_ROUGH_FACTOR)) if offered else factors


def default_splits(dimension: int, n: int) -> int:
    """Return over how many random splits settings are compared by default."""
    more = dimension == 1 and n <= _MOST_POINTS_OF_MORE_SPLITS
    return _SPLITS_ON_THE_LINE if more else _SPLITS


def reg_potentials(dimension: int) -> tuple[float, ...]:
    """Return the lambda_2 that are compared by default."""
    many = dimension > MAX_SEMI_DUAL_DIMENSION
    return _REG_POTENTIALS_OF_MANY_FEATURES if many else REG_POTENTIALS


def baseline_candidate(baselines: Sequence[Baseline]) -> Candidate:
    """Return the preconditioner alone from how it did on all splits."""
    return Candidate(
        bandwidth_factor=np.inf,
        reg_potential=np.inf,
        semi_dual=tuple(baseline.semi_dual for baseline in baselines),
        energy=tuple(baseline.energy for baseline in baselines),
        reg_sos=np.inf,
    )


def make_candidate(kernel: KernelChoice, scores: Sequence[Score]) -> Candidate:
    """Return the candidate of one setting from its scores on all splits."""
    if isinstance(kernel, Kernel):
        factor = 1.0
    else:
        factor = kernel.factor if isinstance(kernel, RoughKernel) else float(kernel)
    return Candidate(
        bandwidth_factor=factor,
        reg_potential=scores[0].reg_potential,
        semi_dual=tuple(score.semi_dual for score in scores),
        energy=tuple(score.energy for score in scores),
        kernel=kernel if isinstance(kernel, Kernel) else None,
        reg_sos=scores[0].reg_sos,
        complete=all(score.complete for score in scores),
        rough=isinstance(kernel, RoughKernel),
    )


def best_candidate(
    candidates: tuple[Candidate, ...], criterion: Criterion = "semi_dual"
) -> Candidate:
    """Return the best by the criterion; of equal ones the first."""
    return max(candidates, key=lambda candidate: candidate.gain(criterion))


def least_regularised(candidates: tuple[Candidate, ...]) -> Candidate:
    """Return the smallest lambda_2 that no other beats in energy distance by more than its noise.

    The noise is twice the standard error, over the splits, of the difference to the best candidate.
    """
    best = best_candidate(candidates, "energy")

    def as_good(candidate: Candidate) -> bool:
        excess = np.subtract(candidate.energy, best.energy)
        noise = np.nan_to_num(error_over_splits(excess))  # a single split says nothing of it
        return bool(excess.mean() <= 2 * noise)

    return min(filter(as_good, candidates), key=lambda candidate: candidate.reg_potential)


def _walks(
    paths: list[Path],
    splits: tuple[Split, ...],
    n_jobs: int | None,
    on_round: OnRound | None,
    outdone: set[int],
) -> Iterator[tuple[int, Walk]]:
    """Yield the number of each path and its walk, split by split; serially without `outdone`."""
    pairs = [(number, path, split) for split in splits for number, path in enumerate(paths)]
    if n_jobs in (None, 1):  # followed as they are walked
        for number, path, split in pairs:
            if number not in outdone:
                yield number, walk_path(path, split, on_round).until_worse()
        return
    from joblib import Parallel, delayed

    with naming_a_lost_cluster("the comparison of settings"):
        done = Parallel(n_jobs=n_jobs, return_as="generator")(
            delayed(score_until_worse)(path, split, on_round) for _, path, split in pairs
        )
        yield from zip((number for number, _, _ in pairs), done, strict=True)


def _offered(
    kernel: KernelChoice, regularisations: tuple[tuple[float, float], ...], dimension: int
) -> tuple[tuple[float, float], ...]:
    """Return the regularisations that are worth their time with a kernel."""
    if dimension == 1 or not isinstance(kernel, RoughKernel):
        return regularisations
    largest = max(reg_potential for _, reg_potential in regularisations)
    least = min(_ROUGH_REG_POTENTIAL, largest)
    return tuple(pair for pair in regularisations if pair[1] >= least)


def _outdone(
    kernels: tuple[KernelChoice, ...], scores: dict[tuple[int, float], list[Score]]
) -> set[int]:
    """Return which kernels the first split rules out: the rough one, or all smooth ones.

    The rough one takes longer, so it goes on only where it is better by more than its noise.
    """
    rough = {number for number, kernel in enumerate(kernels) if isinstance(kernel, RoughKernel)}
    smooth = set(range(len(kernels))) - rough
    if not rough:
        return set()
    mine, other = (
        max(
            (found[0] for (number, _), found in scores.items() if number in numbers),
            key=lambda score: score.semi_dual,
            default=None,
        )
        for numbers in (rough, smooth)
    )
    if mine is None or other is None:
        return rough if mine is None else smooth
    trial, terms, others = mine.trial, _terms(mine), _terms(other)
    assert trial is not None
    error = trial.unit * standard_error(terms, others, trial.test)
    clear = mine.semi_dual > other.semi_dual + _CLEARLY * error
    return smooth if clear else rough


def _terms(score: Score) -> Pair:
    """Return the held-out terms of a fit, which `walk_path` keeps."""
    assert score.trial is not None
    assert score.trial.terms is not None
    return score.trial.terms


@blas_on_one_thread()
def select(
    samples: Samples,
    preconditioner: str | None,
    kernels: tuple[KernelChoice, ...],
    reg_potentials: tuple[float, ...],
    rng: np.random.Generator,
    *,
    n_splits: int = 3,
    on_score: Callable[[Score], object] | None = None,
    on_round: OnRound | None = None,
    n_jobs: int | None = None,
) -> Selection:
    """Return the settings that were tried; the best is the one with the largest score.

    Parameters
    ----------
    samples : Samples
        In the user's coordinates.
    preconditioner : {"gaussian", "scale", None}
        Fitted on each training part anew.
    kernels : tuple of float or Kernel
        Numbers are bandwidths of the default kernel in median distances.
    reg_potentials : tuple of float
        lambda_2, from large to small: each fit starts from the filling points of the one before.
    rng : numpy.random.Generator
        Draws the splits; each sample is split independently.
    n_splits : int, default 3
    on_score : callable, optional
        Called after each fit; True ends the selection with what there is.
    on_round : callable, optional
        Called after each round of a fit; True ends it. With more than one process it is pickled.
    n_jobs : int, optional
        Processes, by joblib; with more than one `on_score` is called when a whole path is done.

    Returns
    -------
    Selection
        Settings that were scored on every split; a path of regularisations ends early on a split
        where the score has fallen by more than its noise, or where filling did not end.
    """
    regularisations = tuple((REG_SOS, reg_potential) for reg_potential in reg_potentials)
    paths = [
        Path(
            kernel,
            _offered(kernel, regularisations, samples.dimension),
            preconditioner,
            Filling(),
            _LEAST_IF_CROWDED if samples.dimension > MAX_SEMI_DUAL_DIMENSION else 0.0,
        )
        for kernel in kernels
    ]
    baselines: list[Baseline] = []
    scores: dict[tuple[int, float], list[Score]] = {}
    stopped, before = False, len(paths)
    outdone: set[int] = set()
    splits = random_splits(samples, n_splits, rng)
    for number, walk in _walks(paths, splits, n_jobs, on_round, outdone):
        if number <= before:  # the first path of a split
            if len(baselines) == 1:
                outdone |= _outdone(kernels, scores)
            baselines.append(walk.baseline)
        before = number
        if number in outdone:
            continue
        for score in walk.scores:
            if score.complete:
                scores.setdefault((number, score.reg_potential), []).append(score)
            stopped = on_score is not None and on_score(score) is True
            if stopped:
                break
        if stopped:
            break
    # Stopped in the middle of a split, what is complete is compared.
    n_needed = max(1, len(baselines) - stopped)
    compared = [
        (kernels[number], found[:n_needed])
        for (number, _), found in scores.items()
        if len(found) >= n_needed and number not in outdone
    ]
    return Selection(
        baseline_candidate(baselines[:n_needed]),
        tuple(make_candidate(kernel, found) for kernel, found in compared),
        tuple(tuple(score.trial for score in found if score.trial) for _, found in compared),
    )
