"""A fit of samples of any size: draw, choose, embed all points, fill.

What is kept in memory: a random part of both samples, the landmarks, the contact points, a block.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import NamedTuple

import numpy as np

from kernel_ot._arrays import Array, check_same_dimension, require_memory
from kernel_ot.cutting_planes import AdaptiveFit, ContactPoints, Settings
from kernel_ot.kernels import Kernel
from kernel_ot.large_samples._batches import Ending, fill_by_batches
from kernel_ot.large_samples._choose import (
    Choice,
    Drawn,
    Landmarks,
    as_candidates,
    choose_kernel,
    fine_path,
    held_out,
    start_at,
)
from kernel_ot.large_samples._combining import Combined, HeldOutFit, combine_with_entropic
from kernel_ot.large_samples._embedding import LandmarkSums, sum_over
from kernel_ot.large_samples._monitor import Monitor, Reserving
from kernel_ot.large_samples._path import choosing, walk
from kernel_ot.preconditioning import Conjugation, brought_near, fit_conjugation
from kernel_ot.problem import check_origin
from kernel_ot.samples import Cloud, OutOfTime, Samples
from kernel_ot.selection import REG_SOS, Candidate

KEPT = 200_000
"""Points of either sample held in memory; batches, landmarks and held-out points are of them."""

_SAMPLE = 5_000
# Points of either sample that stand for all where a time limit leaves no time for a pass.
_STAND_IN = 20_000
# Rows that the fit which is kept may leave violated.
_SHARE, _BATCHES = 1e-3, 2
# Of a time limit, what is left after kernels were compared; and a certificate, in passes.
_REST_OF_THE_TIME, _PASSES = 0.5, 3.0


@dataclass(frozen=True, eq=False)
class Options:
    """What a fit is asked for.

    Attributes
    ----------
    kernel : Kernel, optional
        Chosen if None.
    reg_potential : float, optional
        lambda_2; chosen if None.
    preconditioner : str, optional
    combine : bool
        Whether entropic potentials may join a kernel and lambda_2 that are chosen.
    violation_tol : float
        Of the mean cost of a pair.
    max_fill, max_rounds : int
    """

    kernel: Kernel | None
    reg_potential: float | None
    preconditioner: str | None
    combine: bool
    violation_tol: float
    max_fill: int
    max_rounds: int


@dataclass(frozen=True, eq=False)
class LargeFit:
    """What a fit of many points found.

    Attributes
    ----------
    change : Conjugation
    settings : Settings
    candidates : tuple of Candidate
        Settings that were compared.
    filled : AdaptiveFit
        Contact points, on the landmarks' embeddings.
    unit : float
        The mean cost of a pair, in the coordinates of the fit.
    offset : float
        The part of the cost that the change of coordinates takes out, in squared user units.
    sample : Samples
        Random points of either sample in the user's coordinates, for diagnostics.
    combined : Combined
        Entropic potentials beside the kernel's, if they carry weight.
    kept_out : HeldOutFit, optional
        What the fit can be judged by; None where lambda_2 was given.
    late : bool
        Whether the time that was left for filling is over.
    """

    change: Conjugation
    settings: Settings
    candidates: tuple[Candidate, ...]
    filled: AdaptiveFit
    unit: float
    offset: float
    sample: Samples
    seconds_a_pass: float
    combined: Combined
    kept_out: HeldOutFit | None
    late: bool


def fit_large(
    x: Cloud, y: Cloud, options: Options, rng: np.random.Generator, monitor: Monitor
) -> LargeFit:
    """Fit two samples of any size.

    Parameters
    ----------
    x, y : Cloud
    options : Options
    rng : numpy.random.Generator
    monitor : Monitor
        When it says stop, the best so far is finished and returned.

    Raises
    ------
    ValueError
        Samples of different dimension, masses that are all zero, blocks that cannot be used.
    MemoryLimitError
        What has to be in memory does not fit; the message has the numbers.
    """
    drawn = _draw(x, y, rng)
    together = drawn.samples()
    together.check_spread()
    change = fit_conjugation(
        together.x, together.y, options.preconditioner, together.weights_x, together.weights_y
    )
    rows = change.changed(together)
    if options.kernel is not None:
        check_origin(options.kernel, rows.x, "x")
        check_origin(options.kernel, rows.y, "y")
    unit = max(rows.mean_cost(), np.finfo(float).tiny)
    train, held = drawn.split(rng)
    near = brought_near(together, options.preconditioner)
    left = monitor.seconds_left()
    comparing = Reserving(monitor, _REST_OF_THE_TIME * left) if np.isfinite(left) else monitor
    choice = choose_kernel(
        options.kernel, options.reg_potential, change, train, held, near, unit, rng, comparing
    )
    landmarks = Landmarks.of(train, change, choice.kernel, (x.n, y.n))
    summed = _summed(x, y, landmarks, train, held, monitor)
    # The certificate evaluates twice as many terms at as many points.
    reserve = _PASSES * summed.seconds_a_pass
    watched = Reserving(monitor, reserve) if np.isfinite(left) else monitor
    points = _continued(choice, start_at(train, change, landmarks.embeddings(summed.rest)))
    candidates, kept_out, combined = choice.candidates, None, Combined()
    if options.reg_potential is not None:
        reg_potential = options.reg_potential
    else:
        path = fine_path(choice)
        bench = held_out(change, train, held, near)
        # A path's first setting takes its time whatever is left.
        late = watched.stop()
        ending = choosing(x.dimension)
        walked = walk(points, () if late else path, bench, unit, ending, rng, watched)
        candidates += as_candidates(choice.kernel, walked.scores)
        reg_potential = path[0]
        if walked.best is not None:
            fit = walked.best.fit
            points, reg_potential = fit.points, fit.reg_potential
            kept_out = HeldOutFit(fit.potentials, bench.change, bench.test, walked.best.terms)
            if options.combine and options.kernel is None:
                combined = combine_with_entropic(choice.best, walked.best, bench, watched)
            if combined.entropic:
                kept_out = combined.kept_out(fit.potentials, bench)
    everything = landmarks.embeddings(summed.whole)
    filled = fill_by_batches(
        ContactPoints.at(everything, points.x, points.y),
        reg_potential,
        rows,
        unit,
        Ending(
            options.violation_tol,
            _SHARE,
            options.max_fill,
            options.max_rounds,
            exact=True,
            max_batches=_BATCHES,
        ),
        rng,
        watched,
    )
    return LargeFit(
        change=change,
        settings=Settings(choice.kernel, REG_SOS, reg_potential),
        candidates=tuple(candidate.plus(near.cost) for candidate in candidates),
        filled=filled,
        unit=unit,
        offset=sum(part.offset / part.mass for part in summed.whole),
        sample=drawn.part(*(_spread(len(p)) for p in (drawn.x, drawn.y))).samples(),
        combined=combined,
        kept_out=kept_out,
        seconds_a_pass=summed.seconds_a_pass,
        late=watched.seconds_left() <= 0,
    )


class _Summed(NamedTuple):
    """Sums over all points of both samples, and over those that were not held out.

    What was held out is taken off, and joins again once lambda_2 is known.
    """

    whole: tuple[LandmarkSums, LandmarkSums]
    rest: tuple[LandmarkSums, LandmarkSums]
    seconds_a_pass: float


def _summed(
    x: Cloud, y: Cloud, landmarks: Landmarks, train: Drawn, held: Drawn, monitor: Monitor
) -> _Summed:
    work_x, work_y = landmarks.works
    began = perf_counter()
    test = landmarks.sums(held)
    seconds_a_pass = (perf_counter() - began) * (x.n + y.n) / (len(held.x) + len(held.y))
    # Where there is no time for all points, some in memory stand for them.
    some = landmarks.sums(train.first(_STAND_IN))
    whole = some[0] + test[0], some[1] + test[1]
    if monitor.seconds_left() > _PASSES * seconds_a_pass:
        with suppress(OutOfTime):  # they take longer to read than to sum over
            whole = (
                sum_over(x, work_x, partial(_tell, monitor, 0)),
                sum_over(y, work_y, partial(_tell, monitor, 1)),
            )
    return _Summed(whole, (whole[0] - test[0], whole[1] - test[1]), seconds_a_pass)


def require_room(x: Cloud, y: Cloud, options: Options) -> None:
    """Raise MemoryLimitError, with numbers, before anything is read that would not fit."""
    kept = min(KEPT, x.n) + min(KEPT, y.n)
    require_memory(
        8.0
        * (
            5 * kept * (x.dimension + 1) + 6 * min(options.max_fill, 2000) ** 2 + 8 * x.dimension**2
        ),
        purpose=f"{kept} of the {x.n} + {y.n} points and the matrices of the contact points",
        remedy="Give a smaller n_fill, or fewer features.",
    )


def _draw(x: Cloud, y: Cloud, rng: np.random.Generator) -> Drawn:
    (points_x, masses_x), (points_y, masses_y) = x.draw(KEPT, rng), y.draw(KEPT, rng)
    check_same_dimension(points_x, points_y, x.name, y.name)
    for masses, cloud in ((masses_x, x), (masses_y, y)):
        if not masses.sum() > 0:
            raise ValueError(
                f"weights_{cloud.name} sums to 0; at least one weight must be positive."
            )
    return Drawn(points_x, points_y, masses_x, masses_y)


def _continued(choice: Choice, points: ContactPoints) -> ContactPoints:
    """Return the contact points that the comparison ended with, on the embeddings of `points`."""
    if choice.best is None:
        return points
    ended = choice.best.fit.points
    return ContactPoints.at(points.embeddings, ended.x, ended.y)


def _tell(monitor: Monitor, side: int, done: float) -> None:
    monitor.on_pass("embedding", (side + done) / 2)


def _spread(n: int) -> Array:
    return np.unique(np.linspace(0, n - 1, min(n, _SAMPLE)).astype(np.intp))
