"""A pipeline for two samples: every step changes both, and the map comes back through all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.validation import check_is_fitted, validate_data

from kernel_ot._arrays import Array, as_pandas, check_same_dimension, counted, refuse_containers
from kernel_ot.estimator import KernelOT, KernelOTCV, TwoSampleEstimator
from kernel_ot.samples import Images

if TYPE_CHECKING:
    from pandas import DataFrame


class TwoSamplePipeline(TwoSampleEstimator, _BaseComposition):
    """Steps that change both samples, then a transport between them; maps in the first units.

    scikit-learn's Pipeline changes x and passes y, here the second sample, on as it is. This one
    fits each step to the rows of both samples together, changes both, fits the transport, and
    takes its maps back through `inverse_transform` of the steps.

    Parameters
    ----------
    steps : list of (str, estimator)
        Transformers with `inverse_transform`, then `KernelOT` or `KernelOTCV`.
    residual : {"keep", "drop"}, default "keep"
        What becomes of that part of a point which the steps lose, such as the components that PCA
        leaves out: "keep" adds it to the image again, so the map moves only what the steps see;
        "drop" returns images without it. For mixed columns, which cannot be added, "drop".

    Attributes
    ----------
    steps_ : Pipeline
        The fitted transformers.
    transport_ : KernelOT or KernelOTCV
        Fitted to the changed samples: `transport_.cost_` is in the units after the steps.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Where x is a data frame.

    Raises
    ------
    ValueError
        No transport at the end, or a step that cannot be taken back.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import StandardScaler
    >>> from kernel_ot import KernelOT
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(60, 2)) * [1, 1000], rng.normal(size=(80, 2)) * [1, 1000] + [3, 0]
    >>> model = make_two_sample_pipeline(StandardScaler(), KernelOT(preconditioner="scale"))
    >>> images = model.fit(x, y).transform(x)
    >>> bool(abs(images[:, 0].mean() - y[:, 0].mean()) < 0.2)
    True
    """

    def __init__(
        self, steps: list[tuple[str, object]], *, residual: Literal["keep", "drop"] = "keep"
    ) -> None:
        self.steps = steps
        self.residual = residual

    def get_params(self, deep: bool = True) -> dict[str, object]:
        """Return parameters, those of the steps as `STEP__NAME`."""
        parameters: dict[str, object] = self._get_params("steps", deep=deep)
        return parameters

    def set_params(self, **parameters: object) -> TwoSamplePipeline:
        """Set parameters, those of the steps as `STEP__NAME`."""
        self._set_params("steps", **parameters)
        return self

    def fit(
        self,
        x: ArrayLike,
        y: ArrayLike,
        weights_x: ArrayLike | None = None,
        weights_y: ArrayLike | None = None,
    ) -> TwoSamplePipeline:
        """Fit the steps to both samples together, then the transport to what they become.

        Parameters
        ----------
        x, y : array-like or data frame of shape (n, d) and (m, d)
        weights_x, weights_y : array-like of shape (n,) and (m,), optional
            Masses for the transport; the steps count every row once.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Different columns, steps as described at the class, or what a step refuses.
        """
        self._refuse_tools_for_one_sample()
        fitted = copy(self)
        transport = self._checked_transport()
        x_rows, y_rows = self._table(x, "x"), self._table(y, "y")
        check_same_dimension(x_rows, y_rows)
        if hasattr(x_rows, "columns") and hasattr(y_rows, "columns"):
            y_rows = y_rows[list(x_rows.columns)]
        validate_data(fitted, x, skip_check_array=True)
        before = [(name, clone(step)) for name, step in self.steps[:-1]]
        fitted.steps_ = Pipeline(before or [("nothing", "passthrough")])
        fitted.steps_.fit(_stacked(x_rows, y_rows))
        x_changed, y_changed = (
            _dense(fitted.steps_.transform(rows), name)
            for rows, name in ((x_rows, "x"), (y_rows, "y"))
        )
        fitted.transport_ = transport.fit(x_changed, y_changed, weights_x, weights_y)
        self.__dict__ = fitted.__dict__
        return self

    def transform(self, x: ArrayLike) -> Images:
        """Return the images of points of the first sample's space, in its units.

        Parameters
        ----------
        x : array-like or data frame of shape (k, d)

        Returns
        -------
        array or data frame of shape (k, d)
            A data frame where `x` is one, unless `set_output` says otherwise; float64.
        """
        check_is_fitted(self)
        return self._like(self._mapped(x, "x", self.transport_.transform), x)

    def inverse_transform(self, y: ArrayLike) -> Images:
        """Return the images of points of the second sample's space; see `transform`."""
        check_is_fitted(self)
        images = self._mapped(y, "y", self.transport_.inverse_transform)
        return self._like(images, y, configured=True)

    def score(self, x: ArrayLike, y: ArrayLike) -> float:
        """Return the transport's semi-dual value on fresh samples, in the units after the steps."""
        check_is_fitted(self)
        value: float = self.transport_.score(self._changed(x, "x"), self._changed(y, "y"))
        return value

    def _mapped(self, points: ArrayLike, name: str, function: Callable[[Array], Array]) -> Images:
        rows = self._table(points, name)
        changed = self._changed(points, name)
        images = self.steps_.inverse_transform(function(changed))
        if self.residual == "keep":
            try:
                lost = np.asarray(rows, dtype=float) - self.steps_.inverse_transform(changed)
            except (TypeError, ValueError) as error:
                raise ValueError(
                    "residual = 'keep' adds numbers to the images, and some columns hold none; "
                    "use residual='drop'."
                ) from error
            images = np.asarray(images) + lost
        return images

    def _changed(self, points: ArrayLike, name: str) -> Array:
        rows = self._table(points, name)
        expected = getattr(self, "feature_names_in_", None)
        columns = getattr(rows, "columns", None)
        if columns is not None and expected is not None and list(columns) != list(expected):
            raise ValueError(
                f"The columns of {name} are {list(columns)[:5]}, those of x in fit were "
                f"{list(expected)[:5]}; pass the same ones in the same order."
            )
        if rows.shape[1] != self.n_features_in_:
            raise ValueError(
                f"{name} has {counted(rows.shape[1], 'column')} but {self.n_features_in_} are "
                "needed: both samples and new points must have the same features."
            )
        return _dense(self.steps_.transform(rows), name)

    def _table(self, points: object, name: str) -> Array | DataFrame:
        """Return points as a 2-D array, or a data frame of pandas, whose columns steps can name."""
        frame = as_pandas(points)
        if frame is None:
            refuse_containers(points, name)
        table = np.asarray(points) if frame is None else frame
        # Steps compute in the type that they are given, which may not hold the other sample.
        if frame is None and table.dtype == np.float32:
            table = table.astype(np.float64)
        elif frame is not None:
            single = frame.dtypes.index[frame.dtypes == np.float32]
            table = frame.astype(dict.fromkeys(single, np.float64))
        if table.ndim != 2:
            raise ValueError(f"{name} has shape {table.shape}; it must be 2-D, one point a row.")
        return table

    def _checked_transport(self) -> KernelOT | KernelOTCV:
        if self.residual not in ("keep", "drop"):
            raise ValueError(f"residual = {self.residual!r} must be 'keep' or 'drop'.")
        if not self.steps or not isinstance(self.steps[-1][1], (KernelOT, KernelOTCV)):
            last = self.steps[-1][1] if self.steps else "nothing"
            raise ValueError(f"The last step is {last!r}; it must be KernelOT() or KernelOTCV().")
        for name, step in self.steps[:-1]:
            if step != "passthrough" and not hasattr(step, "inverse_transform"):
                raise ValueError(
                    f"The step {name!r} ({step!r}) has no inverse_transform, so images cannot be "
                    "taken back to the first units; apply it to both samples before."
                )
        transport: KernelOT | KernelOTCV = clone(self.steps[-1][1])
        return transport


def _dense(changed: object, name: str) -> Array:
    """Return what steps made of a sample as an array, or say that they made it sparse."""
    if hasattr(changed, "toarray"):
        raise ValueError(
            f"The steps make a sparse matrix of {name}, and a transport needs all entries; give "
            "them sparse_output=False, or add TruncatedSVD(...)."
        )
    return np.asarray(changed)


def _stacked(x: Array | DataFrame, y: Array | DataFrame) -> Array | DataFrame:
    x_frame, y_frame = as_pandas(x), as_pandas(y)
    if x_frame is not None and y_frame is not None:
        import pandas

        return pandas.concat([x_frame, y_frame], ignore_index=True)
    return np.concatenate([np.asarray(x), np.asarray(y)])


def make_two_sample_pipeline(
    *steps: object, residual: Literal["keep", "drop"] = "keep"
) -> TwoSamplePipeline:
    """Return a `TwoSamplePipeline` of these steps, named as scikit-learn's `make_pipeline` does.

    Parameters
    ----------
    *steps : estimator
        Transformers with `inverse_transform`, then `KernelOT` or `KernelOTCV`.
    residual : {"keep", "drop"}, default "keep"
        See `TwoSamplePipeline`.

    Returns
    -------
    TwoSamplePipeline
        Not fitted.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.preprocessing import StandardScaler
    >>> from kernel_ot import KernelOT
    >>> pipeline = make_two_sample_pipeline(StandardScaler(), PCA(20), KernelOT())
    >>> [name for name, _ in pipeline.steps]
    ['standardscaler', 'pca', 'kernelot']
    """
    named: Sequence[tuple[str, object]] = make_pipeline(*steps).steps
    return TwoSamplePipeline(list(named), residual=residual)
