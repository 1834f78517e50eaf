"""Kernel and regularisation of a fit of many points: compared on a part, refined on all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot.cutting_planes import ContactPoints, Embeddings
from kernel_ot.kernels import Kernel
from kernel_ot.large_samples._embedding import LandmarkSums, Projection, SumBlock, spanning
from kernel_ot.large_samples._monitor import Deadline, Monitor
from kernel_ot.large_samples._path import COMPARING, Bench, Best, Walked, walk
from kernel_ot.preconditioning import Conjugation, Near
from kernel_ot.samples import OutOfTime, Samples, computed, connected_client
from kernel_ot.selection import (
    MAX_SEMI_DUAL_DIMENSION,
    Candidate,
    Score,
    baseline_candidate,
    default_kernel,
    make_candidate,
    roughened,
    standard_error,
)

_HELD_OUT, _HELD_OUT_SHARE = 10_000, 0.2
# Bandwidths are compared on this part, in coarse steps of lambda_2.
_COMPARED, _COMPARED_HELD_OUT = 10_000, 2_000
_COARSE = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
_PATIENCE = 2
_FINE_STEP, _SMALLEST = 10**-0.5, 1e-9
# With many points wide kernels resolve as much as narrow ones, with fewer contact points.
_FACTOR, _FACTOR_OF_MANY_FEATURES = 1.0, 0.35
# By one error the rougher kernel was taken for a smooth map at 1e6 points, at twice its UVP.
_CLEARLY = 2.0
_LANDMARKS = 1500
# Of the sampling error, what too few landmarks may add: with .1, potentials that are weakly
# regularised, and so magnify it, had twice the error of the map. For a comparison it will do.
_ROUGHLY, _CLOSELY = 0.1, 0.01
_FIRST_POINTS = 100
# Of the time for a comparison; the rest is for the way to a worker and back.
_SHARE_OF_A_WORKER = 0.8


@dataclass(frozen=True, eq=False)
class Drawn:
    """Points in the user's coordinates that are held in memory, with the masses they came with."""

    x: Array
    y: Array
    masses_x: Array
    masses_y: Array

    def part(self, rows: Array, columns: Array) -> Drawn:
        """Return those rows of x and of y."""
        return Drawn(self.x[rows], self.y[columns], self.masses_x[rows], self.masses_y[columns])

    def samples(self) -> Samples:
        """Return them with masses that sum to one, or raise ValueError where all are 0."""
        for name, masses in (("x", self.masses_x), ("y", self.masses_y)):
            if not masses.any():
                raise ValueError(
                    f"weights_{name} has mass on so few rows that none of {len(masses)} random "
                    f"ones has any; leave out the rows without, {name}[weights_{name} > 0]."
                )
        total_x, total_y = self.masses_x.sum(), self.masses_y.sum()
        return Samples(self.x, self.y, self.masses_x / total_x, self.masses_y / total_y)

    def first(self, count: int) -> Drawn:
        """Return at most `count` of either."""
        rows = slice(count)
        return Drawn(self.x[rows], self.y[rows], self.masses_x[rows], self.masses_y[rows])

    def split(self, rng: np.random.Generator) -> tuple[Drawn, Drawn]:
        """Return training and held-out points, in random order."""
        orders = [rng.permutation(len(points)) for points in (self.x, self.y)]
        counts = [min(_HELD_OUT, max(1, int(_HELD_OUT_SHARE * len(order)))) for order in orders]
        held = self.part(orders[0][: counts[0]], orders[1][: counts[1]])
        return self.part(orders[0][counts[0] :], orders[1][counts[1] :]), held


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Landmarks of both samples with what turns sums at them into embeddings."""

    works: tuple[SumBlock, SumBlock]
    projections: tuple[Projection, Projection]

    @classmethod
    def of(
        cls,
        train: Drawn,
        change: Conjugation,
        kernel: Kernel,
        sizes: tuple[int, int],
        worth: float = _CLOSELY,
    ) -> Landmarks:
        """Take landmarks from training points, which are in random order.

        As many as samples of these sizes are worth.
        """
        x = spanning(kernel, change.forward_x(train.x[:_LANDMARKS]), sizes[0], worth)
        y = spanning(kernel, change.forward_y(train.y[:_LANDMARKS]), sizes[1], worth)
        return cls(
            (SumBlock(change, False, kernel, x), SumBlock(change, True, kernel, y)),
            (Projection(kernel, x), Projection(kernel, y)),
        )

    def sums(self, points: Drawn) -> tuple[LandmarkSums, LandmarkSums]:
        """Return the sums over points in memory."""
        return (
            self.works[0](points.x, points.masses_x),
            self.works[1](points.y, points.masses_y),
        )

    def embeddings(self, sums: tuple[LandmarkSums, LandmarkSums]) -> Embeddings:
        """Return both samples' mean embeddings as those of the landmarks with signed masses."""
        masses = [self.projections[side].masses(sums[side]) for side in (0, 1)]
        places = [work.landmarks for work in self.works]
        return Embeddings(Samples(*places, *masses), self.works[0].kernel)


@dataclass(frozen=True, eq=False)
class Choice:
    """A kernel, and where its path of regularisations is worth going on.

    Attributes
    ----------
    kernel : Kernel
    best : Best, optional
        Where its path on the part that was compared scored best; None where no fit ended, or
        nothing was compared.
    candidates : tuple of Candidate
    """

    kernel: Kernel
    best: Best | None
    candidates: tuple[Candidate, ...]


def held_out(change: Conjugation, train: Drawn, held: Drawn, near: Near) -> Bench:
    """Return what scores fits of training points, without the cost of the shift."""
    test = held.samples()
    return Bench(
        change.changed(train.samples()), near.moved(test), change.changed(test), near.there(change)
    )


def start_at(train: Drawn, change: Conjugation, embeddings: Embeddings) -> ContactPoints:
    """Return the contact points of the identity map at a few training points."""
    half = _FIRST_POINTS // 2
    points = np.concatenate([change.forward_x(train.x[:half]), change.forward_y(train.y[:half])])
    return ContactPoints.at(embeddings, points, points)


def choose_kernel(
    given: Kernel | None,
    reg_potential: float | None,
    change: Conjugation,
    train: Drawn,
    held: Drawn,
    near: Near,
    unit: float,
    rng: np.random.Generator,
    monitor: Monitor,
) -> Choice:
    """Return the kernel whose path scores best on a part of the points.

    Parameters
    ----------
    given : Kernel, optional
        The only one that is tried, if not None.
    reg_potential : float, optional
        The only lambda_2 that is tried, if not None.
    change : Conjugation
    train, held : Drawn
    near : Near
        What is compared is scored near each other.
    unit : float
        The mean cost of a pair.
    rng : numpy.random.Generator
    monitor : Monitor
    """
    changed = change.changed(train.samples())
    kernels = (given,) if given is not None else _kernels(changed, rng)
    if len(kernels) == 1 and reg_potential is not None:
        return Choice(kernels[0], None, ())
    part, test = train.first(_COMPARED), held.first(_COMPARED_HELD_OUT)
    bench = held_out(change, part, test, near)
    candidates = [baseline_candidate([bench.baseline()])]
    regs = _COARSE if reg_potential is None else (reg_potential,)
    comparison = _Comparison(part, change, bench, regs, unit)
    best: Choice | None = None
    for kernel, walked in comparison.of(kernels, rng, monitor):
        candidates += as_candidates(kernel, walked.scores)
        if best is None or _beats(walked.best, best.best, bench):
            best = Choice(kernel, walked.best, ())
    if best is None:
        return Choice(kernels[0], None, tuple(candidates))
    return Choice(best.kernel, best.best, tuple(candidates))


@dataclass(frozen=True, eq=False)
class _Comparison:
    """What paths of several kernels have in common."""

    part: Drawn
    change: Conjugation
    bench: Bench
    reg_potentials: tuple[float, ...]
    unit: float

    def of(
        self, kernels: tuple[Kernel, ...], rng: np.random.Generator, monitor: Monitor
    ) -> Iterator[tuple[Kernel, Walked]]:
        """Yield each kernel's path, all at once on a Dask cluster if one is there."""
        drawing = rng.spawn(len(kernels))  # the same batches wherever a path is walked
        if len(kernels) > 1 and connected_client() is not None:
            from dask import delayed

            work = delayed(self.walked, pure=False)
            limit = Deadline(_SHARE_OF_A_WORKER * monitor.seconds_left())
            tasks = [work(kernel, own, limit) for kernel, own in zip(kernels, drawing, strict=True)]
            try:
                paths = computed(tasks, "the comparison of kernels", monitor.ask)
            except OutOfTime:  # no worker was free: the first kernel is taken
                return
            for kernel, walked in zip(kernels, paths, strict=True):
                for score in walked.scores:
                    monitor.on_score(score)
                yield kernel, walked
            return
        for kernel, own in zip(kernels, drawing, strict=True):
            yield kernel, self.walked(kernel, own, monitor)
            if monitor.stop():
                return

    def walked(self, kernel: Kernel, rng: np.random.Generator, monitor: Monitor) -> Walked:
        """Return the path of one kernel."""
        part, change = self.part, self.change
        landmarks = Landmarks.of(part, change, kernel, (len(part.x), len(part.y)), _ROUGHLY)
        points = start_at(part, change, landmarks.embeddings(landmarks.sums(part)))
        return walk(
            points, self.reg_potentials, self.bench, self.unit, COMPARING, rng, monitor, _PATIENCE
        )


def _kernels(changed: Samples, rng: np.random.Generator) -> tuple[Kernel, ...]:
    """Return the kernels that are compared, the one to prefer first."""
    if changed.dimension > MAX_SEMI_DUAL_DIMENSION:
        return (default_kernel(_FACTOR_OF_MANY_FEATURES, changed, rng),)
    smooth = default_kernel(_FACTOR, changed, rng)
    return smooth, roughened(smooth)


def _beats(path: Best | None, best: Best | None, bench: Bench) -> bool:
    """Return whether a path's score is better by more than twice the error of the difference."""
    if path is None or best is None:
        return path is not None
    error = bench.change.scale**2 * standard_error(path.terms, best.terms, bench.test)
    return path.gain > best.gain + _CLEARLY * error


def fine_path(choice: Choice) -> tuple[float, ...]:
    """Return the lambda_2 that are worth trying on all points, from large to small."""
    first = _COARSE[0] if choice.best is None else choice.best.fit.reg_potential
    n_steps = int(np.log(_SMALLEST / first) / np.log(_FINE_STEP) + 1e-9)
    return tuple(float(first * _FINE_STEP**step) for step in range(n_steps + 1))


def as_candidates(kernel: Kernel, scores: tuple[Score, ...]) -> tuple[Candidate, ...]:
    """Return settings that were compared."""
    return tuple(make_candidate(kernel, [score]) for score in scores)
