"""The kernel OT map between trusted and suspect features."""

from __future__ import annotations

import numpy as np
from kernel_ot import Problem, Solution, kernels, solve
from kernel_ot.filling import filling_points
from numpy.typing import NDArray

from poisoning_study.detection._settings import DetectionSettings
from poisoning_study.detection._statistics import median_distance
from poisoning_study.errors import StudyError

_Floats = NDArray[np.float64]
_Mask = NDArray[np.bool_]


class TransportMap:
    """Kernel OT with filling points, kernel and regularisation that depend on the pool alone.

    Parameters
    ----------
    points : float64 array (n, k)
        Pooled points.
    settings : DetectionSettings
        Filling points, bandwidth, regularisation, tolerance.
    rng : numpy Generator
        Draws the filling points.
    """

    def __init__(
        self,
        points: _Floats,
        settings: DetectionSettings,
        rng: np.random.Generator,
    ) -> None:
        self.points = points
        self.settings = settings
        self.kernel = kernels.Gaussian(settings.bandwidth_factor * median_distance(points))
        self.fill = filling_points(points, points, settings.filling_points, "random_pairs", rng=rng)

    def solve(self, suspect: _Mask) -> tuple[Problem, Solution]:
        """Return the problem from trusted to suspect points, and its solution.

        Raises
        ------
        StudyError
            The solver did not converge; its own sentence is passed on.
        """
        problem = Problem.from_samples(
            self.points[~suspect],
            self.points[suspect],
            *self.fill,
            kernel=self.kernel,
            reg_sos=self.settings.reg_sos,
            reg_potential=self.settings.reg_potential,
        )
        for method in self.settings.methods:
            solution = solve(problem, method, self.settings.tolerance)
            if solution.converged:
                return problem, solution
        raise StudyError(
            f"Kernel OT did not converge: {solution.status.value} Raise detection.reg_sos or "
            "detection.reg_potential."
        )

    def displacement(self, suspect: _Mask) -> _Floats:
        """Return how far the map to the trusted sample moves each suspect, (n_suspect,)."""
        problem, solution = self.solve(suspect)
        points = self.points[suspect]
        moved = problem.potentials(solution.gamma).inverse_transport(points)
        return np.asarray(np.linalg.norm(moved - points, axis=1), dtype=np.float64)
