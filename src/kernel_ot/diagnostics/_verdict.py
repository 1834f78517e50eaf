"""Whether the kernel part of a map is worth having, by points that were kept out of the fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from scipy.spatial.distance import cdist

from kernel_ot._arrays import Array
from kernel_ot.diagnostics._inner import semi_dual_gains
from kernel_ot.diagnostics._transport import FittedTransport
from kernel_ot.potentials import Potentials
from kernel_ot.preconditioning import Conjugation
from kernel_ot.samples import Samples
from kernel_ot.selection import Pair, fold_splits, is_trusted

Outcome: TypeAlias = Literal["gain", "no gain", "loss"]

# A difference is called clear from this many standard errors on: a false claim, one-sided, in one
# of 160 fits where the difference is normal.
_CLEAR = 2.5
# Losses later: the maps that are judged have fewer points than the one that is kept.
_CLEAR_LOSS = 3.5
_FOLDS = 3
# With more points than this one fold says enough, and the others only take time.
_ALL_FOLDS_UP_TO = 600
_MAX_TRAINING_POINTS, _MAX_TEST_POINTS = 2000, 1000
# A standard error from fewer points than this in a fold is itself a guess.
_FEWEST_POINTS = 30
# Images that differ by less, of the width of their sample and of their size, are the same.
_ROUNDING_OF_WIDTH, _ROUNDING = 1e-9, 1e-13
_BASELINES = {
    "gaussian": "the linear (Gaussian) map",
    "scale": "the translation of the means",
    None: "leaving x as it is",
}


@dataclass(frozen=True)
class Gain:
    """A paired difference on held-out points; positive where the fitted map is better.

    Attributes
    ----------
    value, error : float
        The difference and its standard error.

    Examples
    --------
    >>> print(Gain(value=0.012, error=0.003), Gain(0.012, 0.003).sign)
    0.012 +- 0.003 1
    """

    value: float
    error: float

    @property
    def sign(self) -> int:
        """1 from 2.5 standard errors above zero on, -1 from 3.5 below it on, else 0."""
        if self.value > _CLEAR * self.error:
            return 1
        return -1 if self.value < -_CLEAR_LOSS * self.error else 0

    def __str__(self) -> str:
        return f"{_short(self.value)} +- {_short(self.error)}"


_NOTHING = Gain(0.0, 0.0)


@dataclass(frozen=True)
class Verdict:
    """What held-out points say of a fitted map beside the preconditioner alone.

    Attributes
    ----------
    preconditioner : {"gaussian", "scale", None}
        Which says what the map is compared with: what it would be without its kernel part.
    energy : Gain
        Energy distance to y of the baseline's images minus that of the map's, both without bias;
        in user units. A gain has `value`, standard `error` and `sign`: 1 or -1 where it is clear.
    identity : Gain
        The same beside x itself: whether moving x is better than leaving it.
    semi_dual : Gain, optional
        Held-out semi-dual value of the map minus that of the baseline, in squared user units. Above
        20 features, where it prefers maps that overshoot, None unless it gains far beyond noise.
    n_x, n_y : int
        Points that were kept out and judged by.
    fresh : bool
        Whether they were given to `summary`, and the model itself was judged; else `fit` kept them
        out of maps that it fitted to the other points with the settings that it chose.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import KernelOT
    >>> from kernel_ot.kernels import Gaussian
    >>> x = np.linspace(0, 1, 20)[:, None]
    >>> model = KernelOT(Gaussian(2.0), reg_potential=1e-2).fit(x, x + 3)
    >>> judged = model.summary(x[::2], x[1::2] + 3).verdict
    >>> judged.n_x, judged.fresh
    (10, True)
    """

    preconditioner: str | None
    energy: Gain
    identity: Gain
    semi_dual: Gain | None
    n_x: int
    n_y: int
    fresh: bool

    @property
    def baseline(self) -> str:
        """What the map would be without its kernel part, in words."""
        return _BASELINES[self.preconditioner]

    @property
    def is_baseline(self) -> bool:
        """Whether the map has no kernel part at all."""
        return self.energy == _NOTHING and self.semi_dual in (None, _NOTHING)

    @property
    def outcome(self) -> Outcome:
        """Whether the kernel part gains, by either measure with the other not against it."""
        signs = {self.energy.sign, self.semi_dual.sign if self.semi_dual else 0}
        if signs >= {1, -1} or signs == {0}:
            return "no gain"
        return "gain" if 1 in signs else "loss"

    @property
    def sentence(self) -> str:
        """The verdict in plain words."""
        where = f"on {self.n_x} + {self.n_y} {'fresh points' if self.fresh else 'points kept out'}"
        by_energy = f"{self.energy} of energy distance"
        if self.is_baseline:
            said = f"The kernel part gains nothing here: this is {self.baseline}"
        elif self.outcome == "no gain":
            said = (
                f"The kernel part gains nothing that shows {where} (energy distance "
                f"{self.energy}): take this for {self.baseline}"
            )
        elif self.outcome == "gain" and self.energy.sign > 0:
            said = f"The map moves x onto y better than {self.baseline} by {by_energy} {where}; use"
            said += " it"
        elif self.outcome == "gain":
            said = (
                f"The map is closer to the optimal one than {self.baseline} by {self.semi_dual} of "
                f"semi-dual value {where}; use it. By energy distance the two cannot be told apart "
                f"({self.energy})"
            )
        else:
            by = by_energy if self.energy.sign < 0 else f"{self.semi_dual} of semi-dual value"
            said = (
                f"The map is worse than {self.baseline} by {by.lstrip('-')} {where}; fit with a "
                "larger reg_potential or more points"
            )
        if self.identity.sign <= 0 and self.preconditioner is not None:
            said += (
                f". Leaving x as it is comes clearly nearer to y (energy distance {self.identity})"
                if self.identity.sign < 0
                else ". Leaving x as it is does as well, as far as these points can tell (energy "
                f"distance {self.identity})"
            )
        return said + "."

    def __str__(self) -> str:
        return self.sentence


def verdict_on(model: FittedTransport, test: Samples) -> Verdict | None:
    """Return the verdict on a model by samples that it was not fitted to; None below 10 points."""
    if min(len(test.x), len(test.y)) < _FEWEST_POINTS // _FOLDS:
        return None
    return _pooled([_evidence(model, test)], model.preconditioner, fresh=True)


def kept_out_verdict(
    potentials: Potentials, terms: Pair, change: Conjugation, test: Samples, kind: str | None
) -> Verdict | None:
    """Return the verdict of a fit on points that it kept out; None below 10 of them.

    Parameters
    ----------
    potentials : Potentials
        Fitted without `test`, in the coordinates of the fit.
    terms : pair of ndarray
        Their semi-dual terms at all of `test`, in these coordinates.
    change : Conjugation
    test : Samples
        In the user's coordinates; judged by at most 1000 of either.
    kind : {"gaussian", "scale", None}
        The preconditioner.
    """
    if min(len(test.x), len(test.y)) < _FEWEST_POINTS // _FOLDS:
        return None
    rows, columns = (
        np.unique(np.linspace(0, len(p) - 1, _MAX_TEST_POINTS).astype(np.intp))
        for p in (test.x, test.y)
    )
    gains = change.scale**2 * terms[0][rows], change.scale**2 * terms[1][columns]
    few = test.restrict(rows, columns)
    images = change.backward_y(potentials.transport(change.forward_x(few.x)))
    return _pooled([_compared(images, change, gains, few)], kind, fresh=False)


def cross_verdict(
    samples: Samples, refit: Callable[[Samples], FittedTransport], seed: int
) -> Verdict | None:
    """Return the verdict of maps that were fitted without a third of the points each.

    Parameters
    ----------
    samples : Samples
        What was fitted.
    refit : callable
        Fits a part of the samples with the settings that are to be judged.
    seed : int
        Draws the folds.

    Returns
    -------
    Verdict or None
        None where a sample has fewer than 30 points of positive mass. Above 600 points one fold is
        judged instead of three, by 1000 points at most, and its map has 2000 points at most.
    """
    samples = samples.with_mass()
    sizes = len(samples.x), len(samples.y)
    if min(sizes) < _FEWEST_POINTS:
        return None
    rng = np.random.default_rng(seed)
    splits = fold_splits(samples, _FOLDS, rng)
    if max(sizes) > _ALL_FOLDS_UP_TO:
        splits = splits[:1]
    evidence = []
    for split in splits:
        fitted = refit(_some(split.train, _MAX_TRAINING_POINTS, rng))
        evidence.append(_evidence(fitted, _some(split.test, _MAX_TEST_POINTS, rng)))
        preconditioner = fitted.preconditioner
    return _pooled(evidence, preconditioner, fresh=False)


@dataclass(frozen=True)
class _Evidence:
    """The gains on one part, and by how many points."""

    energy: Gain
    identity: Gain
    semi_dual: Gain
    n_x: int
    n_y: int
    dimension: int


def _evidence(model: FittedTransport, test: Samples) -> _Evidence:
    images = np.asarray(model.potentials_.transport(test.x))
    return _compared(images, model.conjugation_, semi_dual_gains(model, test.x, test.y), test)


def _compared(images: Array, change: Conjugation, gains: Pair, test: Samples) -> _Evidence:
    """Compare images with those of the preconditioner; `gains` are of the semi-dual terms."""
    baseline = change.backward_y(change.forward_x(test.x))
    energy = energy_gain(images, baseline, test)
    semi_dual = Gain(
        float(test.weights_x @ gains[0] + test.weights_y @ gains[1]), test.standard_error(*gains)
    )
    return _Evidence(
        energy=energy,
        identity=energy_gain(images, test.x, test),
        semi_dual=_NOTHING if energy == _NOTHING else semi_dual,
        n_x=len(test.x),
        n_y=len(test.y),
        dimension=test.dimension,
    )


def energy_gain(images: Array, others: Array, test: Samples) -> Gain:
    """Return by how much nearer to y, in energy distance, `images` are than `others`.

    Both are images of the same points, `test.x`. The estimate has no bias (pairs of a point with
    itself, which favour maps that shrink, are left out); its standard error is the jackknife's to
    first order, over the points of x and of y.

    Parameters
    ----------
    images, others : ndarray of shape (n, d)
    test : Samples

    Returns
    -------
    Gain
        In user units; exactly 0 +- 0 where the two differ by rounding alone.
    """
    width = float(np.ptp(others, axis=0).max())
    rounding = _ROUNDING_OF_WIDTH * width + _ROUNDING * float(np.abs(others).max())
    if np.abs(images - others).max() <= rounding:
        return _NOTHING
    a, b = test.weights_x, test.weights_y
    to_y = cdist(others, test.y) - cdist(images, test.y)
    # The mean over pairs of different points.
    unbiased = 1 / max(1 - float(np.square(a).sum()), float(np.finfo(float).tiny))
    among = unbiased * ((cdist(others, others) - cdist(images, images)) @ a)
    value = 2 * (a @ to_y @ b) - a @ among
    return Gain(float(value), test.standard_error(2 * (to_y @ b - among), 2 * (a @ to_y)))


def _pooled(evidence: list[_Evidence], preconditioner: str | None, *, fresh: bool) -> Verdict:
    semi_dual = _mean(part.semi_dual for part in evidence)
    tells = is_trusted(semi_dual.value, semi_dual.error, evidence[0].dimension)
    return Verdict(
        preconditioner=preconditioner,
        energy=_mean(part.energy for part in evidence),
        identity=_mean(part.identity for part in evidence),
        semi_dual=semi_dual if tells else None,
        n_x=sum(part.n_x for part in evidence),
        n_y=sum(part.n_y for part in evidence),
        fresh=fresh,
    )


def _mean(gains: Iterable[Gain]) -> Gain:
    """Return the mean over folds, whose held-out points are disjoint."""
    values, errors = np.array([(gain.value, gain.error) for gain in gains]).T
    return Gain(float(values.mean()), float(np.sqrt(np.sum(np.square(errors))) / len(errors)))


def _some(samples: Samples, most: int, rng: np.random.Generator) -> Samples:
    """Return at most `most` points of either sample."""
    if max(len(samples.x), len(samples.y)) <= most:
        return samples
    chosen = (np.sort(rng.permutation(len(p))[:most]) for p in (samples.x, samples.y))
    return samples.restrict(*chosen)


def _short(value: float) -> str:
    return f"{value:.2g}" if abs(value) < 100 else f"{value:.0f}"
