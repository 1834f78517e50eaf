"""What a user passes to the estimator, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from operator import index
from typing import SupportsIndex, TypeAlias

import numpy as np

from kernel_ot._arrays import (
    Array,
    check_feature_names,
    check_jobs,
    check_points,
    check_positive,
    check_same_dimension,
    check_same_names,
    check_sample,
    check_weights,
    counted,
    is_traced,
    namespace_of,
    refuse_beyond_single,
    require_memory,
    shown,
)
from kernel_ot.estimator._parameters import FitParameters, GridParameters
from kernel_ot.estimator._surface import TwoSampleEstimator
from kernel_ot.kernels import Kernel
from kernel_ot.preconditioning import PRECONDITIONERS
from kernel_ot.samples import Masses, Points, Samples
from kernel_ot.selection import CRITERIA, Filling, KernelChoice
from kernel_ot.solvers import check_method

Kernels: TypeAlias = tuple[KernelChoice, ...]
Regularisations: TypeAlias = tuple[tuple[float, float], ...]

OUTLIERS = ("exclude", "keep")
# Copies of both samples in either coordinates, of a fold of them, and in the potentials' centres.
_COPIES_OF_SAMPLES = 8


def check_parameters(model: FitParameters) -> None:
    """Raise ValueError for a parameter that no data could make sense of."""
    check_positive(model.tol, "tol")
    check_positive(model.violation_tol, "violation_tol")
    if model.preconditioner not in PRECONDITIONERS:
        raise ValueError(
            f"preconditioner = {shown(model.preconditioner)} must be one of {PRECONDITIONERS}."
        )
    if model.outliers not in OUTLIERS:
        raise ValueError(f"outliers = {shown(model.outliers)} must be one of {OUTLIERS}.")
    if not isinstance(model.combine, bool | np.bool_):
        raise ValueError(f"combine = {shown(model.combine)} must be True or False.")
    Filling(model.filling).check()
    check_method(model.method)
    if model.time_limit is not None:
        check_positive(model.time_limit, "time_limit")
    if not isinstance(model.verdict, bool) and model.verdict != "auto":
        raise ValueError(f"verdict = {shown(model.verdict)} must be 'auto', True or False.")
    for name in ("n_fill", "n_splits"):
        value = getattr(model, name)
        if isinstance(value, str) and value == "auto":
            continue
        _check_count(value, name, smallest=1)
    check_jobs(model.n_jobs)
    if model.max_iter is not None:
        _check_count(model.max_iter, "max_iter", smallest=0)
    if model.callback is not None and not callable(model.callback):
        raise ValueError(f"callback = {shown(model.callback)} must be a function or None.")
    try:
        index(model.verbose)
    except TypeError:
        raise ValueError(f"verbose = {shown(model.verbose)} must be 0, 1 or 2.") from None


def _check_count(value: SupportsIndex, name: str, *, smallest: int) -> None:
    try:
        count = index(value)
    except TypeError:
        raise ValueError(f"{name} = {shown(value)} must be an integer.") from None
    if isinstance(value, bool) or count < smallest:
        raise ValueError(f"{name} = {shown(value)} must be an integer, at least {smallest}.")


def check_both_samples(
    x: Points, y: Points | None, weights_x: Masses | None, weights_y: Masses | None
) -> Samples:
    """Return both samples as float64, or raise ValueError; memory for them is checked first."""
    if y is None:
        raise ValueError("y is None; fit(x, y) needs the second sample as y.")
    check_same_names(x, y)
    x, y = check_sample(x, "x"), check_sample(y, "y")
    check_same_dimension(x, y)
    require_memory(
        8.0 * _COPIES_OF_SAMPLES * (x.size + y.size),
        purpose=f"copies of {len(x)} + {len(y)} points with {counted(x.shape[1], 'feature')}",
        remedy="Fit on a subsample, or on fewer features.",
    )
    weights_x = check_weights(weights_x, len(x), "weights_x")
    weights_y = check_weights(weights_y, len(y), "weights_y")
    if namespace_of(x, y) is not np:  # and so will the potentials be
        refuse_beyond_single(x, y)
    if is_traced(x, y, weights_x, weights_y):
        raise ValueError(
            "fit was called inside of traced JAX code, but decides by values what to fit; fit "
            "outside, or build a Problem there and solve it."
        )
    # Copies, and on the host, where a fit decides and computes.
    return Samples(
        np.array(x, dtype=np.float64),
        np.array(y, dtype=np.float64),
        np.array(weights_x, dtype=np.float64),
        np.array(weights_y, dtype=np.float64),
    )


def check_massive(samples: Samples) -> None:
    """Raise ValueError where all of the mass of a sample is on one row."""
    for name, weights in (("x", samples.weights_x), ("y", samples.weights_y)):
        if np.count_nonzero(weights) < 2:
            raise ValueError(
                f"weights_{name} leaves {name} one row with mass (rows far outside of all mass "
                "are left out); a sample needs at least 2. The optimal map to or from a single "
                "point is constant, no estimate is needed."
            )


def check_potential_kernel(kernel: Kernel, name: str) -> Kernel:
    """Return a kernel that potentials can have, or raise ValueError."""
    if kernel.conditional:
        raise ValueError(
            f"{name} = {shown(kernel)} is positive for weights that sum to zero only: it serves "
            "divergences, not fits. Gaussian and Matern kernels serve both."
        )
    return kernel


def check_grid(search: GridParameters, *, adaptive: bool) -> tuple[Kernels, Regularisations]:
    """Return kernels and pairs (reg_sos, reg_potential), large to small, or raise ValueError."""
    if search.criterion not in CRITERIA:
        raise ValueError(f"criterion = {shown(search.criterion)} must be one of {CRITERIA}.")
    kernels = tuple(
        check_potential_kernel(kernel, f"kernels[{position}]")
        if isinstance(kernel, Kernel)
        else check_positive(kernel, f"kernels[{position}]")
        for position, kernel in enumerate(_listed(search, "kernels"))
    )
    values = []
    for name in ("reg_sos", "reg_potentials"):
        listed = [
            check_positive(value, f"{name}[{position}]")
            for position, value in enumerate(_listed(search, name))
        ]
        values.append(sorted(set(listed), reverse=True))
    if adaptive and len(values[0]) > 1:
        raise ValueError(
            f"reg_sos has {len(values[0])} values, but with adaptive filling the estimate does not "
            "depend on it; give one value, or estimator=KernelOT(filling='pairs')."
        )
    return kernels, tuple((reg_sos, reg) for reg_sos, reg in product(*values))


def _listed(search: GridParameters, name: str) -> list[object]:
    """Return a grid parameter as a list that is not empty."""
    value = getattr(search, name)
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ValueError(f"{name} = {shown(value)} must be a sequence of values to compare.")
    listed = list(value)
    if not listed:
        raise ValueError(f"{name} is empty; give at least one value.")
    return listed


def check_new_points(model: TwoSampleEstimator, points: Points, name: str) -> Array:
    """Return points of the features that were fitted, or raise ValueError."""
    array = check_points(points, name)
    if array.shape[1] != model.n_features_in_:
        raise ValueError(
            f"{name} has {counted(array.shape[1], 'column')} but {model.n_features_in_} are "
            f"needed: X has {array.shape[1]} features, but {type(model).__name__} is expecting "
            f"{model.n_features_in_} features as input."
        )
    check_feature_names(getattr(model, "feature_names_in_", None), points, name)
    return array
