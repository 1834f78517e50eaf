"""Find the fitted model, or the potentials, in what a user passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel_ot._arrays import shown
from kernel_ot.potentials import Potentials

if TYPE_CHECKING:
    from kernel_ot.estimator import KernelOT


def fitted_model(model: object) -> KernelOT:
    """Return a fitted `KernelOT`, that of a `KernelOTCV` included.

    Raises
    ------
    ValueError
        Anything else, or a model that is not fitted.
    """
    from kernel_ot.estimator import KernelOT

    found = getattr(model, "best_estimator_", model)
    if not isinstance(found, KernelOT) or not hasattr(found, "potentials_"):
        remedy = (
            "it is not fitted; call fit(x, y) first"
            if hasattr(model, "fit")
            else "pass a fitted KernelOT or KernelOTCV"
        )
        raise ValueError(f"model = {shown(model)}: {remedy}.")
    return found


def potentials_of(source: object) -> Potentials:
    """Return `source` if it is `Potentials`, else those of the fitted model that it is."""
    return source if isinstance(source, Potentials) else fitted_model(source).potentials_
