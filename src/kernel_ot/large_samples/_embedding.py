r"""Mean embeddings of samples of any size by Nystroem's method, in one pass over blocks.

The embedding :math:`\frac1n \sum_i k(x_i, \cdot)` is projected on the functions that p landmarks Z
span: :math:`\sum_j \beta_j k(z_j, \cdot)` with :math:`\beta = (K_{ZZ} + p \epsilon I)^{-1} \frac1n
\sum_i k(Z, x_i)`. The sum is all that a pass computes, p numbers, and adds up over blocks. What
is left is the embedding of p points with signed masses, so whatever works with samples works with
landmarks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.linalg
from scipy.linalg.lapack import dpstrf as pstrf

from kernel_ot._arrays import Array
from kernel_ot.kernels import Kernel
from kernel_ot.preconditioning import Conjugation
from kernel_ot.samples import Cloud

# epsilon: the projection's error is far below the sampling error of 1e7 points.
_RIDGE = 1e-9


@dataclass(frozen=True, eq=False)
class LandmarkSums:
    """Sums over points, to be added up and divided by their mass.

    Attributes
    ----------
    mass : float
    kernel : ndarray of shape (p,)
        sum_i a_i k(z, x_i) at the landmarks.
    offset : float
        sum_i a_i p(x_i), the part of the cost that the change of coordinates takes out.
    """

    mass: float
    kernel: Array
    offset: float

    def __add__(self, other: LandmarkSums) -> LandmarkSums:
        return LandmarkSums(
            self.mass + other.mass, self.kernel + other.kernel, self.offset + other.offset
        )

    def __sub__(self, other: LandmarkSums) -> LandmarkSums:
        return LandmarkSums(
            self.mass - other.mass, self.kernel - other.kernel, self.offset - other.offset
        )


@dataclass(frozen=True, eq=False)
class SumBlock:
    """The work on one block, to be sent wherever the block is.

    Attributes
    ----------
    change : Conjugation
    second : bool
        Whether the block is of y.
    kernel : Kernel
    landmarks : ndarray of shape (p, d)
        In the coordinates of the fit.
    """

    change: Conjugation
    second: bool
    kernel: Kernel
    landmarks: Array

    def __call__(self, points: Array, masses: Array) -> LandmarkSums:
        """Return the sums over a block in the user's coordinates."""
        forward = self.change.forward_y if self.second else self.change.forward_x
        offsets = self.change.offsets(points, points)[int(self.second)]
        return LandmarkSums(
            float(masses.sum()),
            self.kernel.apply(self.landmarks, forward(points), masses),
            float(masses @ offsets),
        )


def sum_over(
    cloud: Cloud, work: SumBlock, on_part: Callable[[float], None] = lambda done: None
) -> LandmarkSums:
    """Return the sums over all points of a sample.

    Parameters
    ----------
    cloud : Cloud
    work : SumBlock
    on_part : callable, optional
        Told after each block which part of the points is done.

    Raises
    ------
    ValueError
        A block that cannot be used, or masses that are all zero.
    """
    total: LandmarkSums | None = None
    done = 0
    for sums, count in cloud.map_blocks(_Counted(work)):
        total = sums if total is None else total + sums
        done += count
        on_part(done / cloud.n)
    if total is None or not total.mass > 0:
        raise ValueError(f"weights_{cloud.name} sums to 0; at least one weight must be positive.")
    return total


@dataclass(frozen=True, eq=False)
class _Counted:
    work: SumBlock

    def __call__(self, points: Array, masses: Array) -> tuple[LandmarkSums, int]:
        return self.work(points, masses), len(points)


def spanning(kernel: Kernel, candidates: Array, n: int, worth: float) -> Array:
    r"""Return the candidates that are needed as landmarks of a sample of n points.

    Pivoted Cholesky factorisation takes the candidate that those before explain least, so the
    columns of its factor L are the candidates in an orthonormal basis, and :math:`\sum_{j > r}
    (\frac1p \sum_i L_{ij})^2` is the squared error of the mean embedding on the first r.

    Parameters
    ----------
    kernel : Kernel
    candidates : ndarray of shape (p, d)
    n : int
    worth : float
        Of the error of a mean over n points, what too few landmarks may add to it.

    Returns
    -------
    ndarray of shape (r, d)
        All p where fewer are not enough.

    Examples
    --------
    >>> from kernel_ot.kernels import Gaussian
    >>> line = np.linspace(0, 1, 200)[:, None]
    >>> [len(spanning(Gaussian(width), line, 1000, 0.1)) for width in (1.0, 0.01)]
    [5, 112]
    """
    matrix = kernel(candidates, candidates)
    count = len(matrix)
    variance = float(np.diagonal(matrix).mean() - matrix.mean())
    factor, pivots, rank, _ = pstrf(matrix, lower=1, tol=_RIDGE * float(matrix.max()))
    along = np.tril(factor)[:, :rank].mean(axis=0)
    left = np.append(np.cumsum(np.square(along)[::-1])[::-1], 0.0)
    needed = int(np.argmax(left <= worth**2 * max(variance, 0.0) / n))
    return candidates[pivots[: max(needed, 1)] - 1] if needed < count else candidates


class Projection:
    """Masses of landmarks for sums at them; the matrix is factored once."""

    def __init__(self, kernel: Kernel, landmarks: Array) -> None:
        matrix = kernel(landmarks, landmarks)
        matrix.flat[:: len(matrix) + 1] += len(matrix) * _RIDGE
        self._factor = scipy.linalg.cho_factor(
            matrix, lower=True, overwrite_a=True, check_finite=False
        )

    def masses(self, sums: LandmarkSums) -> Array:
        """Return beta, the landmarks' signed masses."""
        return np.asarray(
            scipy.linalg.cho_solve(self._factor, sums.kernel / sums.mass, check_finite=False)
        )
