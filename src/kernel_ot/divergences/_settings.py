"""What a divergence needs beside its samples, chosen once and passed from call to call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kernel_ot._arrays import (
    Array,
    check_non_negative,
    check_points,
    check_positive,
    check_same_dimension,
    check_same_names,
    is_traced,
    on_host,
    pytree,
    register_pytrees,
    shown,
)
from kernel_ot.kernels import Kernel, Multiquadric, median_distance


@pytree(static=("dimension", "max_iter"))
@dataclass(frozen=True)
class DivergenceSettings:
    r"""Kernel, regularisation and accuracy of a divergence.

    Choose them once, from samples such as those that will be compared (`from_samples`), and pass
    them to every call whose values are to be compared: two divergences with different settings
    are two different measures of distance. Choose anew where the spread or the separation of the
    samples has changed by more than a factor of about four, or where the features are others.

    Parameters
    ----------
    kernel : Kernel
        Of the potentials, on points in the samples' units. The divergence is zero for equal
        distributions only, if the kernel is characteristic, as Gaussian, Matern and multiquadric
        kernels are.
    reg_potential : float
        :math:`\lambda`, the weight of the potentials' squared norm, in squared units of the
        samples. Small: the divergence is close to half the squared Wasserstein distance. Large: it
        is the squared maximum mean discrepancy over :math:`4 \lambda`, its upper bound.
    tol : float, default 1e-6
        The descent ends where the norm of the gradient is below this part of the root of the mean
        cost between the samples. The relative error of the value is about its square.
    max_iter : int, default 2000
        Gradients that are evaluated at most, for each direction.
    dimension : int, optional
        Of the points that the settings are for; samples of another one are refused.

    Raises
    ------
    ValueError
        A kernel that is none, numbers that are not positive.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(0, 1, 50)[:, None]
    >>> DivergenceSettings.from_samples(x, x + 1).kernel
    Multiquadric(bandwidth=0.59...)
    """

    kernel: Kernel
    reg_potential: float
    tol: float = 1e-6
    max_iter: int = 2000
    dimension: int | None = None

    def __post_init__(self) -> None:
        # A compiled function may see nothing of this library before its settings.
        register_pytrees()
        if not isinstance(self.kernel, Kernel):
            raise ValueError(f"kernel = {shown(self.kernel)} is not a Kernel.")
        object.__setattr__(
            self, "reg_potential", check_positive(self.reg_potential, "reg_potential")
        )
        object.__setattr__(self, "tol", check_non_negative(self.tol, "tol"))
        if check_positive(self.max_iter, "max_iter") != int(self.max_iter):
            raise ValueError(f"max_iter = {self.max_iter} must be an integer, at least 1.")
        object.__setattr__(self, "max_iter", int(self.max_iter))

    @classmethod
    def from_samples(
        cls,
        x: ArrayLike,
        y: ArrayLike,
        *,
        regularisation: float = 0.01,
        random_state: int = 0,
        tol: float = 1e-6,
        max_iter: int = 2000,
    ) -> DivergenceSettings:
        r"""Return settings in the units of two samples.

        Parameters
        ----------
        x, y : array of shape (n, d) and (m, d)
            Such as will be compared.
        regularisation : float, default 0.01
            :math:`\lambda h^2`, without unit; h is the median distance of the pooled points. Which
            of them are used, where there are more than 1000, `random_state` decides.
        random_state : int, default 0
        tol, max_iter : as above

        Returns
        -------
        DivergenceSettings
            With the kernel `Multiquadric(h)`.

        Raises
        ------
        ValueError
            What is no finite sample; traced JAX arrays, by whose values nothing can be decided.
        """
        if is_traced(x, y):
            raise ValueError(
                "settings cannot be chosen inside of traced JAX code, which knows no values; "
                "choose them outside, settings = DivergenceSettings.from_samples(x, y), and pass "
                "settings=settings."
            )
        scale = check_positive(regularisation, "regularisation")
        check_same_names(x, y)
        first, second = (
            np.asarray(check_points(on_host(points), name)) for points, name in ((x, "x"), (y, "y"))
        )
        check_same_dimension(first, second)
        width = _typical_distance(first, second, random_state)
        kernel = Multiquadric(width)  # refuses a width without a square
        return cls(kernel, scale / width**2, tol, max_iter, int(first.shape[1]))


def _typical_distance(x: Array, y: Array, random_state: int) -> float:
    if (x == x[0]).all() and (y == x[0]).all():
        return 1.0  # one and the same point: any length will do
    return median_distance(x, y, np.random.default_rng(random_state))
