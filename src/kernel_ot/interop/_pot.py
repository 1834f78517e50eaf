"""A fitted model as POT's result, and POT's dual variables as potentials."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from kernel_ot._arrays import Array, check_points, check_same_dimension, check_same_names, shown
from kernel_ot.interop._discrete import DiscreteCTransform
from kernel_ot.interop._sources import fitted_model
from kernel_ot.interop._units import Metric, cost_factor
from kernel_ot.potentials import Potentials

if TYPE_CHECKING:
    from ot.utils import OTResult

    from kernel_ot.estimator import KernelOT, KernelOTCV

# Of the mean cost of a pair. An exact solve of float32 samples stays below 1e-6.
_TIGHTNESS = 1e-5


def to_pot_result(model: KernelOT | KernelOTCV, *, metric: Metric) -> OTResult:
    r"""Return a fitted model as `ot.utils.OTResult`, what `ot.solve_sample` returns.

    Parameters
    ----------
    model : KernelOT or KernelOTCV
        Fitted.
    metric : {"sqeuclidean", "half_sqeuclidean"}
        The cost that the numbers are in; there is no default since an `OTResult` does not say it.
        "sqeuclidean": :math:`|x - y|^2`, the default of `ot.dist` and `ot.solve_sample`; every
        value and potential is twice ours. "half_sqeuclidean": :math:`|x - y|^2 / 2`, ours.

    Returns
    -------
    ot.utils.OTResult
        `potentials`, `potential_a`, `potential_b`: u and v at the samples, up to the constant that
        may move from one to the other. `value` and `value_linear`: both the estimated cost,
        `cost_`, which is a dual value, without the regularisation's terms. `status`: "Converged" as
        in POT, else the sentence of `Status`. `log`: `metric`, `lower_bound` and
        `largest_violation` of the certificate, `residual`, `iterations`, `method`. `plan`,
        `sparse_plan`, `lazy_plan` and the marginals are None: kernel-ot estimates maps, not a
        plan between the samples; `a_to_b` and `b_to_a` raise NotImplementedError as POT's own do.

    Raises
    ------
    ImportError
        POT is not installed.
    ValueError
        A model that is not fitted, or an unknown metric.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import KernelOT, kernels
    >>> x = np.linspace(0, 1, 20)[:, None]
    >>> model = KernelOT(kernels.Gaussian(2.0), reg_potential=1e-2).fit(x, x + 3)
    >>> result = to_pot_result(model, metric="sqeuclidean")
    >>> round(result.value, 6), result.potential_a.shape, result.status
    (9.0, (20,), 'Converged')
    """
    factor = cost_factor(metric)
    fitted = fitted_model(model)
    try:
        from ot.backend import get_backend
        from ot.utils import OTResult
    except ImportError as error:
        raise ImportError("to_pot_result needs POT: pip install POT") from error
    samples, solution, certificate = fitted.samples_, fitted.solution_, fitted.certificate_
    u = factor * fitted.potentials_.u(samples.x)
    v = factor * fitted.potentials_.v(samples.y)
    cost = factor * fitted.cost_
    return OTResult(
        potentials=(u, v),
        value=cost,
        value_linear=cost,
        status="Converged" if solution.converged else solution.status.message,
        log={
            "metric": metric,
            "lower_bound": factor * certificate.lower_bound,
            "largest_violation": factor * certificate.largest_violation,
            "residual": solution.residual,
            "iterations": solution.iterations,
            "method": solution.method,
        },
        backend=get_backend(u, v),
    )


def from_pot_result(result: OTResult, x: ArrayLike, y: ArrayLike, *, metric: Metric) -> Potentials:
    """Return the dual variables of an exact POT solve as functions; see `from_dual_values`.

    Parameters
    ----------
    result : ot.utils.OTResult
        Of `ot.solve` or `ot.solve_sample` without regularisation; anything with `potentials`.
    x, y : array-like of shape (n, d) and (m, d)
        The samples that were solved for.
    metric : {"sqeuclidean", "half_sqeuclidean"}
        The cost that was solved with: "sqeuclidean", `|x - y|^2`, is the default of
        `ot.solve_sample` and `ot.dist`.

    Returns
    -------
    Potentials
        As `from_dual_values`.

    Raises
    ------
    ValueError
        A result without potentials; else as `from_dual_values`.

    Warns
    -----
    UserWarning
        As `from_dual_values`.

    Examples
    --------
    >>> import numpy as np
    >>> import ot
    >>> x, y = np.array([[0.0], [1.0]]), np.array([[6.0], [5.0]])
    >>> exact = from_pot_result(ot.solve_sample(x, y), x, y, metric="sqeuclidean")
    >>> float(exact.u(x).mean() + exact.v(y).mean())  # the cost |x - y|^2 / 2 of moving by 5
    12.5
    """
    pair = getattr(result, "potentials", None)
    if pair is None or any(values is None for values in pair):
        raise ValueError(
            f"result = {shown(result)} holds no dual potentials; solve exactly, with "
            "ot.solve_sample(x, y), or pass the values to from_dual_values."
        )
    u, v = pair
    return from_dual_values(u, v, x, y, metric=metric)


def from_dual_values(
    u: ArrayLike, v: ArrayLike, x: ArrayLike, y: ArrayLike, *, metric: Metric
) -> Potentials:
    r"""Return discrete dual variables as potentials, functions on all of R^d in our unit.

    Each is extended by the c-transform of the other, :math:`u(x) = \min_j c(x, y_j) - v_j`, which
    reproduces the values of an exact solve at the samples. So both can be compared with a model's
    potentials anywhere. The map takes every point to a point of the other sample; at the samples
    themselves several are equally good as a rule, and it is `result.plan` that says which share
    the mass.

    Parameters
    ----------
    u, v : array-like of shape (n,) and (m,)
        Dual values at the samples: `ot.emd(..., log=True)` has them as `log["u"]`, `log["v"]`.
    x, y : array-like of shape (n, d) and (m, d)
        The samples that were solved for.
    metric : {"sqeuclidean", "half_sqeuclidean"}
        The cost of the values, `|x - y|^2` or `|x - y|^2 / 2`; the former are halved. Values of a
        cost matrix that was divided, say by its maximum, must be multiplied by that first.

    Returns
    -------
    Potentials
        For the cost `|x - y|^2 / 2`. :math:`u(x) + v(y) \le c(x, y)` holds where x or y is a sample
        point; between new points it need not.

    Raises
    ------
    ValueError
        Samples or values that are not finite or do not fit together, or an unknown metric.

    Warns
    -----
    UserWarning
        The values are not each other's c-transforms at the samples: their unit is another one,
        rows are in another order, or the solve was entropic or unfinished. (For entropic solves
        POT 0.9.7's `ot.solve` returns the potentials divided by `reg`: multiply them first; the
        c-transforms are then close to, not equal to, the entropic potentials.)

    Examples
    --------
    >>> x, y = [[0.0], [1.0]], [[5.0], [6.0]]
    >>> exact = from_dual_values([25.0, 15.0], [0.0, 10.0], x, y, metric="sqeuclidean")
    >>> exact.u(x), exact.v(y)
    (array([12.5,  7.5]), array([0., 5.]))
    """
    factor = cost_factor(metric)
    check_same_names(x, y)
    x, y = check_points(x, "x"), check_points(y, "y")
    check_same_dimension(x, y)
    u = _check_values(u, len(x), "u") / factor
    v = _check_values(v, len(y), "v") / factor
    potentials = Potentials(u=DiscreteCTransform(y, v), v=DiscreteCTransform(x, u))
    slack = np.concatenate([potentials.u(x) - u, potentials.v(y) - v])
    # Points without mass are feasible only, so half of the points is enough of them to be tight.
    error = max(float(-slack.min()), float(np.median(slack)))
    error /= max(_mean_cost(x, y), np.finfo(float).tiny)
    if not error <= _TIGHTNESS:
        warnings.warn(
            f"u and v are not each other's c-transforms for the cost {metric!r}: they differ by "
            f"{error:.1e} of the mean cost of a pair. Their unit is another one, their rows are in "
            "another order, or the solve was not exact.",
            UserWarning,
            stacklevel=2,
        )
    return potentials


def _check_values(values: ArrayLike, n: int, name: str) -> Array:
    array = np.asarray(values)
    if array.shape != (n,):
        raise ValueError(
            f"{name} has shape {array.shape}; it must be ({n},), one value for each row of "
            f"{'x' if name == 'u' else 'y'}."
        )
    return check_points(array[:, None], name)[:, 0]


def _mean_cost(x: Array, y: Array) -> float:
    """Return the mean of |x_i - y_j|^2 / 2 over all pairs."""
    gap = x.mean(axis=0) - y.mean(axis=0)
    return float(x.var(axis=0).sum() + y.var(axis=0).sum() + gap @ gap) / 2
