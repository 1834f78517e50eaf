"""The cost that another library's numbers are in, as a multiple of ours."""

from __future__ import annotations

from typing import Literal, TypeAlias

Metric: TypeAlias = Literal["sqeuclidean", "half_sqeuclidean"]

METRICS: tuple[Metric, ...] = ("sqeuclidean", "half_sqeuclidean")
"""`|x - y|^2`, the default of POT and OTT-JAX, and `|x - y|^2 / 2`, the cost of kernel-ot."""


def cost_factor(metric: object) -> float:
    """Return how many times our cost `|x - y|^2 / 2` the cost `metric` is.

    Raises
    ------
    ValueError
        `metric` is none of `METRICS`.

    Examples
    --------
    >>> cost_factor("sqeuclidean")
    2.0
    """
    if metric == "sqeuclidean":
        return 2.0
    if metric == "half_sqeuclidean":
        return 1.0
    raise ValueError(
        f"metric = {metric!r} must be 'sqeuclidean', the cost |x - y|^2, or 'half_sqeuclidean', "
        "the cost |x - y|^2 / 2; for another multiple rescale the values first."
    )
