"""The gradients of a fitted transport value in the sample points."""

from __future__ import annotations

from sklearn.utils.validation import check_is_fitted

from kernel_ot._arrays import Array
from kernel_ot.estimator._kernel_ot import KernelOT


def cost_gradients(model: KernelOT) -> tuple[Array, Array]:
    r"""Return the gradients of the fitted transport value in the sample points.

    By the envelope theorem (Danskin) the derivative of the optimal value
    :math:`\max_{u, v} \sum_i a_i u(x_i) + \sum_j b_j v(y_j) - \ldots` in :math:`x_i`, with filling
    points held fixed, is :math:`a_i \nabla u(x_i)`: one evaluation of the kernel. It is exact for
    the regularised value in the coordinates of the fit; that the preconditioner itself depends on
    the points is left out, which vanishes with the regularisation.

    Parameters
    ----------
    model : KernelOT
        Fitted.

    Returns
    -------
    gradient_x : ndarray of shape (n, d)
        In user units.
    gradient_y : ndarray of shape (m, d)

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import KernelOT
    >>> from kernel_ot.estimator import cost_gradients
    >>> from kernel_ot.kernels import Gaussian
    >>> x = np.linspace(0, 1, 20)[:, None]
    >>> model = KernelOT(Gaussian(2.0), reg_potential=1e-2).fit(x, x + 3)
    >>> gradient_x, gradient_y = cost_gradients(model)
    >>> np.round(20 * gradient_x.mean(), 3), np.round(20 * gradient_y.mean(), 3)
    (np.float64(-3.0), np.float64(3.0))
    """
    check_is_fitted(model)
    samples = model.samples_
    # Of the kernel's potentials alone, whose regularised value it is: `potentials_` may combine
    # them with others and set the means of few points.
    potentials = model.conjugation_.potentials(model.problem_.potentials(model.solution_.gamma))
    return (
        samples.weights_x[:, None] * potentials.gradient_u(samples.x),
        samples.weights_y[:, None] * potentials.gradient_v(samples.y),
    )
