"""One number between two samples, zero for equal ones, with its parts and its gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kernel_ot._arrays import Array, Scalar, is_tensor, is_traced, namespace_of, pytree
from kernel_ot._linalg import blas_on_one_thread
from kernel_ot.divergences._checks import check_settings, checked_samples, float_type_of
from kernel_ot.divergences._moving import Moved, moved, potential
from kernel_ot.divergences._settings import DivergenceSettings
from kernel_ot.potentials import PotentialFunction, Potentials
from kernel_ot.samples import Samples


@pytree()
@dataclass(frozen=True, eq=False)
class Divergence:
    r"""A divergence between two samples and what it is made of.

    Attributes
    ----------
    value : float
        Half of the sum of both directions' values; in squared units of the samples.
    forward : Moved
        x moved towards y.
    backward : Moved
        y moved towards x.
    potentials : Potentials
        u and v with the maps :math:`T(x) = x - \nabla u(x)` from x to y and S back, as functions
        that are evaluated at any points. T takes the images of y back to y, exactly.
    gradient_x, gradient_y : array of shape (n, d) and (m, d)
        Of `value` in the points, by the envelope theorem: exact for the settings at hand.
    settings : DivergenceSettings
        To be passed to the next call.

    Examples
    --------
    >>> import numpy as np
    >>> import kernel_ot
    >>> x = np.linspace(-1, 1, 30)[:, None]
    >>> found = kernel_ot.divergence(x, x + 1)
    >>> bool(found.value > 0), found.gradient_x.shape
    (True, (30, 1))
    """

    value: Any  # a number, or of tensors one that is differentiated by its own `backward()`
    forward: Moved
    backward: Moved
    potentials: Potentials
    gradient_x: Array
    gradient_y: Array
    settings: DivergenceSettings

    @property
    def cost(self) -> Scalar:
        r"""The same without the penalty: :math:`\int u\,d\mu + \int u^c d\nu`, both ways, halved.

        Above `value`, and at most half the squared Wasserstein distance between the samples where
        every image is the global minimiser of its c-transform.
        """
        cost: Scalar = self.value + (self.forward.mismatch + self.backward.mismatch) / 2
        return cost

    @property
    def converged(self) -> Array | bool:
        """Whether both directions reached the tolerance of the settings."""
        return self.forward.converged & self.backward.converged

    @property
    def message(self) -> str:
        """What the ending means, and what to do about it; not inside of traced code."""
        if bool(self.converged):
            return "Both directions reached the tolerance of the settings."
        if not np.isfinite(float(self.value)):
            return "The value is not finite: so are the samples, the masses or the settings."
        return (
            f"A direction ended with a residual of {float(self.forward.residual):.1e} and "
            f"{float(self.backward.residual):.1e}: give the settings a larger max_iter or tol, or "
            "a larger reg_potential, whose problems are easier."
        )

    def __str__(self) -> str:
        both = self.forward, self.backward
        transport, mismatch = (
            sum(float(getattr(direction, name)) for direction in both) / 2
            for name in ("transport", "mismatch")
        )
        return (
            f"divergence {float(self.value):.6g} = transport {transport:.6g} + mismatch "
            f"{mismatch:.6g}. {self.message}"
        )


def divergence(
    x: ArrayLike,
    y: ArrayLike,
    *,
    settings: DivergenceSettings | None = None,
    weights_x: ArrayLike | None = None,
    weights_y: ArrayLike | None = None,
) -> Divergence:
    r"""Return the kernel transport divergence between two samples.

    .. math::

        D(\mu, \nu) = \tfrac12 E(\mu | \nu) + \tfrac12 E(\nu | \mu), \qquad
        E(\mu | \nu) = \max_u \int u \, d\mu + \int u^c \, d\nu - \lambda |u|^2
        = \min_\rho \tfrac12 W_2^2(\rho, \nu) + \tfrac{1}{4 \lambda} \mathrm{MMD}^2(\mu, \rho) :

    the kernel estimate of the transport cost with one potential regularised, both ways. It is
    never negative, 0 for equal samples without any term to be taken off, 0 for equal distributions
    only, and at most :math:`\mathrm{MMD}^2 / 4 \lambda`; for samples of equal size also at most
    :math:`W_2^2 / 2`. It measures like the latter what is resolved by the kernel, and like the
    former the noise of single points, so that its error does not grow with the dimension as that
    of the Wasserstein distance does.

    Parameters
    ----------
    x, y : array of shape (n, d) and (m, d)
        Two NumPy arrays (or what becomes one), two JAX arrays, or two PyTorch tensors, at least
        2 points each. What is computed is float64, on the host for PyTorch; float32 comes back as
        float32.
    settings : DivergenceSettings, optional
        Chosen from (x, y) if not given, and then part of the result: pass them to every further
        call that is to be compared, and in a training loop.
    weights_x, weights_y : array of shape (n,) and (m,), optional
        Masses, rescaled to sum to one; equal ones if not given.

    Returns
    -------
    Divergence
        Of PyTorch tensors, `kernel_ot.interop.torch.divergence`, with `value` differentiable.

    Raises
    ------
    ValueError
        Samples that are no finite numbers, of one point, of two array libraries or of two
        dimensions; settings for another dimension; JAX without float64; JAX arrays that are traced
        and no settings.

    Notes
    -----
    Under `jax.jit`, `jax.grad` and `jax.vmap` everything but `message` works, with respect to
    points, masses, and the numbers in the settings; second derivatives and those of images, too.
    A value of non-finite samples is NaN there, and `converged` is False.

    The images are found by descent from the sample itself, each point as a whole: a local minimum,
    below the value at the start. So the bound by the maximum mean discrepancy always holds, and
    with very little regularisation, or samples of unequal size, the value can be above
    :math:`W_2^2 / 2`, whose plans may split a point.

    References
    ----------
    A. Vacher et al., A dimension-free computational upper-bound for smooth optimal transport
    estimation, COLT 2021. The minimum over :math:`\rho` is a step of Jordan, Kinderlehrer and Otto
    (1998) on the maximum mean discrepancy (Arbel et al., NeurIPS 2019).

    Examples
    --------
    >>> import numpy as np
    >>> import kernel_ot
    >>> x = np.random.default_rng(0).normal(size=(100, 2))
    >>> kernel_ot.divergence(x, x).value
    0.0
    >>> found = kernel_ot.divergence(x, x + [2, 0])
    >>> round(found.value, 2), found.converged
    (1.92, True)
    >>> found.gradient_x.sum(axis=0).round(2)  # moving all of x to the right decreases it
    array([-1.92,  0.  ])
    """
    if is_tensor(x) or is_tensor(y):
        from kernel_ot.divergences.torch import tensor_divergence

        return tensor_divergence(x, y, settings, weights_x, weights_y)
    samples = checked_samples(x, y, weights_x, weights_y)
    if settings is None:
        settings = DivergenceSettings.from_samples(samples.x, samples.y)
    check_settings(settings, samples.dimension)
    if namespace_of(samples.x) is np:
        with blas_on_one_thread():
            found = evaluate(samples, settings)
    elif is_traced(*_leaves((samples, settings))):
        found = evaluate(samples, settings)
    else:
        found = _compiled()(samples, settings)
    return _rounded(found, float_type_of(x, y))


def _leaves(tree: object) -> list[object]:
    import jax

    leaves: list[object] = jax.tree.leaves(tree)
    return leaves


@cache
def _compiled() -> Callable[[Samples, DivergenceSettings], Divergence]:
    """Return `evaluate` compiled by JAX; once for each shape of samples and kind of settings."""
    import jax

    compiled: Callable[[Samples, DivergenceSettings], Divergence] = jax.jit(evaluate)
    return compiled


def evaluate(samples: Samples, settings: DivergenceSettings) -> Divergence:
    """Return the divergence of samples that were checked, in float64."""
    swapped = Samples(samples.y, samples.x, samples.weights_y, samples.weights_x)
    backward, forward = moved(samples, settings), moved(swapped, settings)
    potentials = Potentials(
        potential(samples, backward.images, settings), potential(swapped, forward.images, settings)
    )
    return Divergence(
        value=(forward.value + backward.value) / 2,
        forward=forward,
        backward=backward,
        potentials=potentials,
        gradient_x=_gradient(samples, forward.images, potentials.u),
        gradient_y=_gradient(swapped, backward.images, potentials.v),
        settings=settings,
    )


def _gradient(samples: Samples, images: Array, function: PotentialFunction) -> Array:
    """Return the gradient in `samples.x`: its own way to the images, and what it is to the others.

    Either direction gives half by the envelope theorem: x_i moves to its image, and where y moves,
    x_i is a centre of the potential u.
    """
    x = samples.x
    gradient: Array = samples.weights_x[:, None] * (x - images + function.gradient(x)) / 2
    return gradient


def _rounded(found: Divergence, dtype: np.dtype) -> Divergence:
    """Return the result in the samples' precision; what is one number of NumPy's as Python's."""

    def rounded(value: Array) -> Array:
        return value.astype(dtype) if value.dtype.kind == "f" else value

    def number(value: Scalar) -> Scalar:
        xp = namespace_of(value)
        array: Array = xp.asarray(value)
        return array.item() if xp is np else rounded(array)

    def of(direction: Moved) -> Moved:
        reached = direction.converged
        return Moved(
            images=rounded(direction.images),
            value=number(direction.value),
            transport=number(direction.transport),
            mismatch=number(direction.mismatch),
            residual=number(direction.residual),
            converged=bool(reached) if namespace_of(reached) is np else reached,
            evaluations=number(direction.evaluations),
        )

    return replace(
        found,
        value=number(found.value),
        forward=of(found.forward),
        backward=of(found.backward),
        gradient_x=rounded(found.gradient_x),
        gradient_y=rounded(found.gradient_y),
    )
