"""Limited-memory BFGS by gradients alone, on NumPy or inside traced JAX code."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kernel_ot._arrays import Array, Scalar, branch, namespace_of, while_loop

_MEMORY = 10
# Of the first direction, before there is any curvature.
_FIRST_STEP = 0.1
# A step is halved where the slope at its end is steeper upwards than this part of that downwards.
_OVERSHOOT = 0.5
_SHORTEST_STEP = 1e-8
# Pairs of steps whose curvature is below this part of their lengths would spoil the model.
_LEAST_CURVATURE = 1e-12


class Descent(NamedTuple):
    """Where a descent ended: the points, the norm of the gradient there, gradients evaluated."""

    points: Array
    norm: Scalar
    evaluations: Scalar


class _State(NamedTuple):
    points: Array
    gradient: Array
    direction: Array
    step: Scalar
    steps: Array
    changes: Array
    norm: Scalar
    evaluations: Scalar


def descend(
    gradient: Callable[[Array], Array], start: Array, masses: Array, tol: Scalar, max_iter: int
) -> Descent:
    r"""Return points where the gradient vanishes, by descent from `start`.

    Parameters
    ----------
    gradient : callable
        Takes points (n, d), returns the gradient (n, d) in the inner product of `masses`.
    start : array of shape (n, d)
    masses : array of shape (n,)
        Of the inner product :math:`\sum_i m_i \langle p_i, q_i \rangle`, the natural one of
        displacements: neither the number of points nor their masses change the conditioning.
    tol : float
        The descent ends where the norm of the gradient is at most this.
    max_iter : int
        Gradients that are evaluated at most.

    Returns
    -------
    Descent
        Its norm is above `tol`, or NaN, where the descent did not arrive.

    Notes
    -----
    Two-loop recursion of Nocedal (1980) with ten steps kept. A step is accepted by the slope at its
    end, so that no value is ever needed: a value costs as much as a gradient here, and its rounding
    would end the descent at half of the digits.

    Examples
    --------
    >>> import numpy as np
    >>> found = descend(lambda p: 3 * (p - 2.0), np.zeros((4, 1)), np.full(4, 0.25), 1e-12, 50)
    >>> found.points[0], bool(found.norm <= 1e-12)
    (array([2.]), True)
    """
    xp = namespace_of(start)
    weights = xp.broadcast_to(masses[:, None], start.shape).reshape(-1)

    def dot(left: Array, right: Array) -> Scalar:
        product: Scalar = (weights * left.reshape(-1)) @ right.reshape(-1)
        return product

    def direction_of(slope: Array, steps: Array, changes: Array) -> Array:
        # The two loops work on coefficients in the basis of steps, changes and slope, whose inner
        # products are one matrix product (vector-free, Chen, Wang and Zhou 2014).
        basis = xp.concatenate([steps, changes, slope[None]]).reshape(2 * _MEMORY + 1, -1)
        products = (basis * weights) @ basis.T
        units = xp.eye(2 * _MEMORY + 1, dtype=slope.dtype)
        newest = 2 * _MEMORY - 1
        length = _ratio(products[_MEMORY - 1, newest], products[newest, newest], _FIRST_STEP)
        found, parts = -units[-1], []
        for i in reversed(range(_MEMORY)):
            # Empty places of the memory are zero: their curvature is 0 and they are passed over.
            part = _ratio(found @ products[i], products[i, _MEMORY + i], 0.0)
            parts.append(part)
            found = found - part * units[_MEMORY + i]
        found = length * found
        for i, part in zip(range(_MEMORY), reversed(parts), strict=True):
            back = _ratio(found @ products[_MEMORY + i], products[i, _MEMORY + i], 0.0)
            found = found + (part - back) * units[i]
        direction: Array = (found @ basis).reshape(slope.shape)
        return direction

    def body(state: _State) -> _State:
        trial = state.points + state.step * state.direction
        there = gradient(trial)
        fall, rise = dot(state.gradient, state.direction), dot(there, state.direction)

        def accepted() -> _State:
            step, change = trial - state.points, there - state.gradient
            room = _LEAST_CURVATURE * xp.sqrt(dot(step, step) * dot(change, change))
            good = dot(step, change) > room
            steps = xp.where(good, _pushed(state.steps, step), state.steps)
            changes = xp.where(good, _pushed(state.changes, change), state.changes)
            return _State(
                trial,
                there,
                direction_of(there, steps, changes),
                xp.ones_like(state.step),
                steps,
                changes,
                xp.sqrt(dot(there, there)),
                state.evaluations + 1,
            )

        def halved() -> _State:
            return state._replace(step=0.5 * state.step, evaluations=state.evaluations + 1)

        return branch(rise <= -_OVERSHOOT * fall, accepted, halved)

    def open_(state: _State) -> Scalar:
        # A norm that is NaN is not above the tolerance: the loop ends and nobody claims success.
        more = (state.evaluations < max_iter) & (state.step > _SHORTEST_STEP)
        unfinished: Scalar = (state.norm > tol) & more
        return unfinished

    slope = gradient(start)
    empty = xp.zeros((_MEMORY, *start.shape), dtype=start.dtype)
    first = _State(
        points=start,
        gradient=slope,
        direction=-_FIRST_STEP * slope,
        step=xp.ones((), dtype=start.dtype),
        steps=empty,
        changes=empty,
        norm=xp.sqrt(dot(slope, slope)),
        evaluations=xp.asarray(1),
    )
    last = while_loop(open_, body, first)
    return Descent(last.points, last.norm, last.evaluations)


def _pushed(memory: Array, newest: Array) -> Array:
    xp = namespace_of(memory)
    pushed: Array = xp.concatenate([memory[1:], newest[None]])
    return pushed


def _ratio(over: Scalar, under: Scalar, otherwise: float) -> Scalar:
    """Return `over / under`, or `otherwise` where `under` is not positive."""
    xp = namespace_of(under)
    if xp is np:
        return over / under if under > 0 else otherwise
    positive = under > 0
    ratio: Scalar = xp.where(positive, over / xp.where(positive, under, 1.0), otherwise)
    return ratio
