"""What a problem was made of."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from kernel_ot._arrays import Array, pytree
from kernel_ot.kernels import Kernel
from kernel_ot.problem._pair_terms import PotentialSpaces


@pytree()
@dataclass(frozen=True, eq=False)
class Provenance:
    """Where a problem came from: what its potentials are built of.

    Attributes
    ----------
    x : array of shape (n, d)
        Source sample.
    y : array of shape (m, d)
        Target sample.
    weights_x : array of shape (n,)
        Masses of the source points, summing to one.
    weights_y : array of shape (m,)
        Masses of the target points, summing to one.
    x_fill, y_fill : array of shape (l, d)
        Filling points, one pair a row.
    kernel_x, kernel_y, kernel_pair : Kernel
        Kernels of the source potential, the target potential and the sum of squares.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import Problem, kernels, solve
    >>> x = np.linspace(0, 1, 8)[:, None]
    >>> problem = Problem.from_samples(
    ...     x, x + 1, x, x + 1, kernel=kernels.Gaussian(0.5), reg_sos=0.1, reg_potential=0.1
    ... )
    >>> problem.provenance.x_fill.shape
    (8, 1)
    """

    x: Array = field(repr=False)
    y: Array = field(repr=False)
    weights_x: Array = field(repr=False)
    weights_y: Array = field(repr=False)
    x_fill: Array = field(repr=False)
    y_fill: Array = field(repr=False)
    kernel_x: Kernel
    kernel_y: Kernel
    kernel_pair: Kernel

    def __post_init__(self) -> None:
        for name in ("x", "y", "weights_x", "weights_y", "x_fill", "y_fill"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def potential_spaces(self) -> PotentialSpaces:
        """Return what Q, w and the potentials are made of."""
        return PotentialSpaces(
            self.kernel_x, self.kernel_y, self.x, self.y, self.weights_x, self.weights_y
        )


def read_only(array: object) -> object:
    """Return a view that cannot be written to; arrays of other libraries are immutable anyway."""
    if not isinstance(array, np.ndarray):
        return array
    view = array.view()
    view.flags.writeable = False
    return view
