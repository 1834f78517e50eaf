"""The settings of a fit: those that were given, and those that are "auto" by held-out points."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from kernel_ot._arrays import Array, check_positive, shown
from kernel_ot.cutting_planes import Settings
from kernel_ot.diagnostics import (
    FittedTransport,
    Verdict,
    cross_verdict,
    kept_out_verdict,
)
from kernel_ot.estimator._checks import check_potential_kernel
from kernel_ot.estimator._parameters import FitParameters
from kernel_ot.estimator._progress import Watch
from kernel_ot.kernels import Gaussian, Kernel
from kernel_ot.preconditioning import brought_near
from kernel_ot.problem import check_origin
from kernel_ot.samples import Samples
from kernel_ot.selection import (
    MANY_POINTS,
    MAX_SEMI_DUAL_DIMENSION,
    POINTS_FOR_SPLINES,
    REG_SOS,
    Candidate,
    Combination,
    Filling,
    KeptOut,
    KernelChoice,
    Selection,
    best_candidate,
    chosen_kernel,
    combine,
    combine_on_kept_out,
    combine_splines,
    default_kernels,
    default_splits,
    is_auto,
    least_regularised,
    reg_potentials,
    select,
    share_in_splits,
    typical_distance,
)

# Without adaptive filling the constraint is felt at few points, which wide kernels reach across.
_STATIC_BANDWIDTH_FACTOR, _STATIC_REG_POTENTIAL = 2.0, 1e-3
# Where selection finds nothing that beats the preconditioner alone: strong regularisation, whose
# small step away from it was still an improvement, or no loss, in the cases measured.
_CAUTIOUS_FACTOR, _CAUTIOUS_REG_POTENTIAL = 0.5, 1e-1
# From a share of two thirds to all of what was chosen; benchmarks/results/ has what it gains.
_AT_A_CLIFF = 1.5
# With fewer points nothing is compared.
_MIN_SELECTION_POINTS = 12
_UNCOMPARED_FACTOR, _UNCOMPARED_REG_POTENTIAL = 1.0, 1e-2
# Where a sample is one point entropic potentials are exact, so there is nothing to weigh;
_ONE_POINT = Combination(0.0, 0.0, ((0.1, 1.0),))
# and the Gaussian part is the exact map; this leaves nothing beside it.
_REG_POTENTIAL_OF_ONE_POINT = 1e3


@dataclass(frozen=True)
class GivenSettings:
    """Kernel, lambda_1 and lambda_2 as they were given; None for what is to be chosen."""

    kernel: Kernel | None
    reg_sos: float
    reg_potential: float | None


def given_settings(parameters: FitParameters) -> GivenSettings:
    """Return what a user gave, checked."""
    kernel, reg_sos = parameters.kernel, parameters.reg_sos
    reg_potential = parameters.reg_potential
    if not is_auto(kernel) and not isinstance(kernel, Kernel):
        raise ValueError(
            f"kernel = {shown(kernel)} must be 'auto' or a kernel of kernel_ot.kernels."
        )
    if isinstance(kernel, Kernel):
        check_potential_kernel(kernel, "kernel")
    return GivenSettings(
        kernel if isinstance(kernel, Kernel) else None,
        REG_SOS if is_auto(reg_sos) else check_positive(reg_sos, "reg_sos"),
        None
        if is_auto(reg_potential)
        else check_positive(reg_potential, "reg_potential", "A sensible start is 1e-3."),
    )


@dataclass(frozen=True)
class ChosenSettings:
    """What a fit goes on with.

    Attributes
    ----------
    settings : Settings
    candidates : tuple of Candidate
        What was compared.
    combination : Combination
        Weights of what is combined.
    kept_out : KeptOut, optional
        The fit of a part whose kept out points gave these weights, where there are many points.
    """

    settings: Settings
    candidates: tuple[Candidate, ...] = ()
    combination: Combination = field(default_factory=Combination)
    kept_out: KeptOut | None = None

    @property
    def contacts(self) -> tuple[Array, Array] | None:
        """Pairs that filling starts from, in the user's coordinates."""
        return None if self.kept_out is None else self.kept_out.contacts


def choose_settings(
    samples: Samples,
    changed: Samples,
    parameters: FitParameters,
    *,
    rng: np.random.Generator,
    watch: Watch,
) -> ChosenSettings:
    """Return the settings that were given, and in place of "auto" what the samples say.

    Parameters
    ----------
    samples, changed : Samples
        In the user's coordinates, and in those of the fit with equal rows merged.
    parameters : FitParameters
    rng : numpy.random.Generator
        Draws the splits.
    watch : Watch
        Told of what is compared, asked whether to go on.
    """
    given = given_settings(parameters)
    if given.kernel is not None:  # before anything is compared or filled with it
        check_origin(given.kernel, changed.x, "x")
        check_origin(given.kernel, changed.y, "y")
    if given.kernel is not None and given.reg_potential is not None:
        return ChosenSettings(Settings(given.kernel, given.reg_sos, given.reg_potential))
    gaussian_is_exact = parameters.preconditioner == "gaussian" and samples.one_is_a_point
    best = _Choice(_UNCOMPARED_FACTOR, _UNCOMPARED_REG_POTENTIAL)
    if not Filling(parameters.filling).adaptive:
        best = _Choice(_STATIC_BANDWIDTH_FACTOR, _STATIC_REG_POTENTIAL)
    elif given.reg_potential is None and gaussian_is_exact:
        best = _Choice(_UNCOMPARED_FACTOR, _REG_POTENTIAL_OF_ONE_POINT)
    elif min(len(samples.x), len(samples.y)) >= _MIN_SELECTION_POINTS:
        best = _compared(samples, given, parameters, rng, watch)
    kernel = given.kernel
    if kernel is None and Filling(parameters.filling).adaptive:
        kernel = chosen_kernel(best.kernel, changed, rng)
    elif kernel is None:
        kernel = Gaussian(_STATIC_BANDWIDTH_FACTOR * typical_distance(changed, rng))
    reg_potential = best.reg_potential if given.reg_potential is None else given.reg_potential
    settings = Settings(kernel, given.reg_sos, reg_potential)
    return ChosenSettings(settings, best.candidates, best.combination, best.kept_out)


@dataclass(frozen=True)
class _Choice:
    """Kernel, as a bandwidth in median distances mostly, and lambda_2, with what led to them."""

    kernel: KernelChoice
    reg_potential: float
    candidates: tuple[Candidate, ...] = ()
    combination: Combination = field(default_factory=Combination)
    kept_out: KeptOut | None = None


def _compared(
    samples: Samples,
    given: GivenSettings,
    parameters: FitParameters,
    rng: np.random.Generator,
    watch: Watch,
) -> _Choice:
    """Return the choice that held-out points make."""
    dimension, reg_potential = samples.dimension, given.reg_potential
    n_splits = parameters.n_splits
    n = min(len(samples.x), len(samples.y))
    # A user's callback stays in this process; the time limit goes along.
    in_this_process = parameters.n_jobs in (None, 1)
    near = brought_near(samples, parameters.preconditioner)
    selection = select(
        near.samples,
        parameters.preconditioner,
        default_kernels(dimension, n) if given.kernel is None else (given.kernel,),
        reg_potentials(dimension) if reg_potential is None else (reg_potential,),
        rng,
        n_splits=default_splits(dimension, n) if is_auto(n_splits) else int(n_splits),
        on_score=watch.on_score,
        on_round=watch.on_selection_round if in_this_process else watch.selection_is_over,
        n_jobs=parameters.n_jobs,
    )
    # The preconditioner alone is no choice where lambda_2 was given.
    allowed = selection.candidates if reg_potential is None else selection.settings
    if watch.selection_is_over(None):
        _warn_of_few_settings(len(allowed), parameters.time_limit)
    many_features = dimension > MAX_SEMI_DUAL_DIMENSION
    automatic = given.kernel is None and reg_potential is None
    choose = least_regularised if many_features else best_candidate
    # Filling may have ended for none.
    best, combination, kept_out = choose(allowed) if allowed else None, Combination(), None
    if parameters.combine and automatic and selection.settings:
        # The Gaussian map is combined, so the best kernel comes in whether it beats it or not.
        best = choose(selection.settings)
        if samples.one_is_a_point:
            combination = _ONE_POINT
        elif dimension == 1 and n > POINTS_FOR_SPLINES:
            combination = combine_splines(near.samples, parameters.preconditioner, rng)
        elif n >= MANY_POINTS and not watch.selection_is_over(None):
            kept_out = combine_on_kept_out(
                samples, parameters.preconditioner, best, rng, watch.on_selection_round
            )
            combination = kept_out.combination
        else:
            combination = combine(selection.trials_of(best))
    kernel: KernelChoice = _UNCOMPARED_FACTOR
    reg = _UNCOMPARED_REG_POTENTIAL
    if best is not None and best.is_baseline:
        kernel, reg = _CAUTIOUS_FACTOR, _CAUTIOUS_REG_POTENTIAL
    elif best is not None:
        kernel = best.kernel_choice
        reg = best.reg_potential * _share_of_reg_potential(best, selection, samples)
    candidates = tuple(found.plus(near.cost) for found in selection.candidates)
    return _Choice(kernel, reg, candidates, combination, kept_out)


def _share_of_reg_potential(best: Candidate, selection: Selection, samples: Samples) -> float:
    """Return what lambda_2 that was chosen on a part of the points is multiplied by for all.

    Of more points less is needed. Half as much again where the next smaller lambda_2 did worse than
    the preconditioner alone: beyond that cliff, which the share can lie at, costs are far too
    large. Measured in two to twenty features at 100, 300 and 1000 points.
    """
    share = share_in_splits(samples)
    smaller = [
        candidate
        for candidate in selection.settings
        if candidate.kernel_choice == best.kernel_choice
        and candidate.reg_potential < best.reg_potential
    ]
    is_small = min(len(samples.x), len(samples.y)) < MANY_POINTS
    if not smaller or not is_small or samples.dimension > MAX_SEMI_DUAL_DIMENSION:
        return share
    next_smaller = max(smaller, key=lambda candidate: candidate.reg_potential)
    at_a_cliff = next_smaller.score < selection.baseline.score
    return share * _AT_A_CLIFF if at_a_cliff else share


def judge(
    chosen: ChosenSettings,
    samples: Samples,
    preconditioner: str | None,
    refit: Callable[[Samples], FittedTransport],
    rng: np.random.Generator,
) -> Verdict | None:
    """Return the verdict on what was chosen, by points that some fit has kept out."""
    kept_out = chosen.kept_out
    if kept_out is None:
        return cross_verdict(samples, refit, int(rng.integers(2**63)))
    return kept_out_verdict(
        kept_out.potentials, kept_out.terms, kept_out.change, kept_out.judges, preconditioner
    )


def _warn_of_few_settings(count: int, time_limit: float | None) -> None:
    warnings.warn(
        f"time_limit = {time_limit} ended the comparison of settings after {count}; the best of "
        "them is used. Raise time_limit, or give kernel and reg_potential.",
        ConvergenceWarning,
        stacklevel=7,
    )
