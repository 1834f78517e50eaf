"""What follows from a solution: potentials and cost in the user's coordinates, and their proof."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot.cutting_planes import Certificate, scan_pairs
from kernel_ot.diagnostics import FittedTransport
from kernel_ot.kernels import Linear
from kernel_ot.potentials import KernelExpansion, Potentials, weighted_sum
from kernel_ot.preconditioning import Conjugation
from kernel_ot.problem import Problem, Provenance
from kernel_ot.samples import Samples
from kernel_ot.selection import semi_dual

if TYPE_CHECKING:
    from kernel_ot.estimator._kernel_ot import KernelOT

# Effective number of distinct points, 1 / sum of squared masses, below which masses are split.
_FEW_POINTS = 30


def inner_potentials(model: FittedTransport) -> Potentials:
    """Return the combined potentials in the coordinates of the fit."""
    kernel = model.problem_.potentials(model.solution_.gamma)
    combined = model.combination_.potentials(kernel, model.entropic_)
    if model.summary_of_all_ is not None:
        return combined
    made_of = model.problem_.provenance
    assert made_of is not None
    effective = (1 / np.sum(np.square(w)) for w in (made_of.weights_x, made_of.weights_y))
    return _with_exact_means(combined, made_of) if min(effective) < _FEW_POINTS else combined


def _with_exact_means(potentials: Potentials, made_of: Provenance) -> Potentials:
    """Return potentials with a linear term each, so that T(x) has the mean of y and S(y) that of x.

    Where few points carry all mass, each has to be split among several and no map does that; a
    smooth potential then chooses among the targets of each, and their mean goes astray.
    """
    missing = (
        made_of.weights_y @ made_of.y - made_of.weights_x @ potentials.transport(made_of.x),
        made_of.weights_x @ made_of.x - made_of.weights_y @ potentials.inverse_transport(made_of.y),
    )
    u, v = (KernelExpansion(Linear(), shift[None, :], -np.ones(1)) for shift in missing)
    return weighted_sum((potentials, Potentials(u, v)), (1.0, 1.0))


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
    # Both of the kernel's potentials alone: entropic ones violate the constraint where their plan
    # has mass, and their dual value holds its entropy.
    kernel = problem.potentials(solution.gamma)
    u, v = kernel.u(changed.x), kernel.v(changed.y)
    tolerance = model.violation_tol * changed.mean_cost()
    model.certificate_ = certify(distinct, changed, change, u, v, tolerance)
    model.cost_ = change.cost(
        solution.cost, distinct.x, distinct.y, distinct.weights_x, distinct.weights_y
    )
    model.wasserstein_ = float(np.sqrt(2 * max(model.cost_, 0.0)))


def certify(
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
    change, made_of = model.conjugation_, model.problem_.provenance
    assert made_of is not None
    # Slack, and so the c-transform, only changes by the factor s^2: minimise where T is near the
    # identity, then add the quadratic parts.
    terms = semi_dual(inner_potentials(model), made_of.x, change.forward_x(x), change.forward_y(y))
    offset_x, offset_y = change.offsets(x, y)
    return change.scale**2 * terms[0] + offset_x, change.scale**2 * terms[1] + offset_y
