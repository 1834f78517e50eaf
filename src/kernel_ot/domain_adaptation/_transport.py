"""The transport in POT's convention, `fit(Xs=, ys=, Xt=, yt=)`, class by class if asked."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.validation import check_is_fitted

from kernel_ot._arrays import Array, check_feature_names, check_points
from kernel_ot.estimator import KernelOT

# POT's mark of a target sample without a label.
_UNKNOWN = -1
_FEWEST_IN_CLASS = 2


class DomainTransport(BaseEstimator):
    """Move source samples to the target domain, so that a classifier trained on them fits there.

    It takes the place of `ot.da.EMDTransport` and its kind.

    Parameters
    ----------
    estimator : KernelOT, optional
        Settings of every map; `KernelOT()` by default.
    classwise : bool, default False
        One map a class, from its source samples to its target samples, so that classes keep to
        themselves and may have other shares in the target. Target samples without a label get one
        by `label_model`, trained on source samples that one map of all has moved.
    label_model : classifier, optional
        15 nearest neighbours by default.

    Attributes
    ----------
    maps_ : dict
        The fitted `KernelOT` of each class; of None for samples of other classes and without
        class-wise maps.
    classes_ : ndarray
        Classes with a map of their own.
    target_labels_ : ndarray of shape (n_target,)
        Where maps are class-wise: known and guessed labels of the target samples.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> rng = np.random.default_rng(0)
    >>> ys = np.repeat([0, 1], 50)
    >>> Xs = rng.normal(size=(100, 2)) + 3.0 * np.stack([ys, -ys], axis=1)
    >>> Xt = Xs @ np.array([[1.5, 0.5], [0.5, 0.7]]) + [5, 0]
    >>> moved = DomainTransport().fit(Xs=Xs, ys=ys, Xt=Xt).transform(Xs=Xs)
    >>> bool(LogisticRegression().fit(moved, ys).score(Xt, ys) > 0.95)
    True
    """

    def __init__(
        self,
        estimator: KernelOT | None = None,
        classwise: bool = False,
        label_model: BaseEstimator | None = None,
    ) -> None:
        self.estimator = estimator
        self.classwise = classwise
        self.label_model = label_model

    def fit(
        self,
        Xs: ArrayLike | None = None,
        ys: ArrayLike | None = None,
        Xt: ArrayLike | None = None,
        yt: ArrayLike | None = None,
    ) -> DomainTransport:
        """Fit the map, or the maps, from source to target.

        Parameters
        ----------
        Xs, Xt : array-like of shape (n, d) and (m, d)
        ys : array-like of shape (n,), optional
            Labels of the source, which class-wise maps need.
        yt : array-like of shape (m,), optional
            Labels of the target, -1 (or NaN) where they are not known; only class-wise maps look
            at them.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            A sample that is missing, labels that class-wise maps need, or as `KernelOT.fit`.
        """
        if Xs is None or Xt is None:
            raise ValueError("Xs and Xt are both needed: fit(Xs=source, ys=labels, Xt=target).")
        check_feature_names(getattr(Xs, "columns", None), Xt, "Xt", of="Xs")
        x, y = check_points(Xs, "Xs"), check_points(Xt, "Xt")
        estimator = KernelOT() if self.estimator is None else self.estimator
        maps: dict[object, KernelOT] = {None: clone(estimator).fit(x, y)}
        classes: list[object] = []
        if self.classwise:
            if ys is None:
                raise ValueError("classwise maps need labels of the source; pass ys.")
            labels = _labels(ys, "ys", len(x))
            moved = maps[None].transform(x)
            guess = KNeighborsClassifier(min(15, len(x))) if self.label_model is None else None
            model = guess or clone(self.label_model)
            self.target_labels_ = model.fit(moved, labels).predict(y)
            if yt is not None:
                known, given = _known(yt, len(y))
                self.target_labels_[known] = given
            for label in np.unique(labels):
                source, target = x[labels == label], y[self.target_labels_ == label]
                if min(len(source), len(target)) >= _FEWEST_IN_CLASS:
                    maps[label] = clone(estimator).fit(source, target)
                    classes.append(label)
            self._label_source = clone(model).fit(x, labels)
            self.ys_ = labels
        self.maps_, self.classes_ = maps, np.array(classes)
        self.xs_, self.n_features_in_ = x, x.shape[1]
        return self

    def transform(
        self,
        Xs: ArrayLike | None = None,
        ys: ArrayLike | None = None,
        Xt: ArrayLike | None = None,
        yt: ArrayLike | None = None,
        batch_size: int = 128,
    ) -> Array:
        """Return source samples moved to the target domain.

        Parameters
        ----------
        Xs : array-like of shape (k, d)
            Those of `fit` or any others.
        ys : array-like of shape (k,), optional
            Their labels, by which class-wise maps are chosen; those of `fit` for its samples, else
            guessed by a `label_model` of the source.
        Xt, yt, batch_size
            Not used; POT's convention.

        Returns
        -------
        ndarray of shape (k, d)
        """
        check_is_fitted(self)
        if Xs is None:
            raise ValueError("Xs is needed: transform(Xs=source).")
        x = check_points(Xs, "Xs", dimension=self.n_features_in_)
        labels = self._labels_of(x, ys)
        if labels is None:
            return np.asarray(self.maps_[None].transform(x))
        moved = np.empty(x.shape)
        for label in np.unique(labels):
            rows = labels == label
            moved[rows] = self.maps_.get(label, self.maps_[None]).transform(x[rows])
        return moved

    def inverse_transform(
        self,
        Xs: ArrayLike | None = None,
        ys: ArrayLike | None = None,
        Xt: ArrayLike | None = None,
        yt: ArrayLike | None = None,
        batch_size: int = 128,
    ) -> Array:
        """Return target samples moved to the source domain, by the map of all classes.

        Parameters
        ----------
        Xt : array-like of shape (k, d)
        Xs, ys, yt, batch_size
            Not used; POT's convention.
        """
        check_is_fitted(self)
        if Xt is None:
            raise ValueError("Xt is needed: inverse_transform(Xt=target).")
        return np.asarray(
            self.maps_[None].inverse_transform(
                check_points(Xt, "Xt", dimension=self.n_features_in_)
            )
        )

    def fit_transform(
        self,
        Xs: ArrayLike | None = None,
        ys: ArrayLike | None = None,
        Xt: ArrayLike | None = None,
        yt: ArrayLike | None = None,
    ) -> Array:
        """Return the samples that were fitted, moved to the target domain."""
        return self.fit(Xs=Xs, ys=ys, Xt=Xt, yt=yt).transform(Xs=Xs, ys=ys)

    def _labels_of(self, x: Array, ys: ArrayLike | None) -> Array | None:
        if not self.classwise:
            return None
        if ys is not None:
            return _labels(ys, "ys", len(x))
        if x.shape == self.xs_.shape and np.array_equal(x, self.xs_):
            return self.ys_
        guessed: Array = self._label_source.predict(x)
        return guessed


def _labels(labels: ArrayLike, name: str, n: int) -> Array:
    array = np.asarray(labels)
    if array.shape != (n,):
        raise ValueError(f"{name} has shape {array.shape}; it must be ({n},), one a sample.")
    return array


def _known(yt: ArrayLike, n: int) -> tuple[Array, Array]:
    """Return which target samples have labels, and those labels."""
    labels = _labels(yt, "yt", n)
    unknown: Array = labels == _UNKNOWN
    if labels.dtype.kind == "f":
        unknown |= np.isnan(labels)
    return ~unknown, labels[~unknown]
