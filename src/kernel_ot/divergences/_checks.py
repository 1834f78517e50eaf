"""What a user passes to a divergence or a test, checked before anything is computed."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kernel_ot._arrays import (
    Namespace,
    check_same_dimension,
    check_same_names,
    check_sample,
    check_weights,
    counted,
    namespace_of,
    shown,
)
from kernel_ot.divergences._settings import DivergenceSettings
from kernel_ot.samples import Samples


def checked_samples(
    x: ArrayLike,
    y: ArrayLike,
    weights_x: ArrayLike | None = None,
    weights_y: ArrayLike | None = None,
) -> Samples:
    """Return both samples in float64, of NumPy or of JAX, or raise ValueError."""
    xp = _one_library(x, y)
    check_same_names(x, y)
    x_sample, y_sample = check_sample(x, "x"), check_sample(y, "y")
    check_same_dimension(x_sample, y_sample)
    masses = (
        check_weights(weights_x, x_sample.shape[0], "weights_x"),
        check_weights(weights_y, y_sample.shape[0], "weights_y"),
    )
    arrays = (x_sample, y_sample, *masses)
    return Samples(*(xp.asarray(array, dtype=np.float64) for array in arrays))


def float_type_of(x: ArrayLike, y: ArrayLike) -> np.dtype:
    """Return float32 where both samples are float32, else float64."""
    types = {getattr(points, "dtype", None) for points in (x, y)}
    return np.dtype(np.float32 if types == {np.dtype(np.float32)} else np.float64)


def check_settings(settings: object, dimension: int) -> DivergenceSettings:
    """Return settings that are some and are for points of this dimension."""
    if not isinstance(settings, DivergenceSettings):
        raise ValueError(
            f"settings = {shown(settings)} is no DivergenceSettings; choose them by "
            "DivergenceSettings.from_samples(x, y)."
        )
    if settings.dimension not in (None, dimension):
        raise ValueError(
            f"settings are for points of {counted(settings.dimension, 'feature')}, but x and y "
            f"have {dimension}; choose them anew by DivergenceSettings.from_samples(x, y)."
        )
    return settings


def _one_library(x: object, y: object) -> Namespace:
    xp = namespace_of(x, y)
    if xp is np:
        return xp
    for points, name in ((x, "x"), (y, "y")):
        if namespace_of(points) is np:
            raise ValueError(
                f"{name} is a {type(points).__name__} and the other sample a JAX array; pass two "
                "arrays of one library."
            )
    import jax

    if not jax.config.jax_enable_x64:
        raise ValueError(
            "JAX has float64 switched off, in which a divergence cannot be told from rounding. "
            "Call jax.config.update('jax_enable_x64', True) before any array is made."
        )
    return xp
