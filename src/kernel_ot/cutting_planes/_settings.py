"""What a fit needs beyond the samples, and the problem that it then poses."""

from __future__ import annotations

from dataclasses import dataclass

from kernel_ot._arrays import Array
from kernel_ot.kernels import Kernel
from kernel_ot.problem import Problem
from kernel_ot.samples import Samples


@dataclass(frozen=True)
class Settings:
    """Kernel, lambda_1 and lambda_2, with nothing left automatic."""

    kernel: Kernel
    reg_sos: float
    reg_potential: float


def make_problem(samples: Samples, x_fill: Array, y_fill: Array, settings: Settings) -> Problem:
    """Return the finite-dimensional problem on given filling points."""
    return Problem.from_samples(
        samples.x,
        samples.y,
        x_fill,
        y_fill,
        kernel=settings.kernel,
        reg_sos=settings.reg_sos,
        reg_potential=settings.reg_potential,
        weights_x=samples.weights_x,
        weights_y=samples.weights_y,
    )
