"""The potentials of a fit in its own coordinates, and what they gain there."""

from __future__ import annotations

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot.diagnostics._transport import FittedTransport
from kernel_ot.kernels import Linear
from kernel_ot.potentials import KernelExpansion, Potentials, weighted_sum
from kernel_ot.problem import Provenance
from kernel_ot.samples import Samples
from kernel_ot.selection import Pair, semi_dual

# Effective number of distinct points, 1 / sum of squared masses, below which masses are split.
_FEW_POINTS = 30


def inner_potentials(model: FittedTransport) -> Potentials:
    """Return the combined potentials in the coordinates of the fit."""
    kernel = model.problem_.potentials(model.solution_.gamma)
    made_of = model.problem_.provenance
    assert made_of is not None
    fitted = Samples(made_of.x, made_of.y, made_of.weights_x, made_of.weights_y)
    combined = model.combination_.potentials(kernel, model.entropic_, fitted)
    if model.summary_of_all_ is not None:
        return combined
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


def semi_dual_gains(model: FittedTransport, x: Array, y: Array) -> Pair:
    """Return u(x_i) and u^c(y_j) minus those of the preconditioner alone, in squared user units.

    Slack, and so the c-transform, only changes by the factor s^2 and by the quadratic parts, which
    are the preconditioner's: minimised where T is near the identity, and digits are kept there.
    """
    change, made_of = model.conjugation_, model.problem_.provenance
    assert made_of is not None
    inner = inner_potentials(model)
    terms = semi_dual(inner, made_of.x, change.forward_x(x), change.forward_y(y))
    return change.scale**2 * terms[0], change.scale**2 * terms[1]
