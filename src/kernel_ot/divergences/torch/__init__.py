"""Divergences and potentials of PyTorch tensors; imported only where a tensor was seen."""

from kernel_ot.divergences.torch._tensors import (
    TensorPotential,
    TensorPotentials,
    tensor_divergence,
    tensor_potentials,
)

__all__ = ["TensorPotential", "TensorPotentials", "tensor_divergence", "tensor_potentials"]
