"""What one picture costs a network: operations, and memory for training and for passes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class NetworkCost:
    """Costs of one picture in one network.

    Parameters
    ----------
    flops : int
        Of a forward pass: products and sums of convolutions and matrix products, nothing else.
    saved_bytes : int
        What a forward pass keeps for the backward pass, in float32.
    pass_bytes : int
        Input and output of the layer where both together are largest: the peak without gradients.
    parameter_bytes : int
        Weights, in float32.
    """

    flops: int
    saved_bytes: int
    pass_bytes: int
    parameter_bytes: int


def network_cost(network: nn.Module, *inputs: Tensor) -> NetworkCost:
    """Run `network` on one picture and count.

    Parameters
    ----------
    network : nn.Module
        In evaluation mode afterwards.
    *inputs : Tensor
        Its arguments, a batch of one.

    Examples
    --------
    >>> cost = network_cost(nn.Linear(10, 3, bias=False), torch.ones(1, 10))
    >>> cost.flops, cost.parameter_bytes, cost.pass_bytes
    (60, 120, 52)
    """
    network.eval()
    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    kept: dict[int, Tensor] = {}
    largest = 0

    def keep(tensor: Tensor) -> Tensor:
        place = tensor.untyped_storage().data_ptr()
        if place not in weights:
            kept[place] = tensor
        return tensor

    def measure(module: nn.Module, arguments: tuple[object, ...], output: object) -> None:
        nonlocal largest
        tensors = [value for value in (*arguments, output) if isinstance(value, Tensor)]
        largest = max(largest, sum(_bytes(tensor) for tensor in tensors))

    leaves = [module for module in network.modules() if not list(module.children())]
    hooks = [module.register_forward_hook(measure) for module in leaves]
    counter = FlopCounterMode(display=False)
    try:
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), counter:
            network(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return NetworkCost(
        counter.get_total_flops(),
        sum(tensor.untyped_storage().nbytes() for tensor in kept.values()),
        largest,
        sum(_bytes(parameter) for parameter in network.parameters()),
    )


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
