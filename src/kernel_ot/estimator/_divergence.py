"""A divergence between samples for testing and training, and its gradients in the points."""

from __future__ import annotations

from typing import Any

import numpy as np
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
    samples, potentials = model.samples_, model.potentials_
    return (
        samples.weights_x[:, None] * potentials.gradient_u(samples.x),
        samples.weights_y[:, None] * potentials.gradient_v(samples.y),
    )


def kernel_ot_divergence(x: Any, y: Any, **parameters: Any) -> float:
    r"""Return :math:`C(x, y) - \tfrac12 C(x, x) - \tfrac12 C(y, y)` with the fitted cost C.

    The terms between a sample and itself take out most of the bias that regularisation puts into
    the cost, as in the Sinkhorn divergence (Feydy et al. 2019).

    Parameters
    ----------
    x, y : array-like of shape (n, d) and (m, d)
    **parameters
        Of `KernelOT`. What is automatic is chosen for (x, y) and used for all three terms.

    Returns
    -------
    float
        In squared user units; 0 for two equal samples.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot.estimator import kernel_ot_divergence
    >>> from kernel_ot.kernels import Gaussian
    >>> x = np.linspace(-1, 1, 20)[:, None]
    >>> settings = {"kernel": Gaussian(1.0), "reg_potential": 1e-2}
    >>> abs(kernel_ot_divergence(x, x, **settings)) < 1e-12
    True
    >>> round(kernel_ot_divergence(x, x + 2, **settings), 3)
    2.0
    """
    model = KernelOT(**parameters).fit(x, y)
    fixed = {
        **parameters,
        "kernel": model.kernel_,
        "reg_sos": model.reg_sos_,
        "reg_potential": model.reg_potential_,
    }
    own = [KernelOT(**fixed).fit(sample, sample).cost_ for sample in (x, y)]
    return float(model.cost_ - np.mean(own))
