"""Entropic potentials beside the kernel's of many points, where held-out points say that they gain.

For rough maps of some features the mean of entropic potentials of several parts has a smaller error
than the kernel's potentials, and both together a smaller one still. For smooth maps their error is
many times as large: a part of the points says so at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter

from kernel_ot.large_samples._monitor import Monitor
from kernel_ot.large_samples._path import Bench, Best
from kernel_ot.potentials import EntropicPotentials, Potentials
from kernel_ot.preconditioning import Conjugation
from kernel_ot.samples import Samples
from kernel_ot.selection import (
    Combination,
    Pair,
    Trial,
    entropic_potentials,
    semi_dual,
    three_quarters_and_the_rest,
    weigh,
)

# Relative to the mean cost of a pair: smaller than those of few points, since a mean of parts has
# less noise.
_REGULARISATIONS, _REGULARISATIONS_UP_TO_FOUR_FEATURES = (0.02, 0.006), (0.01, 0.002)
# What few points, quickly, say of it; and how many times as long the rest takes.
_SCREENED_ON, _SCREENED_AT, _TIMES_AS_LONG = 1000, (0.1, 0.03), 40.0
# In standard errors of the gain on the kernel alone.
_CLEARLY = 2.0
# Every step towards the weights evaluates all parts' potentials at these, many times.
_MAX_WEIGHING, _MAX_JUDGES = 500, 500
# Where the search for the minima of c-transforms begins.
_STARTS = 2000


@dataclass(frozen=True, eq=False)
class HeldOutFit:
    """A fit that saw no point of `test`, with the settings that are taken.

    Attributes
    ----------
    potentials : Potentials
        In the coordinates of the fit.
    change : Conjugation
    test : Samples
        In the user's coordinates, those of y near x where they are far apart, as `change` is.
    terms : pair of ndarray
        Terms of the semi-dual value at `test`, in the coordinates of the fit.
    """

    potentials: Potentials
    change: Conjugation
    test: Samples
    terms: Pair


@dataclass(frozen=True, eq=False)
class Combined:
    """What is combined with the kernel's potentials: nothing, or what held-out points weighed."""

    combination: Combination = field(default_factory=Combination)
    entropic: tuple[EntropicPotentials, ...] = ()

    def kept_out(self, kernel: Potentials, bench: Bench) -> HeldOutFit:
        """Return what is combined with points that neither it nor its weights have seen."""
        potentials = self.combination.potentials(kernel, self.entropic, bench.rows)
        _, judges = three_quarters_and_the_rest(bench.test)
        _, changed = three_quarters_and_the_rest(bench.changed)
        judges, changed = judges.thinned(_MAX_JUDGES), changed.thinned(_MAX_JUDGES)
        terms = semi_dual(potentials, bench.rows.x[:_STARTS], changed.x, changed.y)
        return HeldOutFit(potentials, bench.change, judges, terms)


def combine_with_entropic(
    compared: Best | None, best: Best, bench: Bench, monitor: Monitor
) -> Combined:
    """Return what is combined with the best kernel of a path.

    Parameters
    ----------
    compared : Best, optional
        The kernel's fit of a part of the points, which says whether it is worth the time.
    best : Best
        The fit that was chosen.
    bench : Bench
        What both were scored by.
    monitor : Monitor
        When it says stop, nothing is combined.
    """
    if compared is None or monitor.stop():
        return Combined()
    began = perf_counter()
    rows = bench.rows.with_mass()
    weighing, _ = three_quarters_and_the_rest(bench.changed)
    unit = bench.change.scale**2
    few = Trial(compared.fit.potentials, rows.thinned(_SCREENED_ON), weighing, unit)
    screened = entropic_potentials(few.train, _SCREENED_AT)
    if not weigh((few,), _SCREENED_AT, (screened,), clearly=_CLEARLY).entropic:
        return Combined()
    if monitor.stop() or monitor.seconds_left() < _TIMES_AS_LONG * (perf_counter() - began):
        return Combined()
    up_to_four = rows.dimension <= 4
    regularisations = _REGULARISATIONS_UP_TO_FOUR_FEATURES if up_to_four else _REGULARISATIONS
    entropic = entropic_potentials(rows, regularisations, monitor.stop)
    combination = weigh(
        (Trial(best.fit.potentials, rows, weighing, unit),),
        regularisations,
        (entropic,),
        # On the pairs of 8 to 32 features a third of the weight went to a kernel worth a tenth.
        again=not up_to_four,
        clearly=_CLEARLY,
        max_held_out=_MAX_WEIGHING,
    )
    parts = len(entropic) // len(regularisations)
    carried = tuple(
        potentials
        for k, regularisation in enumerate(regularisations)
        if regularisation in combination.regularisations
        for potentials in entropic[k * parts : (k + 1) * parts]
    )
    return Combined(combination, carried)
