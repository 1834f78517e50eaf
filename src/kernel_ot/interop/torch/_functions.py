"""Losses, costs, potentials and maps as functions of tensors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import torch

from kernel_ot.divergences import DivergenceSettings, divergence
from kernel_ot.divergences.torch import TensorPotentials, tensor_potentials
from kernel_ot.interop._sources import potentials_of
from kernel_ot.potentials import Potentials

if TYPE_CHECKING:
    from kernel_ot.estimator import KernelOT, KernelOTCV

    Source: TypeAlias = Potentials | KernelOT | KernelOTCV

# Steps of an optimiser are far less exact; the error of a value is about the square.
_TRAINING_TOL = 1e-4


class DivergenceLoss(torch.nn.Module):
    """`kernel_ot.divergence` as a loss between two batches of points.

    Parameters
    ----------
    settings : DivergenceSettings, optional
        By default those of the first two batches with `tol=1e-4`, kept from then on: a loss that
        changed its measure from step to step would not go down. Make a new loss where the spread
        of the data has changed by more than a factor of about four.

    Attributes
    ----------
    settings : DivergenceSettings or None

    Examples
    --------
    >>> import torch
    >>> generator = torch.Generator().manual_seed(0)
    >>> target = torch.randn(50, 2, generator=generator)
    >>> points = 3 + torch.randn(50, 2, generator=generator)
    >>> points.requires_grad_()  # doctest: +ELLIPSIS
    tensor(...requires_grad=True)
    >>> loss = DivergenceLoss()
    >>> optimiser = torch.optim.SGD([points], lr=50.0)
    >>> values = []
    >>> for _ in range(5):
    ...     optimiser.zero_grad()
    ...     value = loss(points, target)
    ...     value.backward()
    ...     optimiser.step()
    ...     values.append(value.item())
    >>> values[-1] < 0.1 * values[0]
    True
    """

    def __init__(self, settings: DivergenceSettings | None = None) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the value for points x (n, d) and y (m, d), differentiable in both."""
        found = divergence(x, y, settings=self.settings)
        if self.settings is None:
            self.settings = replace(found.settings, tol=_TRAINING_TOL)
        value: torch.Tensor = found.value
        return value


def potentials(source: Source) -> TensorPotentials:
    """Return potentials and maps as differentiable functions of tensors.

    Parameters
    ----------
    source : Potentials, KernelOT or KernelOTCV
        A model must be fitted.

    Returns
    -------
    TensorPotentials
        `u(x)` and `v(y)` are differentiable twice, `transport(x)` and `inverse_transport(y)` once.

    Raises
    ------
    ValueError
        A model that is not fitted. Where they are called: integer tensors, points that are not
        finite or of another dimension; second derivatives of piecewise potentials.

    Examples
    --------
    >>> import torch
    >>> from kernel_ot import KernelExpansion, Potentials
    >>> from kernel_ot.kernels import Linear
    >>> shift = KernelExpansion(Linear(), [[1.0]], [-1.0])
    >>> potentials(Potentials(shift, shift)).u(torch.ones(1, 1))
    tensor([-1.])
    """
    return tensor_potentials(potentials_of(source))


def transport(source: Source, x: torch.Tensor) -> torch.Tensor:
    """Return T(x), differentiable in x by the Jacobian of the map; see `potentials`.

    Examples
    --------
    >>> import torch
    >>> from kernel_ot import KernelExpansion, Potentials
    >>> from kernel_ot.kernels import Linear
    >>> shift = KernelExpansion(Linear(), [[1.0, 2.0]], [-1.0])
    >>> transport(Potentials(shift, shift), torch.zeros(1, 2))
    tensor([[1., 2.]])
    """
    return potentials(source).transport(x)


def inverse_transport(source: Source, y: torch.Tensor) -> torch.Tensor:
    """Return S(y), differentiable in y; see `potentials`.

    Examples
    --------
    >>> import torch
    >>> from kernel_ot import KernelExpansion, Potentials
    >>> from kernel_ot.kernels import Linear
    >>> shift = KernelExpansion(Linear(), [[1.0]], [-1.0])
    >>> inverse_transport(Potentials(shift, shift), torch.zeros(1, 1))
    tensor([[1.]])
    """
    return potentials(source).inverse_transport(y)


def cost(source: Source, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    r"""Return the dual value :math:`\operatorname{mean} u(x) + \operatorname{mean} v(y)`.

    For the samples of a fit with equal masses that is the fit's `cost_`, and the derivative in the
    points is, by the envelope theorem, that of the regularised value of the fit. For other samples
    it is the cost that the fitted potentials give them. As a loss use `DivergenceLoss`: this cost
    is biased, and the smallest is not that of equal samples.

    Parameters
    ----------
    source : Potentials, KernelOT or KernelOTCV
    x, y : tensor of shape (n, d) and (m, d)

    Returns
    -------
    tensor of shape ()

    Examples
    --------
    >>> import torch
    >>> from kernel_ot import KernelExpansion, Potentials
    >>> from kernel_ot.kernels import Linear
    >>> shift = KernelExpansion(Linear(), [[1.0]], [-1.0])
    >>> float(cost(Potentials(shift, shift), torch.ones(1, 1), torch.ones(1, 1)))
    -2.0
    """
    both = potentials(source)
    return both.u(x).mean() + both.v(y).mean()
