"""Data frames of numbers and categories as points, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from kernel_ot._arrays import Array, as_pandas

if TYPE_CHECKING:
    from pandas import DataFrame


class MixedColumns(TransformerMixin, BaseEstimator):
    """Numbers in standard deviations, categories as one column each; takes points back to a frame.

    A step for `make_two_sample_pipeline(MixedColumns(), KernelOT(), residual="drop")`. Two rows
    that differ in a category lie `category_distance` standard deviations apart in it, so the
    distance says how expensive it is to change one. A category stays a point with a mass: equal
    rows are ties, and the image of a row is the category with the largest column.

    Parameters
    ----------
    categories : "auto" or sequence of str, default "auto"
        Columns that hold categories; "auto": those of text, booleans and pandas' Categorical. Say
        which integer columns are codes and not counts, nobody else can.
    handling : {"one-hot", "drop"}, default "one-hot"
        "drop" leaves categories out; they come back as a column of missing values.
    category_distance : float, default 1.0
    round_integers : bool, default True
        Columns of integers come back as integers.

    Attributes
    ----------
    categories_ : dict of str to list
        The values of each categorical column, in sorted order.
    feature_names_in_ : ndarray of str
    n_features_in_ : int

    Raises
    ------
    ValueError
        No data frame, missing values (counted by column), an unknown column or category.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"age": [30, 40, 50], "group": ["a", "b", "a"]})
    >>> mixed = MixedColumns().fit(table)
    >>> mixed.get_feature_names_out().tolist()
    ['age', 'group=a', 'group=b']
    >>> mixed.inverse_transform(mixed.transform(table)).equals(table)
    True
    """

    def __init__(
        self,
        categories: Literal["auto"] | Sequence[str] = "auto",
        handling: Literal["one-hot", "drop"] = "one-hot",
        category_distance: float = 1.0,
        round_integers: bool = True,
    ) -> None:
        self.categories = categories
        self.handling = handling
        self.category_distance = category_distance
        self.round_integers = round_integers

    def fit(self, x: ArrayLike, y: ArrayLike | None = None) -> MixedColumns:
        """Learn the columns' kinds, means, deviations and categories."""
        frame = _checked(x)
        if self.handling not in ("one-hot", "drop"):
            raise ValueError(f"handling = {self.handling!r} must be 'one-hot' or 'drop'.")
        names = [str(name) for name in frame.columns]
        if isinstance(self.categories, str):
            chosen = [n for n, d in zip(names, frame.dtypes, strict=True) if not _is_number(d)]
        else:
            chosen = [str(name) for name in self.categories]
            unknown = sorted(set(chosen) - set(names))
            if unknown:
                raise ValueError(f"categories names {unknown}, which x has no columns for.")
        self.feature_names_in_ = np.array(names, dtype=object)
        self.n_features_in_ = len(names)
        self.dtypes_ = dict(zip(names, frame.dtypes, strict=True))
        self.categories_ = {
            name: sorted(frame[name].unique().tolist(), key=str) for name in names if name in chosen
        }
        wrong = [n for n in names if n not in self.categories_ and not _is_number(self.dtypes_[n])]
        if wrong:
            raise ValueError(f"The columns {wrong} hold no numbers; name them in categories.")
        self.numeric_ = [name for name in names if name not in self.categories_]
        values = frame[self.numeric_].to_numpy(dtype=float)
        self.mean_, deviation = values.mean(axis=0), values.std(axis=0)
        self.deviation_ = np.where(deviation > 0, deviation, 1.0)
        return self

    def transform(self, x: ArrayLike) -> Array:
        """Return points of shape (n, number of `get_feature_names_out()`)."""
        check_is_fitted(self)
        frame = _checked(x)
        if [str(name) for name in frame.columns] != list(self.feature_names_in_):
            raise ValueError("The columns of x are not those of fit, in the same order.")
        parts = [(frame[self.numeric_].to_numpy(dtype=float) - self.mean_) / self.deviation_]
        if self.handling == "one-hot":
            # Two different unit vectors are sqrt(2) apart.
            height = self.category_distance / np.sqrt(2)
            for name, known in self.categories_.items():
                unknown = sorted(set(frame[name].tolist()) - set(known), key=str)
                if unknown:
                    raise ValueError(f"Column {name!r} has {unknown[:3]}, which fit did not see.")
                parts.append(height * (frame[name].to_numpy()[:, None] == np.array(known, object)))
        return np.concatenate(parts, axis=1)

    def inverse_transform(self, points: ArrayLike) -> DataFrame:
        """Return a data frame with the columns and types of `fit`."""
        import pandas

        check_is_fitted(self)
        points = np.asarray(points, dtype=float)
        numbers = points[:, : len(self.numeric_)] * self.deviation_ + self.mean_
        columns: dict[str, object] = dict(zip(self.numeric_, numbers.T, strict=True))
        start = len(self.numeric_)
        for name, known in self.categories_.items():
            if self.handling == "drop":
                columns[name] = [None] * len(points)
                continue
            best = points[:, start : start + len(known)].argmax(axis=1)
            columns[name] = [known[i] for i in best]
            start += len(known)
        frame = pandas.DataFrame(columns)[list(self.feature_names_in_)]
        for name, dtype in self.dtypes_.items():
            if name in self.categories_:
                frame[name] = frame[name].astype(dtype if self.handling == "one-hot" else object)
            elif self.round_integers and getattr(dtype, "kind", "f") in "iu":
                frame[name] = frame[name].round().astype(dtype)
        return frame

    def get_feature_names_out(self, input_features: object = None) -> Array:
        """Return names of the columns of `transform`: numbers first, then `COLUMN=CATEGORY`."""
        check_is_fitted(self)
        names = list(self.numeric_)
        if self.handling == "one-hot":
            names += [
                f"{name}={value}" for name, known in self.categories_.items() for value in known
            ]
        return np.array(names, dtype=object)


def _is_number(dtype: object) -> bool:
    return getattr(dtype, "kind", "O") in "iuf"


def _checked(x: object) -> DataFrame:
    frame = as_pandas(x)
    if frame is None:
        raise ValueError("MixedColumns needs a data frame of pandas or polars.")
    missing = frame.isna().sum()
    counts = [f"{name} ({count})" for name, count in missing.items() if count]
    if counts:
        raise ValueError(
            f"Missing values by column: {', '.join(counts[:8])}; drop or fill those rows."
        )
    return frame
