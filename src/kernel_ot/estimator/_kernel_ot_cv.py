"""Cross-validation over kernels and regularisations."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from copy import copy
from itertools import product
from pathlib import Path as FilePath
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from kernel_ot._arrays import RandomState, check_generator, check_jobs, shown
from kernel_ot.diagnostics import Diagnostics
from kernel_ot.estimator._checks import (
    check_both_samples,
    check_grid,
    check_massive,
    check_parameters,
)
from kernel_ot.estimator._fitting import without_outliers
from kernel_ot.estimator._kernel_ot import KernelOT
from kernel_ot.estimator._surface import TwoSampleEstimator
from kernel_ot.kernels import Kernel
from kernel_ot.preconditioning import brought_near, fit_conjugation
from kernel_ot.samples import (
    Images,
    Masses,
    Points,
    Samples,
    in_own_order,
    naming_a_lost_cluster,
)
from kernel_ot.selection import (
    CRITERIA,
    REG_POTENTIALS,
    REG_SOS,
    Candidate,
    Criterion,
    Filling,
    KernelChoice,
    Path,
    Splitter,
    Walk,
    baseline_candidate,
    best_candidate,
    default_kernel,
    error_over_splits,
    fold_splits,
    is_auto,
    make_candidate,
    score_path,
)


class KernelOTCV(TwoSampleEstimator):
    """`KernelOT` with kernel and regularisations chosen by cross-validation.

    Both samples are cut into folds, each on its own; every setting is fitted without one fold of
    each and judged on it. All settings are tried, where `KernelOT()` alone compares fewer on three
    random splits: this takes longer and says more.

    Parameters
    ----------
    estimator : KernelOT, optional
        Everything but kernel and regularisations (`filling`, `preconditioner`, ...), `KernelOT()`
        by default. It is not modified.
    kernels : sequence of float or Kernel, default (0.5, 0.7, 1.0, 1.4)
        A number is the bandwidth, in median distances, of the Gaussian that `KernelOT` takes where
        its kernel is "auto".
    reg_potentials : sequence of float, default 1e-1 ... 1e-5
        lambda_2.
    reg_sos : sequence of float, default (1e-3,)
        lambda_1. With adaptive filling the estimate does not depend on it, so more than one value
        needs another filling.
    cv : int or splitter, default 5
        Number of folds; or an object with scikit-learn's `split(points)`, applied to each sample.
    criterion : {"semi_dual", "energy"}, default "semi_dual"
        What the choice is made by: the largest held-out semi-dual value, mean u(x_test) + mean
        u^c(y_test) with u^c minimised over all of R^d; or the smallest energy distance between
        T(x_test) and y_test. Both are computed and reported.
    refit : bool, default True
        Fit the best setting on the whole samples.
    n_jobs : int, optional
        Pairs of fold and kernel that run at once: `joblib.Parallel`'s argument. The backend is
        joblib's, so `with joblib.parallel_config(backend="dask"):` spreads them over a cluster.
    verbose : int, default 0
        joblib's progress messages.
    random_state : int, Generator or None, default 0
        Shuffles the points into folds and seeds what is random in a fit. The result does not depend
        on `n_jobs` beyond rounding (workers may run with another number of BLAS threads).

    Attributes
    ----------
    cv_results_ : dict of str to list or ndarray
        One entry a setting: `params`; for either criterion, here semi_dual, `split0_test_semi_dual`
        ..., `mean_test_semi_dual`, `standard_error_test_semi_dual` (over folds) and
        `rank_test_semi_dual` (1 is best); `mean_fit_time`, in seconds; `complete`, whether filling
        ended on every split.
    best_index_ : int
        The place in `cv_results_` of the best setting that is complete; of all if none is.
    best_params_ : dict
        kernel, reg_sos and reg_potential, ready for `KernelOT(**best_params_)`. A bandwidth in
        median distances is turned into the whole samples' units.
    best_score_ : float
        Its mean criterion.
    best_estimator_ : KernelOT
        Fitted to the whole samples; if `refit`.
    baseline_ : Candidate
        The preconditioner alone, on the same folds: the Gaussian map by default.
    candidates_ : tuple of Candidate
        The baseline, then all settings in the order of `cv_results_`; see
        `kernel_ot.plots.selection`.
    n_splits_ : int
    n_features_in_ : int

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import KernelOTCV
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(60, 1)), np.exp(rng.normal(size=(60, 1)))
    >>> search = KernelOTCV(kernels=(0.5, 1.0), reg_potentials=(1e-1, 1e-3), cv=3).fit(x, y)
    >>> search.best_params_["reg_potential"]
    0.001
    >>> search.transform([[0.0]]).shape
    (1, 1)
    """

    best_estimator_: KernelOT
    candidates_: tuple[Candidate, ...]

    def __init__(
        self,
        estimator: KernelOT | None = None,
        *,
        kernels: Iterable[KernelChoice] = (0.5, 0.7, 1.0, 1.4),
        reg_potentials: Iterable[float] = REG_POTENTIALS,
        reg_sos: Iterable[float] = (REG_SOS,),
        cv: int | Splitter = 5,
        criterion: Criterion = "semi_dual",
        refit: bool = True,
        n_jobs: int | None = None,
        verbose: int = 0,
        random_state: RandomState = 0,
    ) -> None:
        self.estimator = estimator
        self.kernels = kernels
        self.reg_potentials = reg_potentials
        self.reg_sos = reg_sos
        self.cv = cv
        self.criterion = criterion
        self.refit = refit
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    def fit(
        self, x: Points, y: Points, weights_x: Masses | None = None, weights_y: Masses | None = None
    ) -> KernelOTCV:
        """Compare all settings and fit the best one to the whole samples.

        Parameters
        ----------
        x, y : array-like of shape (n, d) and (m, d)
            At least as many points as folds, and 2 in each training part.
        weights_x, weights_y : array-like of shape (n,) and (m,), optional
            Masses, as in `KernelOT.fit`.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As `KernelOT.fit`; and an empty grid, an unknown criterion, too many folds.

        Warns
        -----
        ConvergenceWarning
            Filling ended for no setting; and as `KernelOT.fit`.
        """
        self._refuse_tools_for_one_sample()
        searched = copy(self)
        searched._search(x, y, weights_x, weights_y)
        # One assignment of everything: an interrupted search leaves the one before.
        self.__dict__ = searched.__dict__
        return self

    def _search(
        self, x: Points, y: Points, weights_x: Masses | None, weights_y: Masses | None
    ) -> None:
        check_jobs(self.n_jobs)
        estimator = self._checked_estimator()
        filling = Filling(estimator.filling, estimator.n_fill)
        kernels, regularisations = check_grid(self, adaptive=filling.adaptive)
        samples = check_both_samples(x, y, weights_x, weights_y)
        has_splitter = hasattr(self.cv, "split")  # which counts all rows, in their order
        if not has_splitter:
            samples = samples.with_mass()
        samples.check_spread()
        samples = without_outliers(samples, estimator.outliers)[0].with_mass()
        check_massive(samples)
        if not has_splitter:
            samples = in_own_order(samples)
        near = brought_near(samples, estimator.preconditioner)
        samples = near.samples
        rng = check_generator(self.random_state, "random_state")
        splits = fold_splits(samples, self.cv, rng)
        paths = [Path(k, regularisations, estimator.preconditioner, filling) for k in kernels]
        with naming_a_lost_cluster("the search"):
            walks: list[Walk] = Parallel(n_jobs=self.n_jobs, verbose=self.verbose)(
                delayed(score_path)(path, split) for path, split in product(paths, splits)
            )
        self.n_splits_ = len(splits)
        self._set_results(kernels, walks, near.cost)
        self._set_best(samples, estimator.preconditioner, rng)
        # Compared without the cost of the shift, and told with it.
        self.candidates_ = tuple(candidate.plus(near.cost) for candidate in self.candidates_)
        self.baseline_ = self.candidates_[0]
        validate_data(self, x, skip_check_array=True)
        if hasattr(self, "best_estimator_"):
            del self.best_estimator_  # of an earlier fit
        if self.refit:
            best: KernelOT = clone(estimator).set_params(**self.best_params_)
            if is_auto(best.verdict):  # these settings were chosen too, if not by it
                best.set_params(verdict=True)
            best.fit(x, y, weights_x, weights_y).candidates_ = self.candidates_
            self.best_estimator_ = best

    def transform(self, x: Points) -> Images:
        """Return T(x) of the best estimator, see `KernelOT.transform`."""
        return self._like(self._refitted().transform(x), x)

    def inverse_transform(self, y: Points) -> Images:
        """Return S(y) of the best estimator, see `KernelOT.inverse_transform`."""
        return self._like(self._refitted().inverse_transform(y), y, configured=True)

    def score(self, x: Points, y: Points) -> float:
        """Return the best estimator's semi-dual value on fresh samples, see `KernelOT.score`."""
        return self._refitted().score(x, y)

    def summary(self, x: Points | None = None, y: Points | None = None) -> Diagnostics:
        """Return the best estimator's diagnostics, see `KernelOT.summary`."""
        return self._refitted().summary(x, y)

    def report(
        self, path: str | FilePath, x: Points | None = None, y: Points | None = None
    ) -> FilePath:
        """Write the best estimator's report, with the criterion over the grid; see `KernelOT`."""
        return self._refitted().report(path, x, y)

    def _checked_estimator(self) -> KernelOT:
        estimator = KernelOT() if self.estimator is None else self.estimator
        if not isinstance(estimator, KernelOT):
            raise ValueError(
                f"estimator = {shown(estimator)} must be a KernelOT or None (the default)."
            )
        check_parameters(estimator)
        return estimator

    def _set_results(
        self, kernels: tuple[KernelChoice, ...], walks: list[Walk], cost_of_shift: float
    ) -> None:
        n_splits = self.n_splits_
        grid: list[Candidate] = []
        times: list[float] = []
        for number, kernel in enumerate(kernels):
            folds = walks[number * n_splits : (number + 1) * n_splits]
            for scores in zip(*(walk.scores for walk in folds), strict=True):
                grid.append(make_candidate(kernel, scores))
                times.append(float(np.mean([score.seconds for score in scores])))
        baseline = baseline_candidate([walk.baseline for walk in walks[:n_splits]])
        self.candidates_ = (baseline, *grid)
        results: dict[str, Any] = {  # scikit-learn's table: a list or an array a column
            "params": [
                {
                    "kernel": c.bandwidth_factor if c.kernel is None else c.kernel,
                    "reg_sos": c.reg_sos,
                    "reg_potential": c.reg_potential,
                }
                for c in grid
            ]
        }
        for criterion in CRITERIA:
            values = np.array([getattr(c, criterion) for c in grid])
            told = values + (cost_of_shift if criterion == "semi_dual" else 0.0)
            results |= {f"split{k}_test_{criterion}": told[:, k] for k in range(n_splits)}
            results[f"mean_test_{criterion}"] = told.mean(axis=1)
            results[f"standard_error_test_{criterion}"] = np.array(
                [error_over_splits(row) for row in values]
            )
            gains = np.array([c.gain(criterion) for c in grid])
            results[f"rank_test_{criterion}"] = 1 + np.sum(gains[:, None] < gains, axis=1)
        results["mean_fit_time"] = np.array(times)
        results["complete"] = np.array([c.complete for c in grid])
        self.cv_results_ = results

    def _set_best(
        self, samples: Samples, preconditioner: str | None, rng: np.random.Generator
    ) -> None:
        grid = self.candidates_[1:]
        ended = tuple(candidate for candidate in grid if candidate.complete)
        if not ended:
            warnings.warn(
                "Filling ended for none of the settings, so that their values say little; offer "
                "larger reg_potentials or wider kernels.",
                ConvergenceWarning,
                stacklevel=4,
            )
        best = best_candidate(ended or grid, self.criterion)
        self.best_index_ = grid.index(best)
        self.best_score_ = float(self.cv_results_[f"mean_test_{self.criterion}"][self.best_index_])
        kernel: Kernel | None = best.kernel
        if kernel is None:
            change = fit_conjugation(
                samples.x, samples.y, preconditioner, samples.weights_x, samples.weights_y
            )
            kernel = default_kernel(best.bandwidth_factor, change.changed(samples.distinct()), rng)
        # For `KernelOT(**best_params_)`, each of which is of another type.
        self.best_params_: dict[str, Any] = {
            "kernel": kernel,
            "reg_sos": best.reg_sos,
            "reg_potential": best.reg_potential,
        }

    def _refitted(self) -> KernelOT:
        check_is_fitted(self)
        if not hasattr(self, "best_estimator_"):
            raise AttributeError(
                "KernelOTCV was fitted with refit=False, so there is no best_estimator_; "
                "fit KernelOT(**search.best_params_) or set refit=True."
            )
        return self.best_estimator_
