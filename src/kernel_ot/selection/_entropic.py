"""Entropic potentials of parts of the samples at several regularisations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot.potentials import (
    EntropicPotential,
    EntropicPotentials,
    Potentials,
    weighted_sum,
)
from kernel_ot.samples import Samples

# From one regularisation to the next: small enough that no scaling overflows.
_LARGEST_STEP = 4.0
_MAX_ITERATIONS, _CHECKED_EVERY, _TOL = 300, 10, 1e-3
# Time and memory grow with the product of both sizes, so many points are cut into parts: the mean
# of eight has the error of two parts of four times the size, in a quarter of the time.
MAX_ENTROPIC_POINTS, _MAX_PARTS = 2000, 8


def entropic_potentials(
    samples: Samples,
    regularisations: tuple[float, ...],
    stop: Callable[[], bool] = lambda: False,
) -> tuple[EntropicPotentials, ...]:
    r"""Return the potentials of the entropic plan at each regularisation, of each part.

    Sinkhorn's iterations for the plan :math:`a_i b_j \exp((f_i + g_j - c_{ij}) / \epsilon)`, with
    the potentials of the regularisation before taken into the kernel, so that nothing overflows and
    each start is near (Schmitzer 2019, section 3). They stop once the plan's first marginal is
    right to a thousandth, or after 300: held-out points judge what comes out. Written here since
    importing POT, whose `sinkhorn_stabilized` takes as long, costs two seconds where JAX and
    PyTorch are installed, which it imports both.

    Parameters
    ----------
    samples : Samples
    regularisations : tuple of float
        From large to small, relative to the mean cost of a pair.
    stop : callable, optional
        Asked after each part whether these are enough.

    Returns
    -------
    tuple of EntropicPotentials
        Those of all parts at the first regularisation, then at the next. Parts are of about 2000
        points of each sample, evenly spread over the rows, and at most eight.

    References
    ----------
    B. Schmitzer, Stabilized sparse scaling algorithms for entropy regularized transport problems,
    SIAM J. Sci. Comput. 41 (2019).
    """
    mean_cost = samples.mean_cost() or 1.0  # all points equal: any regularisation will do
    found = []
    for part in _parts(samples):
        found.append(_of_part(part, regularisations, mean_cost))
        if stop():
            break
    return tuple(of_part[k] for k in range(len(regularisations)) for of_part in found)


def means_of_parts(entropic: tuple[EntropicPotentials, ...], count: int) -> tuple[Potentials, ...]:
    """Return the means over the parts of `entropic_potentials` at `count` regularisations."""
    parts = len(entropic) // count
    return tuple(
        weighted_sum(entropic[k * parts : (k + 1) * parts], (1 / parts,) * parts)
        for k in range(count)
    )


def _parts(samples: Samples) -> list[Samples]:
    n, m = len(samples.x), len(samples.y)
    count = min(_MAX_PARTS, max(1, round(min(n, m) / MAX_ENTROPIC_POINTS)))
    return [
        samples.restrict(np.arange(k, n, count), np.arange(k, m, count)).thinned(
            MAX_ENTROPIC_POINTS
        )
        for k in range(count)
    ]


def _of_part(
    samples: Samples, regularisations: tuple[float, ...], mean_cost: float
) -> list[EntropicPotentials]:
    x, y, a, b = samples.x, samples.y, samples.weights_x, samples.weights_y
    cost = _half_squared_distances(x, y)
    f, g = np.zeros(len(a)), np.zeros(len(b))
    found = []
    for relative in _with_steps_between(regularisations):
        reg = relative * mean_cost
        f, g = _scaled(cost, a, b, f, g, reg)
        if relative in regularisations:
            found.append(
                EntropicPotentials(
                    EntropicPotential(y, g + reg * np.log(b), reg),
                    EntropicPotential(x, f + reg * np.log(a), reg),
                )
            )
    return found


def _half_squared_distances(x: Array, y: Array) -> Array:
    """Return |x_i - y_j|^2 / 2, about the mean of x: elsewhere squares lose digits."""
    origin = x.mean(axis=0)
    x, y = x - origin, y - origin
    squares = np.sum(np.square(x), axis=1)[:, None] + np.sum(np.square(y), axis=1)
    return np.asarray(squares / 2 - x @ y.T)


def _scaled(cost: Array, a: Array, b: Array, f: Array, g: Array, reg: float) -> tuple[Array, Array]:
    """Return the dual variables at `reg`, from those at a larger one."""
    exponents = (f[:, None] + g - cost) / reg
    # The first iteration in logarithms: afterwards no row and no column is empty.
    rows = _log_sums(exponents, b)
    exponents -= rows[:, None]
    columns = _log_sums(exponents.T, a)
    exponents -= columns
    f, g = f - reg * rows, g - reg * columns
    kernel = np.exp(exponents, out=exponents)
    scaling_y, previous = np.ones(len(b)), np.ones(len(a))
    for iteration in range(_MAX_ITERATIONS):
        row_sums = kernel @ (b * scaling_y)
        scaling_x = 1 / row_sums
        checked = iteration > 0 and iteration % _CHECKED_EVERY == 0
        if checked and np.abs(previous * row_sums - 1) @ a <= _TOL:
            break
        scaling_y = 1 / (kernel.T @ (a * scaling_x))
        previous = scaling_x
    return f + reg * np.log(scaling_x), g + reg * np.log(scaling_y)


def _log_sums(exponents: Array, masses: Array) -> Array:
    """Return log sum_j masses_j exp(exponents_ij), in a third of the time that SciPy's takes."""
    largest = exponents.max(axis=1, keepdims=True)
    return np.asarray(np.log(np.exp(exponents - largest) @ masses) + largest[:, 0])


def _with_steps_between(regularisations: tuple[float, ...]) -> list[float]:
    """Return the regularisations, from 1 on, with others between where the steps are too long."""
    steps = [1.0]
    for target in regularisations:
        while steps[-1] > _LARGEST_STEP * target * (1 + 1e-9):
            steps.append(steps[-1] / _LARGEST_STEP)
        steps.append(target)
    return steps
