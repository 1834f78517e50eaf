"""What scikit-learn's tools and data frames meet: names, containers, refusals."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from types import FrameType

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from kernel_ot._arrays import FRAME_LIBRARIES, Array, frame_library, is_pandas
from kernel_ot.samples import Images

# Calls of these lie between a tool of scikit-learn's and the `fit` that it calls.
_BETWEEN = ("sklearn", "joblib", "kernel_ot.estimator", "contextlib", "threadpoolctl")
_NO_STEP = (None, "passthrough")


class TwoSampleEstimator(TransformerMixin, BaseEstimator):
    """A transformer whose `fit(x, y)` takes two samples; base of `KernelOT` and `KernelOTCV`."""

    n_features_in_: int
    feature_names_in_: Array

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> Array:
        """Return the names of the columns of `transform(x)`, which are those of x.

        Parameters
        ----------
        input_features : sequence of str, optional
            Names for columns that `fit` saw none for; else they must be those of `fit`.

        Returns
        -------
        ndarray of str, shape (d,)
            `x0`, `x1`, ... where there are no names.

        Raises
        ------
        ValueError
            `input_features` of another length, or other names than in `fit`.
        """
        check_is_fitted(self)
        known = getattr(self, "feature_names_in_", None)
        if input_features is None:
            names = [f"x{i}" for i in range(self.n_features_in_)] if known is None else known
            return np.asarray(names, dtype=object)
        if len(input_features) != self.n_features_in_:
            raise ValueError(
                f"input_features should have length equal to number of features "
                f"({self.n_features_in_}), got {len(input_features)}."
            )
        if known is not None and list(input_features) != list(known):
            raise ValueError("input_features is not equal to feature_names_in_; leave it out.")
        return np.asarray(input_features, dtype=object)

    def _refuse_tools_for_one_sample(self) -> None:
        """Raise ValueError if a tool of scikit-learn's that cannot serve two samples calls `fit`.

        A Pipeline changes x and not y, which its other steps take for labels; a search or
        cross-validation cuts both samples by one index. Neither tells the estimator, and a change
        of units cannot be seen in the samples, so the calls that led here are looked at.
        """
        for frame in _callers():
            name, function = frame.f_globals.get("__name__", ""), frame.f_code.co_name
            if name == "sklearn.pipeline" and function in ("fit", "fit_transform", "_fit"):
                _refuse_steps_before(getattr(frame.f_locals.get("self"), "steps", []))
            if name == "sklearn.model_selection._validation" and function == "_fit_and_score":
                raise ValueError(
                    "GridSearchCV, cross_validate and their kind cut x and y by one index, but x "
                    "and y are two samples whose rows have nothing to do with each other. Use "
                    "KernelOTCV, which cuts each on its own."
                )

    def _like(self, images: Images, points: object, *, configured: bool = False) -> Images:
        """Return `images` in the container that was asked for, else in that of `points`.

        `configured` is for methods that `set_output` does not wrap by itself.
        """
        own = getattr(self, "_sklearn_output_config", {}).get("transform")
        wanted = own or get_config()["transform_output"]
        if wanted in FRAME_LIBRARIES:
            return self._frame(images, points, wanted) if configured else images
        library = frame_library(points)
        if library is not None and not own:
            return self._frame(images, points, library)
        return images.to_numpy() if frame_library(images) else images

    def _frame(self, images: Images, points: object, library: str) -> Images:
        names = [str(name) for name in self.get_feature_names_out()]
        if library == "polars":
            import polars

            if is_pandas(images):
                return polars.from_pandas(images)
            return polars.DataFrame(np.asarray(images), schema=names, orient="row")
        import pandas

        frame = images if is_pandas(images) else pandas.DataFrame(np.asarray(images))
        columns, index = (
            (points.columns, points.index) if is_pandas(points) else (names, frame.index)
        )
        return frame.set_axis(columns, axis=1).set_axis(index, axis=0)


def _refuse_steps_before(steps: Sequence[tuple[str, object]]) -> None:
    places = (i for i, (_, step) in enumerate(steps) if isinstance(step, TwoSampleEstimator))
    before = [label for label, step in steps[: next(places, 0)] if step not in _NO_STEP]
    if before:
        raise ValueError(
            f"This Pipeline applies its steps {', '.join(map(repr, before))} to x and not to y, "
            "and a transport needs both samples in the same coordinates. Use "
            "kernel_ot.pipeline.make_two_sample_pipeline(...) with the same steps."
        )


def _callers() -> Iterator[FrameType]:
    """Yield the calls that led to `fit`, up to the first that is not scikit-learn's or ours."""
    frame: FrameType | None = sys._getframe(
        3
    )  # of this generator, its loop, `fit`: the call of `fit`
    while frame is not None and str(frame.f_globals.get("__name__", "")).startswith(_BETWEEN):
        yield frame
        frame = frame.f_back
