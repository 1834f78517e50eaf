r"""The held-out semi-dual value of a weighted sum of potentials, and its best weights.

In the preconditioned coordinates the Gaussian map has the potentials zero. The semi-dual value of
:math:`u_w = \sum_k w_k u_k` on held-out points,

.. math:: J(w) = \operatorname{mean}_i u_w(x_i)
   + \operatorname{mean}_j \min_{|x| \le R} \tfrac12 |x - y_j|^2 - u_w(x),

is concave in w, with the derivative :math:`\operatorname{mean}_i u_k(x_i) - \operatorname{mean}_j
u_k(x^*_j)`, :math:`x^*_j` where the minimum is reached. Near the identity :math:`x^*_j` moves by
:math:`\nabla u_k(x^*_j)` with :math:`w_k`, so the second derivative is close to
:math:`-\operatorname{mean}_j \langle \nabla u_k(x^*_j), \nabla u_l(x^*_j) \rangle`.

J weighs errors of the map by the inverse of its slope, which is small for entropic maps between
clusters. With :math:`\tfrac{\lambda}{2} |x - S(y_j)|^2` added to what is minimised, S near the
inverse map, the optimal u stays the best and they weigh less; noise weighs more.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize

from kernel_ot._arrays import Array
from kernel_ot.cutting_planes import descend, scan_pairs
from kernel_ot.potentials import PotentialFunction, Potentials, WeightedSum, weighted_sum
from kernel_ot.samples import Samples
from kernel_ot.selection._paths import Pair

# The ball that minima are sought in, in the largest norm of a training point: outside of the hull
# of their centres entropic potentials have no c-transform.
_RADIUS = 1.05
# The share of training points in the ball where potentials of rough maps are weighed: half of them
# are better for these, but give smooth ones entropic parts.
_NEAR = 0.9
# lambda of rough maps; from 1 on affine maps that pass for rough ones get entropic parts.
_PULL = 0.3
_MAX_STEPS, _SHORTEST_STEP, _DESCENT_TOL, _GAIN_TOL = 8, 0.1, 1e-6, 1e-5
# Where minima are sought from, the descent does the rest.
_MAX_STARTS = 5000


@dataclass(eq=False)
class HeldOut:
    """The terms of J on one split; the Gaussian map's are zero and left out.

    Attributes
    ----------
    candidates : tuple of Potentials
    test : Samples
    unit : float
    radius, near : float
        Of the ball that minima are sought in, and of one of nine in ten training points.
    at_x, minimisers : ndarray
    targets : ndarray
        The points y, drawn to S(y) by `pull`, the lambda of J.
    """

    candidates: tuple[Potentials, ...]
    test: Samples
    unit: float
    radius: float
    near: float
    at_x: Array
    minimisers: Array
    targets: Array
    pull: float = 0.0

    @classmethod
    def of(
        cls,
        potentials: tuple[Potentials, ...],
        train: Samples,
        test: Samples,
        unit: float,
        *,
        near: bool = False,
    ) -> HeldOut:
        """Evaluate all potentials at the held-out points.

        Points y that no image comes near have their minimum at the ball's surface. They say how far
        images reach, not where each point goes: in a ball that holds all points they favour maps
        that overshoot, the more the more features there are. With `near` it is a ball of nine in
        ten training points, in which they weigh less.
        """
        u = potentials[0].u
        starts = train.x[:: -(-len(train.x) // _MAX_STARTS)]
        scan = scan_pairs(starts, test.y, u(starts), np.zeros(len(test.y)))
        norms = np.linalg.norm(train.x, axis=1)
        nine_tenths = float(np.quantile(norms, _NEAR))
        return cls(
            potentials,
            test,
            unit,
            nine_tenths if near else _RADIUS * float(norms.max()),
            nine_tenths,
            np.stack([of_one.u(test.x) for of_one in potentials], axis=1),
            starts[scan.column_partner],
            test.y,
        )

    def drawn_to_inverse(self, weights: Array) -> HeldOut:
        """Return the terms with minima in the smaller ball, drawn to S(y) of these weights."""
        y = self.test.y
        inverse = weighted_sum(self.candidates, tuple(np.delete(weights, 1))).inverse_transport(y)
        norms = np.linalg.norm(inverse, axis=1, keepdims=True)
        return replace(
            self,
            radius=self.near,
            minimisers=inverse * np.minimum(1.0, self.near / np.maximum(norms, self.near)),
            targets=(y + _PULL * inverse) / (1 + _PULL),
            pull=_PULL,
        )

    def value(self, weights: Array) -> tuple[float, Array]:
        """Return J and the minimisers, sought from those of the last weights that were kept."""
        (at_x, at_y), points = self.terms(weights)
        return float(self.test.weights_x @ at_x + self.test.weights_y @ at_y), points

    def terms(self, weights: Array) -> tuple[Pair, Array]:
        """Return what J is the mean of, at the points of x and of y, and the minimisers."""
        carried = np.flatnonzero(weights) if weights.any() else np.zeros(1, dtype=np.intp)
        scale = 1 + self.pull
        u: PotentialFunction = WeightedSum(
            tuple(self.candidates[k].u for k in carried), tuple(weights[carried] / scale)
        )
        points, transformed = descend(
            u, self.targets, self.minimisers, _DESCENT_TOL, radius=self.radius
        )
        return (self.at_x @ weights, scale * transformed), points

    def gain(self, weights: Array) -> tuple[float, float]:
        """Return J minus that of the kernel's potential alone, and its standard error."""
        (mine_x, mine_y), _ = self.terms(weights)
        (kernel_x, kernel_y), _ = self.terms(np.eye(len(weights))[0])
        at_x, at_y = mine_x - kernel_x, mine_y - kernel_y
        gain = float(self.test.weights_x @ at_x + self.test.weights_y @ at_y)
        return gain, self.test.standard_error(at_x, at_y)

    def derivatives(self) -> tuple[Array, Array]:
        """Return gradient and minus the second derivative at the minimisers that are kept."""
        points, b = self.minimisers, self.test.weights_y
        values = np.stack([potentials.u(points) for potentials in self.candidates], axis=1)
        slopes = np.stack([p.u.gradient(points) for p in self.candidates], axis=2)
        gradient = self.test.weights_x @ self.at_x - b @ values
        return gradient, np.einsum("j,jdk,jdl->kl", b, slopes, slopes) / (1 + self.pull)


class Criterion:
    """J over all splits, in units of the largest of their scales."""

    def __init__(self, splits: list[HeldOut]) -> None:
        self.splits = splits
        total = sum(split.unit for split in splits)
        self.shares = [split.unit / total for split in splits]

    def value(self, weights: Array) -> tuple[float, list[Array]]:
        found = [split.value(weights) for split in self.splits]
        value = sum(share * j for share, (j, _) in zip(self.shares, found, strict=True))
        return float(value), [points for _, points in found]

    def keep(self, minimisers: list[Array]) -> None:
        for split, points in zip(self.splits, minimisers, strict=True):
            split.minimisers = points

    def gain(self, weights: Array) -> tuple[float, float]:
        """Return J of weights from `best` minus that of the kernel alone, and its error."""
        functions = np.delete(weights, 1)  # the Gaussian map's potential is zero
        gains, errors = np.transpose([split.gain(functions) for split in self.splits])
        shares = np.array(self.shares)
        return float(shares @ gains), float(np.linalg.norm(shares * errors))

    def best(self) -> Array:
        """Return the weights, the Gaussian map's in the second place."""
        n = len(self.splits[0].candidates)
        weights = np.zeros(n)
        weights[0] = 1.0
        value, minimisers = self.value(weights)
        for _ in range(_MAX_STEPS):
            self.keep(minimisers)
            gradient, curvature = np.zeros(n), np.zeros((n, n))
            for share, split in zip(self.shares, self.splits, strict=True):
                slope, bend = split.derivatives()
                gradient += share * slope
                curvature += share * bend
            direction = _quadratic_step(weights, gradient, curvature)
            length = 1.0
            while length > _SHORTEST_STEP:
                trial = weights + length * direction
                trial_value, trial_minimisers = self.value(trial)
                if trial_value > value:
                    break
                length *= 0.4
            else:
                break
            gain = trial_value - value
            weights, value, minimisers = trial, trial_value, trial_minimisers
            if gain < _GAIN_TOL * (1 + abs(value)):
                break
        rest = max(0.0, 1 - weights.sum())
        return np.concatenate([weights[:1], [rest], weights[1:]])


def _quadratic_step(weights: Array, gradient: Array, curvature: Array) -> Array:
    """Return the step to the best weights of the model, non-negative with sum at most one."""

    def objective(step: Array) -> tuple[float, Array]:
        bend = curvature @ step
        return float(step @ (bend / 2 - gradient)), bend - gradient

    with warnings.catch_warnings():  # SciPy 1.15 warns of a rounding error beyond the bounds
        warnings.filterwarnings("ignore", "Values in x were outside bounds", RuntimeWarning)
        found = minimize(
            objective,
            np.zeros_like(weights),
            jac=True,
            method="SLSQP",
            bounds=[(-weight, 1 - weight) for weight in weights],
            constraints={
                "type": "ineq",
                "fun": lambda step: 1 - weights.sum() - step.sum(),
                "jac": lambda step: -np.ones_like(step),
            },
            options={"ftol": 1e-12, "maxiter": 100},
        )
    return np.asarray(np.maximum(found.x, -weights))
