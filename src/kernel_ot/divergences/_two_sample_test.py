"""Whether two samples are of one distribution: a permutation test."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from kernel_ot._arrays import (
    Array,
    Namespace,
    block_slices,
    check_generator,
    check_jobs,
    check_positive,
    namespace_of,
    on_host,
)
from kernel_ot._linalg import blas_on_one_thread
from kernel_ot.divergences._checks import check_settings, checked_samples
from kernel_ot.divergences._linearised import draw_landmarks, quadratic_factor, resolutions
from kernel_ot.divergences._permutations import Labels, assignments, check_blocks, check_groups
from kernel_ot.divergences._settings import DivergenceSettings

# Two statistics that differ by less are equal: rounding must not decide about ties.
_TIE = 1e-9


@dataclass(frozen=True, eq=False)
class TwoSampleTest:
    """A two-sample test and what it says.

    Attributes
    ----------
    statistic : float
        Large where the samples differ; see `two_sample_test` for its unit.
    p_value : float
        The share of assignments, the true one among them, whose statistic is as large.
    standard_error : float
        Of `p_value` by the draw of permutations; 0 where all were looked at.
    null : ndarray of shape (n_permutations,)
        The statistics of the other assignments.
    exact : bool
        Whether those are all there are.

    Examples
    --------
    >>> import numpy as np
    >>> import kernel_ot
    >>> x = np.random.default_rng(0).normal(size=(40, 2))
    >>> test = kernel_ot.two_sample_test(x, x + 1, n_permutations=99)
    >>> test.p_value, test.n_permutations
    (0.01, 99)
    """

    statistic: float
    p_value: float
    standard_error: float
    null: Array = field(repr=False)
    exact: bool

    @property
    def n_permutations(self) -> int:
        """How many other assignments were looked at."""
        return len(self.null)

    def __str__(self) -> str:
        drawn = (
            f"all {self.n_permutations} other assignments"
            if self.exact
            else f"{self.n_permutations} random permutations"
        )
        error = "" if self.exact else f" +- {self.standard_error:.2g}"
        verdict = (
            "The samples differ" if self.p_value <= 0.05 else "No difference was found (at 5 %)"
        )
        return (
            f"{verdict}: p = {self.p_value:.4g}{error} by {drawn}, statistic {self.statistic:.4g}."
        )


@blas_on_one_thread()
def two_sample_test(
    x: ArrayLike,
    y: ArrayLike,
    n_permutations: int = 999,
    random_state: int = 0,
    n_jobs: int | None = None,
    *,
    settings: DivergenceSettings | None = None,
    blocks: Labels | None = None,
    groups: Labels | None = None,
) -> TwoSampleTest:
    r"""Test whether two samples are of one distribution.

    The statistic is the kernel transport divergence linearised at the pooled sample, where both
    hypotheses meet: a quadratic form in the masses, of which permutations share everything. Its
    p-values are valid for every sample size, since who belongs to which sample enters nothing else.

    Parameters
    ----------
    x, y : array of shape (n, d) and (m, d)
        At least 2 points each. On JAX arrays permutations are a batch on their device.
    n_permutations : int, default 999
        The smallest p-value is 1 / (1 + n_permutations). Where there are no more ways than that to
        split the points, all are looked at and the test is exact.
    random_state : int, default 0
        Draws permutations and landmarks.
    n_jobs : int, optional
        Permutations are spread by joblib, whose `parallel_config` says over what: processes, or a
        Dask cluster. Results do not depend on it. By default in this process, which is faster below
        some ten thousand points.
    settings : DivergenceSettings, optional
        One kernel and regularisation, with which the statistic is half of a squared norm in the
        samples' squared unit: for small differences the value of `divergence`. By default four
        resolutions, from a quarter of the median distance to the median distance; each is
        standardised by its own permutations, and the statistic is the logarithm of the mean of
        their exponentials (Biggs, Schrab and Gretton 2023). Settings must not be chosen from who
        belongs to which sample: choose them from other data or from a pooled sample.
    blocks : (blocks_x, blocks_y), optional
        Labels of shape (n,) and (m,); points are exchanged within equal labels only. For paired
        samples the pair, for several batches or donors the batch.
    groups : (groups_x, groups_y), optional
        Labels of shape (n,) and (m,); points of equal labels change samples together. For points
        that are not independent: frames of one film, cells of one donor where whole donors were
        treated. Exchanged singly, they make equal distributions look different. Not together with
        `blocks`.

    Returns
    -------
    TwoSampleTest

    Raises
    ------
    ValueError
        Input that is none, as for `divergence`; blocks within which nothing can be exchanged; a
        group with points of both samples; blocks and groups at once.

    References
    ----------
    F. Biggs, A. Schrab, A. Gretton, MMD-FUSE: learning and combining kernels for two-sample testing
    without data splitting, NeurIPS 2023. M. Hemerik, J. Goeman, Exact testing with random
    permutations, TEST 27 (2018).

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import two_sample_test
    >>> rng = np.random.default_rng(0)
    >>> found = two_sample_test(rng.normal(size=(80, 2)), rng.normal(size=(80, 2)) + [1, 0])
    >>> print(found)
    The samples differ: p = 0.001 +- 0.001 by 999 random permutations, statistic ...
    """
    samples = checked_samples(on_host(x), on_host(y))
    count = check_positive(n_permutations, "n_permutations")
    if count != int(count):
        raise ValueError(f"n_permutations = {n_permutations!r} must be an integer.")
    check_jobs(n_jobs)
    rng = check_generator(random_state, "random_state")
    xp = namespace_of(samples.x)
    sides = [np.asarray(points, dtype=np.float64) for points in (samples.x, samples.y)]
    pooled = np.concatenate(sides)
    n, m = map(len, sides)
    taken, exact = _assignments(blocks, groups, n, m, int(count), rng)
    landmarks = draw_landmarks(pooled, rng)
    if settings is None:
        chosen = resolutions(pooled, rng)
    else:
        check_settings(settings, samples.dimension)
        chosen = [(settings.kernel, settings.reg_potential)]
    factors = [quadratic_factor(pooled, landmarks, *pair) for pair in chosen]
    values = _forms(factors, taken, n_jobs, xp)
    statistics = values[0] if settings is not None else _combined(values)
    return _test(statistics, exact)


def _assignments(
    blocks: Labels | None,
    groups: Labels | None,
    n: int,
    m: int,
    count: int,
    rng: np.random.Generator,
) -> tuple[Array, bool]:
    if groups is None:
        return assignments(n, check_blocks(blocks, n, m), count, rng)
    if blocks is not None:
        raise ValueError(
            "blocks and groups cannot be given at once: blocks say within what single points are "
            "exchanged, groups what is exchanged whole."
        )
    numbers, of_x = check_groups(groups, n, m)
    one_block = np.zeros(int(numbers.max()) + 1, dtype=np.intp)
    taken, exact = assignments(of_x, one_block, count, rng)
    return taken[:, numbers], exact


def _forms(factors: list[Array], taken: Array, n_jobs: int | None, xp: Namespace) -> Array:
    """Return the quadratic form of every factor (rows) at every assignment (columns)."""
    if n_jobs is None:
        return _forms_of(factors, taken, xp)
    from joblib import Parallel, delayed, effective_n_jobs

    parts = np.array_split(taken, max(1, min(len(taken), effective_n_jobs(n_jobs))))
    # Every process takes NumPy; on a device the batch is not split.
    results = Parallel(n_jobs)(delayed(_forms_of)(factors, part, np) for part in parts)
    return np.concatenate(results, axis=1)


def _forms_of(factors: list[Array], taken: Array, xp: Namespace) -> Array:
    moved = [xp.asarray(factor) for factor in factors]
    blocks = []
    for rows in block_slices(len(taken), taken.shape[1]):
        mine, others = taken[rows], ~taken[rows]
        # Whole groups differ in size, so that samples do.
        shares = mine / mine.sum(axis=1, keepdims=True)
        masses = xp.asarray((shares - others / others.sum(axis=1, keepdims=True)).T)
        forms = [xp.sum(xp.square(factor @ masses), axis=0) for factor in moved]
        blocks.append(np.stack([np.asarray(form) for form in forms]))
    return np.concatenate(blocks, axis=1)


def _combined(values: Array) -> Array:
    """Return one statistic an assignment, symmetric in all of them."""
    centred = values - values.mean(axis=1, keepdims=True)
    spread = centred.std(axis=1, keepdims=True)
    standardised = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)
    return np.asarray(np.logaddexp.reduce(standardised, axis=0) - np.log(len(values)))


def _test(statistics: Array, exact: bool) -> TwoSampleTest:
    observed, null = float(statistics[0]), statistics[1:]
    leeway = _TIE * max(abs(observed), float(np.abs(statistics).mean()))
    p_value = float(np.mean(statistics >= observed - leeway))
    error = 0.0 if exact else float(np.sqrt(p_value * (1 - p_value) / len(statistics)))
    return TwoSampleTest(observed, p_value, error, null, exact)
