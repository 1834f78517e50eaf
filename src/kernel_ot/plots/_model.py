"""What a figure takes from a fitted model, so that a user need not take it apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeGuard, runtime_checkable

from kernel_ot._arrays import Array


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


class Samples(Protocol):
    """Both samples of a fit."""

    @property
    def x(self) -> Array:
        """The first, (n, d)."""

    @property
    def y(self) -> Array:
        """The second, (m, d)."""


class Pair(Protocol):
    """Potentials of a fit."""

    def u(self, points: Any) -> Any:
        """Potential of the first sample's space."""

    def v(self, points: Any) -> Any:
        """Potential of the second sample's space."""


class Solution(Protocol):
    """How a solve went."""

    @property
    def history(self) -> Sequence[Record]:
        """One record an iteration."""

    @property
    def method(self) -> str:
        """Who solved."""


@runtime_checkable
class Model(Protocol):
    """A fitted `KernelOT`."""

    tol: float
    violation_tol: float
    samples_: Samples
    solution_: Solution
    rounds_: Sequence[Any]
    potentials_: Pair

    def transform(self, x: Any) -> Any:
        """Return the images of points."""


def is_model(thing: object) -> TypeGuard[Model]:
    """Return whether `thing` is a fitted model, or raise ValueError for one that is not fitted.

    A search over settings stands for its best model.
    """
    if callable(getattr(thing, "fit", None)) and not hasattr(thing, "solution_"):
        raise ValueError(f"{type(thing).__name__} is not fitted; call fit(x, y) first.")
    return hasattr(thing, "solution_")


def model_of(thing: Any) -> Any:
    """Return the best model of a search, anything else as it is."""
    return getattr(thing, "best_estimator_", thing)


def feature_labels(model: Model) -> Sequence[str] | None:
    """Return the names of the features, if `fit` saw any."""
    names = getattr(model, "feature_names_in_", None)
    return None if names is None else [str(name) for name in names]


Function = Callable[[Any], Any]
