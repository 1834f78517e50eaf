"""Kernel transport of PyTorch tensors: a loss to train with, potentials and maps.

Everything is a `torch.autograd.Function` whose derivatives are known in closed form at the
solution: nothing is unrolled, and a backward pass costs next to nothing. What is computed is
computed on the host, divergences in float64; results have the tensors' dtype and device.
"""

from kernel_ot.interop.torch._functions import (
    DivergenceLoss,
    cost,
    inverse_transport,
    potentials,
    transport,
)

__all__ = ["DivergenceLoss", "cost", "inverse_transport", "potentials", "transport"]
