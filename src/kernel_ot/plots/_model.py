"""What a figure takes from a fitted model, so that a user need not take it apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeGuard

from kernel_ot._arrays import Array

if TYPE_CHECKING:
    from kernel_ot.diagnostics import FittedTransport


Function: TypeAlias = Callable[[Array], Array]


class Record(Protocol):
    """One iteration, as in `Solution.history`."""

    @property
    def iteration(self) -> int:
        """Number of the iteration."""

    @property
    def residual(self) -> float:
        """Relative residual of the optimality conditions."""

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""


def model_of(thing: object) -> FittedTransport | None:
    """Return a fitted model, the best one of a search, or None for anything else.

    Raises
    ------
    ValueError
        A model that is not fitted.
    """
    model = getattr(thing, "best_estimator_", thing)
    if _is_fitted(model):
        return model
    if callable(getattr(model, "fit", None)):
        raise ValueError(f"{type(model).__name__} is not fitted; call fit(x, y) first.")
    return None


def _is_fitted(thing: object) -> TypeGuard[FittedTransport]:
    return hasattr(thing, "solution_")


def feature_labels(model: FittedTransport) -> Sequence[str] | None:
    """Return the names of the features, if `fit` saw any."""
    names = getattr(model, "feature_names_in_", None)
    return None if names is None else [str(name) for name in names]
