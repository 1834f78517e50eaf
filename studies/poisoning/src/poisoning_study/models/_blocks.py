"""Building blocks of the small backbones: one class for each family of architectures."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ConvNorm(nn.Sequential):
    """Convolution without bias, batch normalisation and, unless switched off, a ReLU."""

    def __init__(
        self,
        n_in: int,
        n_out: int,
        size: int = 3,
        stride: int = 1,
        groups: int = 1,
        relu: bool = True,
    ) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(n_in, n_out, size, stride, size // 2, groups=groups, bias=False),
            nn.BatchNorm2d(n_out),
        ]
        if relu:
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers)


class _Shortcut(nn.Module):
    """Residual connection around `body`; a 1 x 1 convolution where the shape changes."""

    def __init__(self, body: nn.Module, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.body = body
        same = n_in == n_out and stride == 1
        self.skip = nn.Identity() if same else ConvNorm(n_in, n_out, 1, stride, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.skip(x))


class ResidualBlock(_Shortcut):
    """Two 3 x 3 convolutions and a shortcut (the family of ResNet34)."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        body = nn.Sequential(ConvNorm(n_in, n_out, 3, stride), ConvNorm(n_out, n_out, relu=False))
        super().__init__(body, n_in, n_out, stride)


class GroupedBlock(_Shortcut):
    """1 x 1, grouped 3 x 3, 1 x 1 convolution and a shortcut (the family of RegNetX)."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        body = nn.Sequential(
            ConvNorm(n_in, n_out, 1),
            ConvNorm(n_out, n_out, 3, stride, groups=n_out // 8),
            ConvNorm(n_out, n_out, 1, relu=False),
        )
        super().__init__(body, n_in, n_out, stride)


class _SplitAttention(nn.Module):
    """3 x 3 convolution into two splits, weighted by softmax attention over them (ResNeSt)."""

    def __init__(self, n_channels: int, stride: int) -> None:
        super().__init__()
        self.convolution = ConvNorm(n_channels, 2 * n_channels, 3, stride, groups=2)
        hidden = max(8, n_channels // 4)
        self.attention = nn.Sequential(
            nn.Linear(n_channels, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, 2 * n_channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        splits = self.convolution(x).unflatten(1, (2, -1))
        pooled = splits.sum(1).mean((2, 3))
        weights = self.attention(pooled).unflatten(1, (2, -1)).softmax(1)
        mixed: Tensor = (splits * weights[..., None, None]).sum(1)
        return mixed


class SplitAttentionBlock(_Shortcut):
    """Bottleneck with split attention and a shortcut (the family of ResNeSt26d and ResNeSt101e)."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        middle = n_out // 2
        body = nn.Sequential(
            ConvNorm(n_in, middle, 1),
            _SplitAttention(middle, stride),
            ConvNorm(middle, n_out, 1, relu=False),
        )
        super().__init__(body, n_in, n_out, stride)


class _SqueezeExcitation(nn.Module):
    """Channels weighted by a gate computed from their means."""

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        hidden = max(4, n_channels // 8)
        self.gate = nn.Sequential(
            nn.Linear(n_channels, hidden), nn.SiLU(), nn.Linear(hidden, n_channels), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        gate: Tensor = self.gate(x.mean((2, 3)))
        return x * gate[..., None, None]


class InvertedBlock(nn.Module):
    """Expansion, depthwise 3 x 3, squeeze-and-excitation, projection (EfficientNet)."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        middle = 2 * n_in
        self.body = nn.Sequential(
            ConvNorm(n_in, middle, 1),
            ConvNorm(middle, middle, 3, stride, groups=middle),
            _SqueezeExcitation(middle),
            ConvNorm(middle, n_out, 1, relu=False),
        )
        self.residual = n_in == n_out and stride == 1

    def hold_shift(self) -> None:
        """Keep the shift of the last normalisation at 0, for a block that another one follows.

        The next normalisation takes it out again, so that its gradient is rounding alone, which
        Adam would divide by its own size.
        """
        self.body[-1].get_parameter("1.bias").register_hook(torch.zeros_like)

    def forward(self, x: Tensor) -> Tensor:
        # Depthwise convolutions are slow on the layout that float64 has (`Backbone`).
        x = x.contiguous()
        y: Tensor = self.body(x)
        return x + y if self.residual else y


class DenseBlock(nn.Module):
    """Convolutions whose outputs are appended to their inputs, then a transition (DenseNet)."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        growth = max(4, n_out // 4)
        self.layers = nn.ModuleList(ConvNorm(n_in + i * growth, growth) for i in range(2))
        self.transition = ConvNorm(n_in + 2 * growth, n_out, 1)
        self.pool = nn.Identity() if stride == 1 else nn.AvgPool2d(stride)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.cat([x, layer(x)], 1)
        pooled: Tensor = self.pool(self.transition(x))
        return pooled
