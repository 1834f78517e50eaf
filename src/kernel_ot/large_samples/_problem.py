"""The problem that a fit of many points solves, with landmarks in the place of the samples."""

from __future__ import annotations

import numpy as np

from kernel_ot._linalg import feature_factor
from kernel_ot.cutting_planes import ContactPoints, Settings
from kernel_ot.problem import Problem, Provenance, linear_term

# The default of `Problem.from_samples`, which says what it is for.
_JITTER = 1e-10


def landmark_problem(points: ContactPoints, settings: Settings) -> Problem:
    """Return the finite-dimensional problem on contact points, for landmarks with signed masses.

    What `Problem.from_samples` computes of samples is here already, and masses need not be
    positive: they are those of a projection.

    Parameters
    ----------
    points : ContactPoints
        Their embeddings are those of the landmarks.
    settings : Settings
    """
    kernel, landmarks = settings.kernel, points.embeddings.samples
    pairs = np.concatenate([points.x, points.y], axis=1)
    factor = feature_factor(kernel(pairs, pairs))
    quadratic = points.quadratic.copy()
    quadratic.flat[:: len(quadratic) + 1] += _JITTER * float(np.diagonal(quadratic).max())
    return Problem(
        quadratic=quadratic,
        linear=linear_term(points.embedding, points.x, points.y, settings.reg_potential),
        constant=float(points.embeddings.spaces.constant()),
        embedding=points.embedding,
        features=factor.features,
        reg_sos=settings.reg_sos,
        reg_potential=settings.reg_potential,
        truncation_error=factor.truncation_error,
        provenance=Provenance(
            landmarks.x,
            landmarks.y,
            landmarks.weights_x,
            landmarks.weights_y,
            points.x,
            points.y,
            kernel,
            kernel,
            kernel,
        ),
    )
