"""What a figure takes from a fitted model, so that a user need not take it apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard

if TYPE_CHECKING:
    from kernel_ot.diagnostics import FittedTransport


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


def is_model(thing: object) -> TypeGuard[FittedTransport]:
    """Return whether `thing` is a fitted model, or raise ValueError for one that is not fitted.

    A search over settings stands for its best model.
    """
    if callable(getattr(thing, "fit", None)) and not hasattr(thing, "solution_"):
        raise ValueError(f"{type(thing).__name__} is not fitted; call fit(x, y) first.")
    return hasattr(thing, "solution_")


def model_of(thing: Any) -> Any:
    """Return the best model of a search, anything else as it is."""
    return getattr(thing, "best_estimator_", thing)


def feature_labels(model: FittedTransport) -> Sequence[str] | None:
    """Return the names of the features, if `fit` saw any."""
    names = getattr(model, "feature_names_in_", None)
    return None if names is None else [str(name) for name in names]


Function = Callable[[Any], Any]
