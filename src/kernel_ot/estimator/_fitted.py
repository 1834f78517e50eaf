"""What a fit leaves on the estimator, with its types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel_ot._arrays import Array

if TYPE_CHECKING:
    from kernel_ot.cutting_planes import Certificate, FillingRound
    from kernel_ot.diagnostics import Verdict
    from kernel_ot.estimator._large import Summary
    from kernel_ot.kernels import Kernel
    from kernel_ot.potentials import EntropicPotentials, Potentials
    from kernel_ot.preconditioning import Conjugation
    from kernel_ot.problem import Problem
    from kernel_ot.samples import Samples
    from kernel_ot.selection import Candidate, Combination
    from kernel_ot.solvers import Solution


class FittedAttributes:
    """The attributes that `KernelOT` describes, and `samples_`: what was passed to `fit`."""

    samples_: Samples
    summary_of_all_: Summary | None
    outliers_: tuple[Array, Array]
    kernel_: Kernel
    reg_sos_: float
    reg_potential_: float
    candidates_: tuple[Candidate, ...]
    combination_: Combination
    entropic_: tuple[EntropicPotentials, ...]
    conjugation_: Conjugation
    problem_: Problem
    solution_: Solution
    rounds_: tuple[FillingRound, ...]
    potentials_: Potentials
    x_fill_: Array
    y_fill_: Array
    certificate_: Certificate
    cost_: float
    wasserstein_: float
    verdict_: Verdict | None
