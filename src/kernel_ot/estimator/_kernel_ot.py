"""The estimator."""

from __future__ import annotations

from copy import copy
from pathlib import Path

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from kernel_ot._arrays import Array, RandomState, check_generator, placed_like
from kernel_ot.diagnostics import sample_sizes
from kernel_ot.estimator._by_blocks import is_mapped_by_blocks, map_by_blocks
from kernel_ot.estimator._checks import (
    check_both_samples,
    check_massive,
    check_new_points,
    check_parameters,
)
from kernel_ot.estimator._choosing import choose_settings, judge
from kernel_ot.estimator._derived import semi_dual_terms, set_derived
from kernel_ot.estimator._describing import DescribesItself, warn_of_cautions
from kernel_ot.estimator._fitted import FittedAttributes
from kernel_ot.estimator._fitting import (
    fill_and_solve,
    warn_if_unfinished,
    warn_of_outliers,
    without_outliers,
)
from kernel_ot.estimator._large import ByBlocks, fit_clouds, open_inputs
from kernel_ot.estimator._persistence import Saves
from kernel_ot.estimator._progress import Callback, Narrator, Watch
from kernel_ot.estimator._surface import TwoSampleEstimator
from kernel_ot.kernels import Kernel
from kernel_ot.potentials import Potentials
from kernel_ot.preconditioning import fit_conjugation
from kernel_ot.samples import Images, Masses, Points, Samples, in_own_order
from kernel_ot.selection import Combination, FillingChoice, entropic_potentials, is_auto

_SETTINGS = ("kernel", "reg_sos", "reg_potential")


class KernelOT(DescribesItself, Saves, FittedAttributes, TwoSampleEstimator):
    """Optimal transport between two samples: cost, potentials, and maps at any points.

    The estimator of Vacher et al. (2021): Kantorovich potentials in a reproducing kernel Hilbert
    space, learnt in coordinates in which the Gaussian part of the map is the identity. With all
    defaults nothing needs to be tuned.

    Parameters
    ----------
    kernel : "auto" or Kernel, default "auto"
        Of the potentials and the sum of squares. Kernels act in the preconditioned coordinates, in
        which a coordinate has variance 1 on average. "auto" is a Gaussian of these points
        multiplied by the root of their covariance, so that it resolves most where they vary most;
        its bandwidth is 0.5 or 0.7 times the multiplied points' median distance, chosen by the
        held-out semi-dual value; in the plane 1 times it, above 20 features 0.35 times. From 1500
        points on, among 2 to 4 features, a Matern kernel of smoothness 2.5 too, where held-out
        points clearly prefer it; on the line that kernel alone, with 4 times the median distance.
    reg_sos : "auto" or float, default "auto"
        lambda_1, weight of the trace of the sum-of-squares operator; "auto" is 1e-3. With adaptive
        filling the operator vanishes at the contact points and the estimate does not depend on it.
    reg_potential : "auto" or float, default "auto"
        lambda_2, weight of the potentials' squared norms. "auto" chooses among 1e-1 ... 1e-5 by the
        held-out semi-dual value and takes of it the share of the points that the choice is made on,
        two thirds, less above 600 points; half as much again where the next smaller one did worse
        than the preconditioner alone (up to 1500 points). 1e-3 where filling points are not
        adaptive. Above 20 features it is 1e-3, or 3e-3 where that has more contact pairs than half
        of the points, unless the energy distance between T(x_test) and y_test is clearly smaller
        for one of 3e-3, 1e-2 and 1e-1 or for the preconditioner alone.
    n_fill : "auto" or int, default "auto"
        Number of filling points: the largest number held at once where filling is adaptive ("auto":
        4000), the exact number else ("auto": 300).
    filling : "auto", "adaptive", strategy, or (x_fill, y_fill), default "auto"
        "auto" is "adaptive": cutting planes over all n x m sample pairs and the pairs that the maps
        propose. Strategies: see `kernel_ot.filling.filling_points`. Arrays: in user's coordinates.
    preconditioner : {"gaussian", "scale", None}, default "gaussian"
        What regularisation shrinks to: the Gaussian map, the translation of the means, nothing.
    outliers : {"exclude", "keep"}, default "exclude"
        What to do with rows more than three times the width of their sample outside of it, or few
        by themselves from 1.25 times on (about 8 standard deviations), one of which would bend the
        whole map: leave them out and name them in a warning, or fit them. The width holds all but
        2 % on either side: a larger group is never left out, nor any row of fewer than 20.
    combine : bool, default True
        Whether the kernel's potential is averaged with the Gaussian map's and with entropic ones,
        weighted by the held-out semi-dual value; where kernel and reg_potential are "auto", above
        20 features only where that gains five standard errors. Entropic potentials are fitted on
        parts of about 2000 rows of each sample, at most eight, and averaged. On the line, of more
        than 600 and up to 5000 rows, splines through the sorted points take the place of both.
    method : str, default "auto"
        Method of `kernel_ot.solve`; with adaptive filling "auto" keeps the cutting planes'
        solution, whose optimality is checked independently.
    tol : float, default 1e-8
        Bound on the relative error of the objective, see `kernel_ot.problem.OptimalityReport`.
    violation_tol : float, default 2e-3
        Adaptive filling ends when no pair violates the constraint by more than this part of the
        mean cost of a pair.
    max_iter : int, optional
        Rounds of adaptive filling (default 60), or steps of the solver.
    time_limit : float, optional
        Seconds for the whole fit, kept to a second or a twentieth where rounds are short; at most
        60 % of them compare settings. A fit that was ended holds the best point so far and warns.
    n_splits : "auto" or int, default "auto"
        Random splits over which automatic settings are compared, a third of each sample held out;
        "auto": 3, on the line 5 up to 600 points.
    random_state : int, Generator or None, default 0
        Seeds splits and random filling points. Up to 5000 points the order of rows does not matter.
    verdict : "auto" or bool, default "auto"
        Whether `fit` judges the map by points that it keeps out, for `summary`; "auto": where it
        chose settings. Takes a sixth to a quarter of it, more than the fit where all is given.
    callback : callable, optional
        Called with a `FitProgress` after each setting that was compared, each round and each step;
        its `phase` says which. True stops: a selection with the best setting so far, a fit with the
        best point so far. An exception raised in it, Ctrl-C included, leaves the estimator as it
        was.
    verbose : int, default 0
        1 draws a bar for the whole fit, with the time left; 2 prints each setting, round and step.
    n_jobs : int, optional
        Processes that compare automatic settings: `joblib.Parallel`'s argument; one by default.

    Attributes
    ----------
    cost_ : float
        Estimated optimal cost for `c(x, y) = |x - y|^2 / 2`, in squared user units.
    wasserstein_ : float
        `sqrt(2 cost_)`, 0 if the estimate is negative; in user units.
    potentials_ : Potentials
        u, v, gradients and maps in the user's coordinates.
    certificate_ : Certificate
        Lower bound of the empirical cost and largest violation: proven up to 1e9 sample pairs, from
        3000 rows and with 95 % probability above. `certificate_.proven` says which.
    solution_ : Solution
        In the coordinates of the fit.
    problem_ : Problem
        The finite-dimensional problem that `solution_` solves.
    verdict_ : Verdict or None
        Whether the map is better than the preconditioner alone.
    kernel_, reg_sos_, reg_potential_ : Kernel, float, float
        What was used.
    candidates_ : tuple of Candidate
        Settings that were compared, with both criteria; see `kernel_ot.plots.selection`.
    rounds_ : tuple of FillingRound
        Rounds of adaptive filling; empty else.
    x_fill_, y_fill_ : ndarray of shape (l, d)
        Filling points in the user's coordinates.
    conjugation_ : Conjugation
        The preconditioner.
    combination_ : Combination
        The weights of what is combined.
    entropic_ : tuple of EntropicPotentials
        The entropic potentials that carry weight, in the coordinates of the fit; mostly none. At
        each regularisation one for every part of the samples.
    outliers_ : tuple of ndarray
        Indices of the rows of x and of y that were left out.
    n_features_in_, feature_names_in_ : int, ndarray of str
        The names where x is a data frame.

    Notes
    -----
    `y` in `fit(x, y)` is the second sample, with any number of rows: a transport problem has no
    targets, so tools that split X and y by one index, such as `GridSearchCV`, do not apply. JAX
    arrays are fitted on the host; `potentials_` then are pytrees of JAX arrays on the device of x.
    Above 5000 points fits look at batches, `samples_` is a random part, and `summary_of_all_`
    (None else) has what passes over all points said.

    References
    ----------
    A. Vacher, B. Muzellec, A. Rudi, F. Bach, F.-X. Vialard, A dimension-free computational
    upper-bound for smooth optimal transport estimation, COLT 2021, arXiv 2101.05380.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import KernelOT
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(60, 2)), rng.normal(size=(80, 2)) + [3, 0]
    >>> model = KernelOT().fit(x, y)
    >>> bool(abs(model.wasserstein_ - 3) < 0.5)
    True
    >>> model.transform(np.zeros((5, 2))).shape
    (5, 2)
    """

    def __init__(
        self,
        kernel: str | Kernel = "auto",
        reg_sos: str | float = "auto",
        reg_potential: str | float = "auto",
        n_fill: str | int = "auto",
        filling: FillingChoice = "auto",
        preconditioner: str | None = "gaussian",
        method: str = "auto",
        tol: float = 1e-8,
        violation_tol: float = 2e-3,
        max_iter: int | None = None,
        time_limit: float | None = None,
        n_splits: str | int = "auto",
        random_state: RandomState = 0,
        verdict: str | bool = "auto",
        callback: Callback | None = None,
        verbose: int = 0,
        n_jobs: int | None = None,
        outliers: str = "exclude",
        combine: bool = True,
    ) -> None:
        self.kernel = kernel
        self.reg_sos = reg_sos
        self.reg_potential = reg_potential
        self.n_fill = n_fill
        self.filling = filling
        self.preconditioner = preconditioner
        self.outliers = outliers
        self.combine = combine
        self.method = method
        self.tol = tol
        self.violation_tol = violation_tol
        self.max_iter = max_iter
        self.time_limit = time_limit
        self.n_splits = n_splits
        self.random_state = random_state
        self.verdict = verdict
        self.callback = callback
        self.verbose = verbose
        self.n_jobs = n_jobs

    def fit(
        self, x: Points, y: Points, weights_x: Masses | None = None, weights_y: Masses | None = None
    ) -> KernelOT:
        """Estimate the transport from the sample `x` to the sample `y`.

        Parameters
        ----------
        x : array-like of shape (n, d), path, Dask array, iterable of blocks
            The first sample; a data frame's column names are kept. All but arrays and tables are
            read by blocks, see `kernel_ot.samples.open_points`; blocks must be there repeatedly.
        y : the same, of shape (m, d)
            The second sample, in the same features; n and m need not be equal.
        weights_x, weights_y : the same, of shape (n,) and (m,), optional
            Masses, rescaled to sum to one; equal by default.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Samples, weights or parameters that cannot be used; the message names the argument and
            the remedy. `MemoryLimitError` (a ValueError) where memory would not suffice.

        Warns
        -----
        OutlierWarning
            Rows were left out.
        ConvergenceWarning
            The solve did not reach `tol`, filling left violated pairs, or time_limit ended the
            comparison of settings. The fitted attributes hold the best point reached.
        CautionWarning
            The fit has a fault that it can see itself; `summary().cautions` has all of them.
        """
        self._refuse_tools_for_one_sample()
        fitted = copy(self)
        fitted._fit(x, y, weights_x, weights_y)
        # One assignment of everything: an interrupted fit leaves the old map with the old cost.
        self.__dict__ = fitted.__dict__
        warn_of_outliers(sample_sizes(self), self.outliers_)
        # Of many points a share may stay violated; if more does, the status says so.
        rounds = self.rounds_ if self.summary_of_all_ is None else ()
        if not warn_if_unfinished(self.solution_, rounds, self.violation_tol):
            warn_of_cautions(self)
        return self

    def _fit(
        self, x: Points, y: Points, weights_x: Masses | None, weights_y: Masses | None
    ) -> None:
        check_parameters(self)
        opened = open_inputs(self, x, y, weights_x, weights_y)
        if isinstance(opened, ByBlocks):
            fit_clouds(self, opened, x)
            return
        self._fit_samples(
            check_both_samples(opened.x, opened.y, opened.weights_x, opened.weights_y)
        )
        validate_data(self, opened.x, skip_check_array=True)
        self.potentials_ = placed_like(self._fitted_potentials(), opened.x, opened.y)

    def _fit_samples(self, samples: Samples, combination: Combination | None = None) -> None:
        """Fit what is in memory, combined with these weights if they were chosen before."""
        samples, self.outliers_ = without_outliers(samples, self.outliers)
        seen = samples.with_mass()
        check_massive(seen)
        seen.check_spread()
        seen = in_own_order(seen)  # whatever is drawn from here on
        rng = check_generator(self.random_state, "random_state")
        change = fit_conjugation(
            seen.x, seen.y, self.preconditioner, seen.weights_x, seen.weights_y
        )
        # Equal rows are one point with their mass; what was seen how often says more above and in
        # the splits of the selection.
        changed = change.changed(seen.distinct())
        narrator = Narrator(self.verbose, self.callback, self.violation_tol)
        watch = Watch(narrator.tell, self.time_limit)
        chosen = choose_settings(seen, changed, self, rng=rng, watch=watch)
        settings, self.candidates_ = chosen.settings, chosen.candidates
        self.kernel_ = settings.kernel
        self.reg_sos_, self.reg_potential_ = settings.reg_sos, settings.reg_potential
        self.combination_ = chosen.combination if combination is None else combination
        self.entropic_ = entropic_potentials(changed, self.combination_.regularisations)
        problem, self.solution_, self.rounds_ = fill_and_solve(
            changed, change, settings, self, rng=rng, watch=watch, contacts=chosen.contacts
        )
        self.conjugation_, self.n_features_in_ = change, samples.dimension
        set_derived(self, samples, problem)
        self.verdict_ = None
        was_chosen = chosen.candidates and not watch.stopped
        if self.verdict is True or (is_auto(self.verdict) and was_chosen):
            self.verdict_ = judge(chosen, seen, self.preconditioner, self._refit, rng)
        narrator.end(self.solution_.status.name, self.cost_)

    def _refit(self, part: Samples) -> KernelOT:
        """Return a fit of other samples with the settings of this one."""
        settings = {name: getattr(self, name + "_") for name in _SETTINGS}
        quiet = {"verdict": False, "callback": None, "verbose": 0, "outliers": "keep"}
        fitted = type(self)(**self.get_params(deep=False) | settings | quiet)
        fitted._fit_samples(part, self.combination_)
        return fitted

    def transform(self, x: Points, out: str | Path | None = None) -> Images:
        """Return T(x) = x - grad u(x), the images of points of the first sample's space.

        Parameters
        ----------
        x : array-like of shape (k, d), path, Dask array, or blocks
        out : str or Path, optional
            A .npy file that the images of an array or a file are written to.

        Returns
        -------
        array of shape (k, d)
            float32 if `x` is and the images keep range and digits in it, else float64; a JAX array
            if `x` or the samples of `fit` are; a data frame if `x` is one, unless `set_output` says
            otherwise. What is read by blocks is mapped by blocks: a memory map (also with `out`), a
            lazy Dask array, an iterator of blocks.
        """
        if is_mapped_by_blocks(x, out):
            transport = self._fitted_potentials().transport
            return map_by_blocks(transport, x, "x", self.n_features_in_, out)
        return self._like(self._fitted_potentials().transport(self._check_new(x, "x")), x)

    def inverse_transform(self, y: Points, out: str | Path | None = None) -> Images:
        """Return S(y) = y - grad v(y), the images of points of the second sample's space.

        Parameters and result are those of `transform`.
        """
        if is_mapped_by_blocks(y, out):
            transport = self._fitted_potentials().inverse_transport
            return map_by_blocks(transport, y, "y", self.n_features_in_, out)
        images = self._fitted_potentials().inverse_transport(self._check_new(y, "y"))
        return self._like(images, y, configured=True)

    @property
    def n_iter_(self) -> int:
        """Rounds of adaptive filling, or steps of the solver."""
        return self.solution_.iterations

    def score(self, x: Points, y: Points) -> float:
        """Return the semi-dual value on fresh samples: mean u(x) + mean u^c(y); larger is better.

        For every u its expectation is a lower bound of the optimal cost, so nothing can be gained
        by overfitting. u^c is minimised over all of R^d, see `c_transform`.

        Parameters
        ----------
        x, y : array-like of shape (k, d) and (l, d)
            Points that were not fitted.

        Returns
        -------
        float
        """
        u, transformed = self.semi_dual_terms(x, y)
        return float(u.mean() + transformed.mean())

    def semi_dual_terms(self, x: Points, y: Points) -> tuple[Array, Array]:
        """Return u(x_i) of shape (k,) and u^c(y_j) of shape (l,), whose means add up to `score`."""
        check_is_fitted(self)
        x = np.asarray(self._check_new(x, "x"), dtype=np.float64)
        y = np.asarray(self._check_new(y, "y"), dtype=np.float64)
        return semi_dual_terms(self, x, y)

    def _check_new(self, points: Points, name: str) -> Array:
        check_is_fitted(self)
        return check_new_points(self, points, name)

    def _fitted_potentials(self) -> Potentials:
        check_is_fitted(self)
        return self.potentials_
