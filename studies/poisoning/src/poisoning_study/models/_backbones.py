"""Backbones by name: small own ones of five families, or timm's."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from poisoning_study.errors import StudyError
from poisoning_study.models._blocks import (
    ConvNorm,
    DenseBlock,
    GroupedBlock,
    InvertedBlock,
    ResidualBlock,
    SplitAttentionBlock,
)

_FAMILIES: dict[str, Callable[[int, int, int], nn.Module]] = {
    "residual": ResidualBlock,
    "inverted": InvertedBlock,
    "split-attention": SplitAttentionBlock,
    "grouped": GroupedBlock,
    "dense": DenseBlock,
}
_WIDTHS = (16, 32, 64)
_DEPTHS = {"small": 1, "deep": 2}
#: The original's backbone that each small family stands for.
FAMILY_OF = {
    "resnet34": "residual",
    "efficientnet_b0": "inverted",
    "resnest26d": "split-attention",
    "resnest101e": "split-attention",
    "regnetx_006": "grouped",
    "densenet121": "dense",
}


class Backbone(nn.Module):
    """Images (n, 3, h, w) in [0, 1] to features (n, feature_size).

    Parameters
    ----------
    layers : nn.Module
        Normalised images to features.
    feature_size : int
        Width of the features.
    normalise : bool
        Map [0, 1] to about [-2, 2] first; the original study feeds [0, 1] as it is.
    """

    def __init__(self, layers: nn.Module, feature_size: int, normalise: bool = True) -> None:
        super().__init__()
        self.layers = layers
        self.feature_size = feature_size
        self.normalise = normalise

    def forward(self, images: Tensor) -> Tensor:
        scaled = (images - 0.5) / 0.25 if self.normalise else images
        if scaled.dtype == torch.float64:
            # There convolutions are products of matrices, on this layout in half the time.
            scaled = scaled.contiguous(memory_format=torch.channels_last)
        features: Tensor = self.layers(scaled)
        return features


def _small(family: str, depth: int) -> Backbone:
    block = _FAMILIES[family]
    layers: list[nn.Module] = [ConvNorm(3, _WIDTHS[0], 3, 2)]
    n_in = _WIDTHS[0]
    for width in _WIDTHS:
        for index in range(depth):
            layers.append(block(n_in, width, 2 if index == 0 else 1))
            n_in = width
    for followed in layers[:-1]:
        if isinstance(followed, InvertedBlock):
            followed.hold_shift()
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return Backbone(nn.Sequential(*layers), n_in)


def build_backbone(name: str, *, pretrained: bool = False) -> Backbone:
    """Return the backbone called `name`, initialised from torch's current random state.

    Parameters
    ----------
    name : str
        `small/<family>` or `deep/<family>` (twice as deep: a victim that no surrogate equals), with
        the families residual, inverted, split-attention, grouped and dense; `timm/<model>` where
        timm is installed, or `installed/efficientnet-lite0` with ImageNet weights from an extra.
    pretrained : bool
        Download timm's ImageNet weights. The small ones have none.

    Raises
    ------
    StudyError
        Unknown name, or timm is asked for and cannot be imported.
    """
    size, _, family = name.partition("/")
    if size == "timm":
        from poisoning_study.models._timm import timm_backbone

        return timm_backbone(family, pretrained=pretrained)
    if size == "installed":
        from poisoning_study.models._timm import installed_backbone

        return installed_backbone(family)
    if size in _DEPTHS and family in _FAMILIES:
        return _small(family, _DEPTHS[size])
    known = ", ".join(f"small/{f}" for f in _FAMILIES)
    raise StudyError(
        f"Unknown backbone {name!r}. Known: {known}, the same with deep/, and timm/<model name>."
    )


def parameter_count(module: nn.Module) -> int:
    """Return the number of parameters of `module`."""
    return sum(parameter.numel() for parameter in module.parameters())


def seeded_backbone(name: str, seed: int, *, pretrained: bool = False) -> Backbone:
    """Return `build_backbone(name)` initialised from `seed`, leaving torch's random state alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_backbone(name, pretrained=pretrained)
