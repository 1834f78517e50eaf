"""What is left of a kernel's values where the points lie far from its origin."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from kernel_ot._arrays import Array, Scalar, is_traced, namespace_of
from kernel_ot.kernels import Kernel
from kernel_ot.problem._provenance import Provenance

# Below this power of the precision, about 1e-7 in float64, rounding of the kernel's values is no
# longer small beside their differences.
_HIDING_POWER = 0.45
# Roundings of the largest entry of Q that have to be added to its diagonal.
_ROUNDINGS = 4


def share_about_mean(kernel: Kernel, points: Array) -> Scalar:
    """Return the largest `k(p, p)` about the points' own mean, relative to that where they are.

    1 for kernels of the difference of points. Kernels of the inner product grow with the distance
    from the origin, and what tells the points apart drowns in it; at most 1, and 1 where nothing
    would be left.

    Parameters
    ----------
    kernel : Kernel
    points : array of shape (n, d)

    Examples
    --------
    >>> from kernel_ot.kernels import Gaussian, Linear
    >>> points = np.array([[999.0], [1001.0]])
    >>> [round(float(share_about_mean(kernel, points)), 12) for kernel in (Gaussian(1.0), Linear())]
    [1.0, 9.98003e-07]
    """
    xp = namespace_of(points)
    there = xp.max(kernel.diagonal(points))
    centred = xp.max(kernel.diagonal(points - xp.mean(points, axis=0)))
    told_apart = (centred > 0) & (centred < there)
    share: Scalar = xp.where(told_apart, centred / xp.where(there > 0, there, 1.0), 1.0)
    return share


def check_origin(kernel: Kernel, points: Array, name: str) -> None:
    """Raise ValueError where float64 does not hold what tells the points apart for the kernel.

    Parameters
    ----------
    kernel : Kernel
    points : array of shape (n, d)
    name : str
        Of the sample, for the message.
    """
    share = share_about_mean(kernel, points)
    if is_traced(share) or not is_hidden(share, points.dtype):
        return
    xp = namespace_of(points)
    mean = xp.mean(points, axis=0)
    distance, width = (float(xp.max(xp.abs(a))) for a in (mean, points - mean))
    raise ValueError(
        f"{name} lies {distance:.3g} from the origin and spreads over {width:.3g}: values of "
        f"{kernel!r} grow with the former, and rounding of them hides the latter. Subtract its "
        "mean from each sample: the optimal map moves along, and the cost changes by half the "
        "squared distance of the means. The preconditioners of KernelOT do that."
    )


def is_hidden(share: Scalar, dtype: DTypeLike) -> Scalar:
    """Return whether rounding hides what is left of a kernel's values about the mean."""
    hidden: Scalar = share < float(np.finfo(dtype).eps) ** _HIDING_POWER
    return hidden


def smallest_share(made_of: Provenance) -> Scalar:
    """Return the smaller `share_about_mean` of both samples with their filling points."""
    s = made_of
    xp = namespace_of(s.x)
    share: Scalar = xp.minimum(
        share_about_mean(s.kernel_x, xp.concatenate([s.x, s.x_fill])),
        share_about_mean(s.kernel_y, xp.concatenate([s.y, s.y_fill])),
    )
    return share


def hiding_error(made_of: Provenance | None, largest: Scalar) -> Scalar:
    """Return the error of the entries of Q where it hides what tells the points apart.

    Their rounding, and the jitter that this asks for. 0 elsewhere: there Q is taken as it is.

    Parameters
    ----------
    made_of : Provenance, optional
    largest : float
        The largest entry of Q.
    """
    if made_of is None:
        return 0.0 * largest
    xp = namespace_of(made_of.x)
    eps = float(np.finfo(made_of.x.dtype).eps)
    hidden = is_hidden(smallest_share(made_of), made_of.x.dtype)
    error: Scalar = xp.where(hidden, 2 * _ROUNDINGS * eps * largest, 0.0)
    return error


def jitter_about_mean(potential_jitter: float, share: Scalar, dtype: DTypeLike) -> Scalar:
    """Return the jitter relative to the largest entry of Q: of the size of what tells apart.

    Parameters
    ----------
    potential_jitter : float
        Relative to the largest entry that Q would have about the samples' means.
    share : float
        That entry relative to the largest that Q has.
    dtype : dtype
        Of Q, whose rounding is the least that is added.
    """
    xp = namespace_of(share)
    rounding = _ROUNDINGS * float(np.finfo(dtype).eps)
    jitter: Scalar = xp.minimum(potential_jitter, xp.maximum(potential_jitter * share, rounding))
    return jitter
