"""What follows from a solution: potentials and cost in the user's coordinates, and their proof."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot.cutting_planes import Certificate, scan_pairs
from kernel_ot.diagnostics import FittedTransport, inner_potentials, semi_dual_gains
from kernel_ot.preconditioning import Conjugation
from kernel_ot.problem import Problem
from kernel_ot.samples import Samples

if TYPE_CHECKING:
    from kernel_ot.estimator._kernel_ot import KernelOT


def set_derived(model: KernelOT, samples: Samples, problem: Problem) -> None:
    """Set what follows from samples, conjugation, problem, solution and combination."""
    change, solution = model.conjugation_, model.solution_
    made_of = problem.provenance
    assert made_of is not None
    model.samples_, model.problem_, model.summary_of_all_ = samples, problem, None
    model.potentials_ = change.potentials(inner_potentials(model))
    model.x_fill_ = change.backward_x(made_of.x_fill)
    model.y_fill_ = change.backward_y(made_of.y_fill)
    distinct = samples.distinct()
    changed = change.changed(distinct)
    # Both of the kernel's potentials alone: entropic ones and splines violate the constraint where
    # their plan has mass.
    kernel = problem.potentials(solution.gamma)
    u, v = kernel.u(changed.x), kernel.v(changed.y)
    tolerance = model.violation_tol * changed.mean_cost()
    model.certificate_ = certify_samples(distinct, changed, change, u, v, tolerance)
    model.cost_ = change.cost(
        solution.cost, distinct.x, distinct.y, distinct.weights_x, distinct.weights_y
    )
    model.wasserstein_ = float(np.sqrt(2 * max(model.cost_, 0.0)))


def certify_samples(
    samples: Samples,
    changed: Samples,
    change: Conjugation,
    u: Array,
    v: Array,
    tolerance: float,
) -> Certificate:
    """Return what potentials with values `u` and `v` at the changed samples prove.

    The rounds have scanned all pairs too, but with multipliers that `FilledProblem.solution` then
    makes exact. This scan, a thousandth of a fit, is of those that are returned or were loaded.
    """
    scan = scan_pairs(changed.x, changed.y, u, v)
    dual = changed.weights_x @ u + changed.weights_y @ v
    violated = scan.row_best > tolerance
    bound = max(
        dual - max(scan.largest, 0.0),
        dual - changed.weights_y @ scan.column_best,
        dual - changed.weights_x @ scan.row_best,
    )
    return Certificate(
        lower_bound=change.cost(
            float(bound), samples.x, samples.y, samples.weights_x, samples.weights_y
        ),
        largest_violation=change.scale**2 * scan.largest,
        n_pairs=len(samples.x) * len(samples.y),
        kind="exact",
        n_rows=len(samples.x),
        violated_rows=int(np.count_nonzero(violated)),
        violated_share=float(np.mean(violated)),
    )


def semi_dual_terms(model: FittedTransport, x: Array, y: Array) -> tuple[Array, Array]:
    """Return u(x_i) and u^c(y_j) at points in the user's coordinates."""
    gain_x, gain_y = semi_dual_gains(model, x, y)
    offset_x, offset_y = model.conjugation_.offsets(x, y)
    return gain_x + offset_x, gain_y + offset_y
