"""Kernels: values, diagonals, weighted sums and gradients of weighted sums."""

from kernel_ot.kernels._anisotropic import Anisotropic
from kernel_ot.kernels._bandwidth import median_distance
from kernel_ot.kernels._base import Kernel, Scaled as Scaled, Sum as Sum
from kernel_ot.kernels._matern import Matern, Sobolev
from kernel_ot.kernels._multiquadric import Multiquadric
from kernel_ot.kernels._polynomial import Linear, Polynomial
from kernel_ot.kernels._radial import Gaussian

__all__ = [
    "Anisotropic",
    "Gaussian",
    "Kernel",
    "Linear",
    "Matern",
    "Multiquadric",
    "Polynomial",
    "Sobolev",
    "median_distance",
]
