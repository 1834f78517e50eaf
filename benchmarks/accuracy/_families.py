"""Pairs of samples whose optimal map is known, by family, dimension and seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from kernel_ot._arrays import Array

Map = Callable[[Array], Array]

SMOOTH = ("affine", "logcosh", "softmax")
# The same potentials with half the quadratic part and twice the slope: far from Gaussian.
STEEP = ("logcosh_steep", "softmax_steep")
# A mixture torn into pieces: as rough as mixtures of Gaussians, and its map is known.
TORN = "torn"
# Seeds hold a family's place in this list.
FAMILIES = (*SMOOTH, "monotone", "mixture", *STEEP, TORN)
# The exact plan between samples of this size stands for the truth where no formula is known.
MIXTURE_SIZE = 3000
# Points that the pieces of a torn mixture are balanced on, and in how many steps.
_BALANCED_ON, _BALANCING_STEPS = 20_000, 200


@dataclass(frozen=True, eq=False)
class Case:
    """Two training samples and the truth at fresh points.

    `x` (n, d) and `y` (n, d) are drawn independently; `truth` (k, d) is the optimal map at `test`
    (k, d); `cost` is the population value of |x - T(x)|^2 / 2, from many points.
    """

    family: str
    x: Array
    y: Array
    test: Array
    truth: Array
    cost: float


def cost_is_known(family: str, d: int) -> bool:
    """Return whether `Case.cost` is the population's, not the larger one of an exact plan.

    Between samples of 3000 points, which stand for mixtures, the cost is too large from several
    features on: at d = 20 above what a plan between the components costs.
    """
    return family != "mixture" or d <= 2


def make_case(family: str, d: int, n: int, seed: int, n_test: int = 2000) -> Case:
    """Return the case of `family` in R^d with `n` points a sample; the seed fixes everything."""
    rng = np.random.default_rng([seed, d, n, FAMILIES.index(family)])
    if family == "mixture":
        return _mixture_case(d, n, rng)
    if family == TORN:
        return _torn_case(d, n, n_test, rng)
    if family == "monotone" and d != 1:
        raise ValueError(f"family 'monotone' is on the line; d = {d}.")
    transport = {
        "affine": _affine,
        "logcosh": _logcosh,
        "softmax": _softmax,
        "logcosh_steep": lambda d, rng: _logcosh(d, rng, quadratic=0.5, slope=2.0),
        "softmax_steep": lambda d, rng: _softmax(d, rng, quadratic=0.5, slope=2.0),
        "monotone": _monotone,
    }[family](d, rng)
    many = rng.normal(size=(100_000, d))
    cost = float(np.mean(np.sum(np.square(transport(many) - many), axis=1)) / 2)
    x = rng.normal(size=(n, d))
    y = transport(rng.normal(size=(n, d)))
    test = rng.normal(size=(n_test, d))
    return Case(family, x, y, test, transport(test), cost)


def _affine(d: int, rng: np.random.Generator) -> Map:
    """T(x) = A x + b, A symmetric with eigenvalues log-uniform in [0.3, 3]."""
    basis, _ = np.linalg.qr(rng.normal(size=(d, d)))
    matrix = (basis * np.exp(rng.uniform(np.log(0.3), np.log(3), d))) @ basis.T
    offset = rng.normal(size=d)
    return lambda x: np.asarray(x @ matrix + offset)


def _logcosh(d: int, rng: np.random.Generator, quadratic: float = 1.0, slope: float = 1.0) -> Map:
    """Gradient of q |x|^2 / 2 + sum_k log cosh(s (w_k.x - b_k)) / s, d unit vectors w_k."""
    directions = rng.normal(size=(d, d))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    offsets = rng.normal(size=d) / 2

    def transport(x: Array) -> Array:
        inner = np.tanh(slope * (x @ directions.T - offsets))
        return np.asarray(quadratic * x + inner @ directions)

    return transport


def _softmax(d: int, rng: np.random.Generator, quadratic: float = 1.0, slope: float = 1.0) -> Map:
    """Gradient of q |x|^2 / 2 + log sum_k exp(s w_k.x) / s, d + 2 vectors w_k of length about 2."""
    centres = 2 * rng.normal(size=(d + 2, d)) / np.sqrt(d)

    def transport(x: Array) -> Array:
        return np.asarray(quadratic * x + softmax(slope * x @ centres.T, axis=1) @ centres)

    return transport


def _monotone(d: int, rng: np.random.Generator) -> Map:
    """T(x) = x / 2 + exp(a x) / a + tanh(3 (x - b)), increasing on the line."""
    a, b = rng.uniform(0.3, 0.8), rng.normal()
    return lambda x: np.asarray(x / 2 + np.exp(a * x) / a + np.tanh(3 * (x - b)))


def _mixture_sample(n: int, means: Array, scales: Array, rng: np.random.Generator) -> Array:
    component = rng.integers(len(means), size=n)
    noise = rng.normal(size=(n, means.shape[1]))
    return np.asarray(means[component] + scales[component, None] * noise)


def _mixture_case(d: int, n: int, rng: np.random.Generator) -> Case:
    """Mixtures of 3 and 4 round Gaussians; the truth is POT's exact plan on a large sample.

    From about eight features on the cost of that plan is well above the populations', and it moves
    points of a piece to others far away in its image: it is nearer to maps that gather an image at
    its centre than to the optimal map. `TORN` has its true one.
    """
    import ot

    means_x, means_y = (
        2 * rng.normal(size=(3, d)) / np.sqrt(d),
        3 * rng.normal(size=(4, d)) / np.sqrt(d),
    )
    scales_x, scales_y = rng.uniform(0.3, 0.8, 3), rng.uniform(0.3, 0.8, 4)
    large_x = _mixture_sample(MIXTURE_SIZE, means_x, scales_x, rng)
    large_y = _mixture_sample(MIXTURE_SIZE, means_y, scales_y, rng)
    distance = ot.dist(large_x, large_y) / 2
    weights = np.full(MIXTURE_SIZE, 1 / MIXTURE_SIZE)
    plan, log = ot.emd(weights, weights, distance, numItermax=2_000_000, log=True)
    matched = large_y[np.argmax(plan, axis=1)]
    x = _mixture_sample(n, means_x, scales_x, rng)
    y = _mixture_sample(n, means_y, scales_y, rng)
    return Case("mixture", x, y, large_x, matched, float(log["cost"]))


def _torn_case(d: int, n: int, n_test: int, rng: np.random.Generator) -> Case:
    """Mixture of 3 round Gaussians under T(x) = q x + w_k, k that of the largest w_k.x + b_k.

    T is the gradient of a convex function. Its four pieces have equal masses, and the images of the
    components that they cut are a mixture of four or more.
    """
    means, scales = 2 * rng.normal(size=(3, d)) / np.sqrt(d), rng.uniform(0.3, 0.8, 3)
    factor, shifts = rng.uniform(0.5, 1.5), 3 * rng.normal(size=(4, d)) / np.sqrt(d)
    many = _mixture_sample(_BALANCED_ON, means, scales, rng)
    offsets = np.zeros(4)
    for _ in range(_BALANCING_STEPS):
        piece = np.argmax(many @ shifts.T + offsets, axis=1)
        offsets -= np.bincount(piece, minlength=4) / (2 * len(many)) - 1 / 8

    def transport(x: Array) -> Array:
        return np.asarray(factor * x + shifts[np.argmax(x @ shifts.T + offsets, axis=1)])

    cost = float(np.mean(np.sum(np.square(transport(many) - many), axis=1)) / 2)
    x = _mixture_sample(n, means, scales, rng)
    y = transport(_mixture_sample(n, means, scales, rng))
    test = _mixture_sample(n_test, means, scales, rng)
    return Case(TORN, x, y, test, transport(test), cost)
