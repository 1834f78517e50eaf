"""Divergences and potentials of PyTorch tensors; imported only where a tensor was seen.

Nothing here is public.
"""

from kernel_ot.divergences.torch._tensors import (
    TensorPotentials as TensorPotentials,
    tensor_divergence as tensor_divergence,
    tensor_potentials as tensor_potentials,
)
