"""Choose bandwidth and regularisation by what held-out points say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import index
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot._linalg import blas_on_one_thread
from kernel_ot.kernels import Kernel
from kernel_ot.samples import Samples
from kernel_ot.selection._filling import Filling
from kernel_ot.selection._paths import (
    Baseline,
    KernelChoice,
    OnRound,
    Path,
    Score,
    Split,
    Trial,
    Walk,
    score_until_worse,
    walk_path,
)

Criterion: TypeAlias = Literal["semi_dual", "energy"]
CRITERIA: tuple[Criterion, ...] = ("semi_dual", "energy")

# By dimension, up to 20 features. Few, since the criterion's noise leads to wrong choices among
# many; benchmarks/results/ has those that were compared.
_BANDWIDTH_FACTORS, _BANDWIDTH_FACTORS_BELOW_THREE = (0.5, 0.7), {1: (0.7, 1.4), 2: (1.0,)}
# Among more features the semi-dual value prefers settings whose maps overshoot; the energy distance
# does not, but its noise leaves room for few settings only. See benchmarks/results/.
MAX_SEMI_DUAL_DIMENSION = 20
_BANDWIDTH_FACTORS_OF_MANY_FEATURES, _REG_POTENTIALS_OF_MANY_FEATURES = (0.35,), (1e-1, 1e-2, 3e-3)
REG_POTENTIALS = (1e-1, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5)
REG_SOS = 1e-3
# Of each sample, held out in a split.
_TEST_FRACTION = 1 / 3
# The criterion's noise needs no more points than this; the time of a fit grows as their cube.
_MAX_KERNEL_POINTS, _MAX_KERNEL_POINTS_OF_MANY_FEATURES = 400, 1000


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
    """Return the bandwidths, in median distances, that are compared by default."""
    if dimension > MAX_SEMI_DUAL_DIMENSION:
        return _BANDWIDTH_FACTORS_OF_MANY_FEATURES
    return _BANDWIDTH_FACTORS_BELOW_THREE.get(dimension, _BANDWIDTH_FACTORS)


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
    return Candidate(
        bandwidth_factor=1.0 if isinstance(kernel, Kernel) else float(kernel),
        reg_potential=scores[0].reg_potential,
        semi_dual=tuple(score.semi_dual for score in scores),
        energy=tuple(score.energy for score in scores),
        kernel=kernel if isinstance(kernel, Kernel) else None,
        reg_sos=scores[0].reg_sos,
        complete=all(score.complete for score in scores),
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
        noise = np.std(excess, ddof=1) / np.sqrt(len(excess)) if len(excess) > 1 else 0.0
        return bool(excess.mean() <= 2 * noise)

    return min(filter(as_good, candidates), key=lambda candidate: candidate.reg_potential)


def split_sample(n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return indices of training and test points, at least 2 and 1 of them."""
    order = rng.permutation(n)
    n_test = min(max(1, round(_TEST_FRACTION * n)), n - 2)
    return np.sort(order[n_test:]), np.sort(order[:n_test])


def random_splits(samples: Samples, n_splits: int, rng: np.random.Generator) -> tuple[Split, ...]:
    """Return random splits, each sample split on its own, a third of it held out."""
    splits = []
    for _ in range(n_splits):
        # One seed for both, so that swapping samples of equal size does not change the splits.
        seed = int(rng.integers(2**63))
        train_x, test_x = split_sample(len(samples.x), np.random.default_rng(seed))
        train_y, test_y = split_sample(len(samples.y), np.random.default_rng(seed))
        splits.append(
            Split(
                samples.restrict(train_x, train_y),
                samples.restrict(test_x, test_y).distinct(),
                int(rng.integers(2**63)),
                _max_kernel_points(samples.x.shape[1]),
            )
        )
    return tuple(splits)


def share_in_splits(samples: Samples) -> float:
    """Return which share of the smaller sample's points the kernel part of a random split has."""
    fewest = min(len(samples.x), len(samples.y))
    return min(1 - _TEST_FRACTION, _max_kernel_points(samples.x.shape[1]) / fewest)


def _max_kernel_points(dimension: int) -> int:
    many = dimension > MAX_SEMI_DUAL_DIMENSION
    return _MAX_KERNEL_POINTS_OF_MANY_FEATURES if many else _MAX_KERNEL_POINTS


class Splitter(Protocol):
    """scikit-learn's, such as `KFold`."""

    def split(self, points: Array) -> Iterable[tuple[Array, Array]]:
        """Return indices of training and test points of every fold."""


def fold_splits(samples: Samples, cv: Any, rng: np.random.Generator) -> tuple[Split, ...]:
    """Return the splits of a cross-validation, each sample cut into folds on its own.

    Parameters
    ----------
    samples : Samples
    cv : int or splitter
        Number of folds, or an object with scikit-learn's `split(points)`.
    rng : numpy.random.Generator
        Shuffles the points, where `cv` is a number.

    Raises
    ------
    ValueError
        Fewer than 2 folds, more folds than points, fewer than 2 training points, or a splitter that
        cuts both samples into different numbers of folds.
    """
    if hasattr(cv, "split") and not isinstance(cv, str):
        both = [list(cv.split(points)) for points in (samples.x, samples.y)]
    else:
        both = [_folds(len(points), cv, rng) for points in (samples.x, samples.y)]
    if len(both[0]) != len(both[1]):
        raise ValueError(f"cv cuts x into {len(both[0])} folds and y into {len(both[1])}.")
    splits = []
    for (train_x, test_x), (train_y, test_y) in zip(*both, strict=True):
        if min(len(train_x), len(train_y)) < 2:
            raise ValueError("cv leaves fewer than 2 points to fit; more points are needed.")
        train = samples.restrict(train_x, train_y)
        test = samples.restrict(test_x, test_y).distinct()
        splits.append(Split(train, test, int(rng.integers(2**63))))
    return tuple(splits)


def _folds(n: int, n_folds: Any, rng: np.random.Generator) -> list[tuple[Array, Array]]:
    try:
        count = index(n_folds)
    except TypeError:
        raise ValueError(f"cv = {n_folds!r} must be a number of folds or a splitter.") from None
    if isinstance(n_folds, bool) or not 2 <= count <= n:
        raise ValueError(f"cv = {n_folds!r} must be at least 2 and at most the {n} points.")
    order = rng.permutation(n)
    return [
        (np.sort(np.setdiff1d(order, fold)), np.sort(fold)) for fold in np.array_split(order, count)
    ]


def _walks(
    paths: list[Path], splits: tuple[Split, ...], n_jobs: int | None, on_round: OnRound | None
) -> Iterator[tuple[int, Walk]]:
    """Yield the number of each path and its walk, split by split."""
    pairs = [(number, path, split) for split in splits for number, path in enumerate(paths)]
    if n_jobs in (None, 1):  # followed as they are walked
        for number, path, split in pairs:
            yield number, walk_path(path, split, on_round).until_worse()
        return
    from joblib import Parallel, delayed

    done = Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(score_until_worse)(path, split, on_round) for _, path, split in pairs
    )
    yield from zip((number for number, _, _ in pairs), done, strict=True)


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
    paths = [Path(kernel, regularisations, preconditioner, Filling()) for kernel in kernels]
    baselines: list[Baseline] = []
    scores: dict[tuple[int, float], list[Score]] = {}
    stopped = False
    for number, walk in _walks(paths, random_splits(samples, n_splits, rng), n_jobs, on_round):
        if number == 0:  # the first path of a split
            baselines.append(walk.baseline)
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
        if len(found) >= n_needed
    ]
    return Selection(
        baseline_candidate(baselines[:n_needed]),
        tuple(make_candidate(kernel, found) for kernel, found in compared),
        tuple(tuple(score.trial for score in found if score.trial) for _, found in compared),
    )
