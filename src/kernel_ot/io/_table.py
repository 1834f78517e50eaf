"""A table of points with the names that its file gave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernel_ot._arrays import Array, counted


@dataclass(frozen=True, eq=False)
class Table:
    """Points, one a row, and the names of their columns and rows where there are any.

    Attributes
    ----------
    values : ndarray of shape (n, d)
        Finite, float32 or float64.
    feature_names : tuple of str, optional
        One a column.
    row_names : tuple of str, optional
        One a row, such as cell barcodes.
    rows : ndarray of int, optional
        Where only some rows of a file were read, their positions in it.

    Raises
    ------
    ValueError
        A name too few or too many.

    Examples
    --------
    >>> import numpy as np
    >>> table = Table(np.zeros((2, 3)), feature_names=("a", "b", "c"))
    >>> table.shape
    (2, 3)
    """

    values: Array
    feature_names: tuple[str, ...] | None = None
    row_names: tuple[str, ...] | None = None
    rows: Array | None = None

    def at(self, positions: Array) -> Table:
        """Return the table of those rows."""
        before = np.arange(len(self.values)) if self.rows is None else self.rows
        names = self.row_names
        return Table(
            self.values[positions],
            self.feature_names,
            None if names is None else tuple(names[i] for i in positions),
            before[positions],
        )

    def __post_init__(self) -> None:
        for name, names, size in (
            ("feature_names", self.feature_names, self.values.shape[1]),
            ("row_names", self.row_names, self.values.shape[0]),
        ):
            if names is not None and len(names) != size:
                raise ValueError(
                    f"{name} has {counted(len(names), 'entry')} for an array of shape "
                    f"{self.values.shape}; give {size} or None."
                )

    @property
    def shape(self) -> tuple[int, int]:
        """Number of points and of features."""
        n, d = self.values.shape
        return n, d
