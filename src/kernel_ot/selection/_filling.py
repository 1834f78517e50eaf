"""Where filling points come from, as a user says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from kernel_ot._arrays import Array, check_points, shown
from kernel_ot.filling import FillingStrategy, filling_points
from kernel_ot.preconditioning import Conjugation
from kernel_ot.samples import Samples

_STATIC_FILL = 300


FillingChoice: TypeAlias = str | tuple[ArrayLike, ArrayLike]
"""A way to choose filling points, or these themselves."""


@dataclass(frozen=True, eq=False)
class Filling:
    """Where filling points come from: what `KernelOT` was given, not yet checked.

    Attributes
    ----------
    strategy : str or (x_fill, y_fill)
        "auto" and "adaptive" for cutting planes, a strategy of `kernel_ot.filling`, or points in
        the user's coordinates.
    count : "auto" or int
        Of points that are not adaptive.
    """

    strategy: FillingChoice = "auto"
    count: str | int = "auto"

    @property
    def adaptive(self) -> bool:
        """Whether cutting planes choose the points."""
        return isinstance(self.strategy, str) and self.strategy in ("auto", "adaptive")

    def check(self) -> None:
        """Raise ValueError for what is neither a name nor a pair."""
        known = ("auto", "adaptive", *get_args(FillingStrategy))
        is_name = isinstance(self.strategy, str) and self.strategy in known
        is_pair = isinstance(self.strategy, tuple | list) and len(self.strategy) == 2
        if not is_name and not is_pair:
            raise ValueError(
                f"filling = {shown(self.strategy)} must be one of {known}, or a pair "
                "(x_fill, y_fill) of arrays with one filling point a row."
            )

    def place(
        self, changed: Samples, change: Conjugation, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Return filling points in the changed coordinates; for a filling that is not adaptive."""
        if isinstance(self.strategy, str):
            return filling_points(
                changed.x,
                changed.y,
                _STATIC_FILL if isinstance(self.count, str) else self.count,
                self.strategy,  # type: ignore[arg-type]  # checked by filling_points
                rng=rng,
                weights_x=changed.weights_x,
                weights_y=changed.weights_y,
            )
        x_fill, y_fill = self.strategy
        dimension = changed.x.shape[1]
        x_fill = check_points(x_fill, "filling[0]", dimension=dimension)
        y_fill = check_points(y_fill, "filling[1]", dimension=dimension)
        return change.forward_x(x_fill), change.forward_y(y_fill)


def is_auto(value: object) -> bool:
    """Return whether a parameter is the word "auto"."""
    return isinstance(value, str) and value == "auto"
