"""Potentials as the object that OTT-JAX's plots and tools take."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from kernel_ot._arrays import Array, register_pytrees
from kernel_ot.interop._sources import potentials_of
from kernel_ot.interop._units import Metric, cost_factor
from kernel_ot.potentials import PotentialFunction, Potentials

if TYPE_CHECKING:
    from ott.problems.linear.potentials import DualPotentials

    from kernel_ot.estimator import KernelOT, KernelOTCV


def to_ott(
    source: Potentials | KernelOT | KernelOTCV, *, metric: Metric = "sqeuclidean"
) -> DualPotentials:
    r"""Return potentials as `ott.problems.linear.potentials.DualPotentials`.

    `transport(x)` and `transport(y, forward=False)` are our T and S whatever the unit. Potentials
    and `distance(x, y)`, the dual value mean f + mean g, are in the unit of `metric`, which the
    result states as `cost_fn`. OTT-JAX differentiates f and g itself.

    Parameters
    ----------
    source : Potentials, KernelOT or KernelOTCV
        A model must be fitted. Arrays are copied to JAX's default device unless they are JAX's.
    metric : {"sqeuclidean", "half_sqeuclidean"}, default "sqeuclidean"
        "sqeuclidean": :math:`|x - y|^2`, `costs.SqEuclidean()`, the default of OTT-JAX: f = 2 u,
        g = 2 v, and `distance` of the samples is `2 cost_` where weights are equal.
        "half_sqeuclidean": :math:`|x - y|^2 / 2`, `costs.SqPNorm(2.0)`: f = u, g = v, and
        `distance` is `cost_`. `plot_potential(kantorovich=True)` draws :math:`|x|^2 / 2 - f`,
        which is the convex potential of Brenier's theorem in this unit only.

    Returns
    -------
    ott.problems.linear.potentials.DualPotentials
        Works inside `jax.jit`, `jax.vmap` and `jax.grad`.

    Raises
    ------
    ImportError
        JAX or OTT-JAX is not installed.
    ValueError
        A model that is not fitted, an unknown metric, or, once evaluated, a kernel that JAX cannot
        evaluate (Matern with nu other than 0.5, 1.5, 2.5).

    Warns
    -----
    UserWarning
        JAX has float64 switched off: potentials then lose about half of their digits.

    Examples
    --------
    >>> import jax
    >>> jax.config.update("jax_enable_x64", True)
    >>> from kernel_ot import KernelExpansion, Potentials, kernels
    >>> b = [[1.0, 2.0]]
    >>> translation = Potentials(
    ...     u=KernelExpansion(kernels.Linear(), b, [-1.0]),
    ...     v=KernelExpansion(kernels.Linear(), b, [1.0]),
    ... )
    >>> to_ott(translation).transport(jax.numpy.zeros((1, 2))).tolist()
    [[1.0, 2.0]]
    """
    factor = cost_factor(metric)
    potentials = potentials_of(source)
    try:
        import jax
    except ImportError as error:
        raise ImportError("to_ott needs JAX: pip install 'kernel-ot[jax]'") from error
    try:
        with warnings.catch_warnings():
            # What OTT-JAX imports announces its own end; users of either can do nothing about it.
            warnings.simplefilter("ignore", DeprecationWarning)
            from ott.geometry import costs
            from ott.problems.linear.potentials import DualPotentials
    except ImportError as error:
        raise ImportError("to_ott needs OTT-JAX: pip install ott-jax") from error
    if not jax.config.jax_enable_x64:
        warnings.warn(
            "JAX has float64 switched off: these potentials are evaluated in float32, where "
            "differences of large squares lose digits. Call jax.config.update('jax_enable_x64', "
            "True) before any array is made.",
            UserWarning,
            stacklevel=2,
        )
    register_pytrees()
    potentials = jax.tree_util.tree_map(_as_jax, potentials)
    return DualPotentials(
        f=_of_one_point(potentials.u, factor),
        g=_of_one_point(potentials.v, factor),
        cost_fn=costs.SqEuclidean() if metric == "sqeuclidean" else costs.SqPNorm(2.0),
    )


def _as_jax(leaf: PotentialFunction | ArrayLike) -> PotentialFunction | Array:
    from jax import numpy

    # A user's own PotentialFunction is no pytree; it has to take JAX points itself.
    if isinstance(leaf, PotentialFunction):
        return leaf
    array: Array = numpy.asarray(leaf)
    return array


def _of_one_point(function: PotentialFunction, factor: float) -> Callable[[Array], Array]:
    import jax

    def value(point: Array) -> Array:
        scaled: Array = factor * function(point[None, :])[0]
        return scaled

    # OTT-JAX calls it outside of any jit, where each operation would be compiled by itself.
    compiled: Callable[[Array], Array] = jax.jit(value)
    return compiled
