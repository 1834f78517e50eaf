"""Entropic potentials at several regularisations, each from the one before."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from kernel_ot._arrays import Array
from kernel_ot.potentials import EntropicPotential, EntropicPotentials
from kernel_ot.samples import Samples

# From one regularisation to the next: small enough that no scaling overflows.
_LARGEST_STEP = 4.0
_MAX_ITERATIONS, _CHECKED_EVERY, _TOL = 300, 10, 1e-3
# Time and memory grow with the product of both sizes.
MAX_ENTROPIC_POINTS = 2000


def entropic_potentials(
    samples: Samples, regularisations: tuple[float, ...]
) -> tuple[EntropicPotentials, ...]:
    r"""Return the potentials of the entropic plan at each regularisation.

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

    Returns
    -------
    tuple of EntropicPotentials
        On at most 2000 points of each sample, evenly spread over the rows.

    References
    ----------
    B. Schmitzer, Stabilized sparse scaling algorithms for entropy regularized transport problems,
    SIAM J. Sci. Comput. 41 (2019).
    """
    samples = samples.thinned(MAX_ENTROPIC_POINTS)
    x, y, a, b = samples.x, samples.y, samples.weights_x, samples.weights_y
    cost = _half_squared_distances(x, y)
    mean_cost = samples.mean_cost() or 1.0  # all points equal: any regularisation will do
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
    return tuple(found)


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
    rows = logsumexp(exponents, b=b, axis=1)
    exponents -= rows[:, None]
    columns = logsumexp(exponents, b=a[:, None], axis=0)
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


def _with_steps_between(regularisations: tuple[float, ...]) -> list[float]:
    """Return the regularisations, from 1 on, with others between where the steps are too long."""
    steps = [1.0]
    for target in regularisations:
        while steps[-1] > _LARGEST_STEP * target * (1 + 1e-9):
            steps.append(steps[-1] / _LARGEST_STEP)
        steps.append(target)
    return steps
