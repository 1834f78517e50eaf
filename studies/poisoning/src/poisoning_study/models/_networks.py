"""Networks built on backbones: classifiers, the discriminator, the generator."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.nets import BasicUNetPlusPlus
from torch import Tensor, nn

from poisoning_study.models._backbones import Backbone


class Classifier(nn.Module):
    """A backbone with a head, trained end to end.

    Parameters
    ----------
    backbone : Backbone
        Images to features.
    n_classes : int
        Number of classes.
    """

    def __init__(self, backbone: Backbone, n_classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(backbone.feature_size, n_classes)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.backbone(images))
        return logits


class FrozenEncoder(nn.Module):
    """A backbone whose weights do not change.

    Parameters
    ----------
    backbone : Backbone
        The encoder.
    drifting_norm : bool
        True repeats the original's defect: weights are frozen, but batch normalisation stays in
        training mode, so its statistics follow the data and features depend on the batch.
    """

    def __init__(self, backbone: Backbone, *, drifting_norm: bool = False) -> None:
        super().__init__()
        self.backbone = backbone.requires_grad_(False)
        self.drifting_norm = drifting_norm
        self.feature_size = backbone.feature_size
        self.train(False)

    def train(self, mode: bool = True) -> FrozenEncoder:
        """Keep the backbone in evaluation mode whatever `mode` is, unless it is to drift."""
        super().train(mode)
        self.backbone.train(mode and self.drifting_norm)
        return self

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.backbone(images)
        return features


class FrozenClassifier(nn.Module):
    """The original's victim: frozen encoder, Linear 64, ReLU, Linear.

    Parameters
    ----------
    encoder : FrozenEncoder
        Images to features.
    n_classes : int
        Number of classes.
    relu_logits : bool
        True repeats the original's ReLU after the last layer, under which negative logits have no
        gradient.
    """

    def __init__(
        self, encoder: FrozenEncoder, n_classes: int, *, relu_logits: bool = False
    ) -> None:
        super().__init__()
        self.encoder = encoder
        layers: list[nn.Module] = [
            nn.Linear(encoder.feature_size, 64),
            nn.ReLU(),
            nn.Linear(64, n_classes),
        ]
        if relu_logits:
            layers.append(nn.ReLU())
        self.head = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.encoder(images))
        return logits


class Discriminator(nn.Module):
    """Frozen encoders, a projection for each distinct feature size, two shared heads.

    Parameters
    ----------
    encoders : sequence of FrozenEncoder
        1, 3 or 5 in the original.
    n_classes : int
        Classes of the first head; the second tells counterfeits (1) from real images (0).
    relu_logits : bool
        True repeats the original's ReLU on both heads' logits.
    width : int
        Width of the projections; 128 in the original.
    """

    def __init__(
        self,
        encoders: Sequence[FrozenEncoder],
        n_classes: int,
        *,
        relu_logits: bool = False,
        width: int = 128,
    ) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(encoders)
        sizes = sorted({encoder.feature_size for encoder in encoders})
        self.projections = nn.ModuleDict({str(size): nn.Linear(size, width) for size in sizes})
        self.class_head = nn.Linear(width, n_classes)
        self.counterfeit_head = nn.Linear(width, 2)
        self.relu_logits = relu_logits

    def encode(self, images: Tensor) -> list[Tensor]:
        """Return each encoder's features, which no training of the heads changes."""
        return [encoder(images) for encoder in self.encoders]

    def judge(self, encoded: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
        """Return (class logits, counterfeit logits) for each encoder's features."""
        outputs = []
        for features in encoded:
            # The original's ReLU between a projection and the heads.
            shared = self.projections[str(features.shape[1])](features).relu()
            pair = (self.class_head(shared), self.counterfeit_head(shared))
            outputs.append((pair[0].relu(), pair[1].relu()) if self.relu_logits else pair)
        return outputs

    def forward(self, images: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return (class logits, counterfeit logits) for each encoder."""
        return self.judge(self.encode(images))


#: Pictures that the generator takes at once in float64.
_UNFOLDED = 16


class PerturbationGenerator(nn.Module):
    """UNet++ from images to additive perturbations, optionally told the class.

    The last layer starts at zero by default: crafting starts from unchanged images instead
    of spending its first epochs on removing a random perturbation.

    Parameters
    ----------
    features : tuple of 6 int
        Channels of UNet++; the original uses MONAI's default (32, 32, 64, 128, 256, 32).
    n_classes : int
        0: the image alone. Otherwise the class enters as one constant plane a class.
    zero_start : bool
        False: the last layer starts at random, as in the original.
    """

    def __init__(
        self, features: tuple[int, ...], n_classes: int = 0, *, zero_start: bool = True
    ) -> None:
        super().__init__()
        self.n_classes = n_classes
        self.network = BasicUNetPlusPlus(
            spatial_dims=2, in_channels=3 + n_classes, out_channels=3, features=features
        )
        if zero_start:
            for parameter in self.network.final_conv_0_4.parameters():
                nn.init.zeros_(parameter)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return unbounded perturbations of `images`; sides are 32 or larger multiples of 16."""
        if images.dtype != torch.float64:
            return self._change(images, labels)
        # Every picture is normalised by itself. In float64 torch unfolds a whole batch at once,
        # which takes twice as long where that leaves the cache.
        parts = zip(images.split(_UNFOLDED), labels.split(_UNFOLDED), strict=True)
        return torch.cat([self._change(*part) for part in parts])

    def _change(self, images: Tensor, labels: Tensor) -> Tensor:
        if self.n_classes:
            planes = torch.nn.functional.one_hot(labels, self.n_classes).to(images.dtype)
            planes = planes[:, :, None, None].expand(-1, -1, *images.shape[2:])
            images = torch.cat([images, planes], 1)
        output: Tensor = self.network(images)[0]
        return output
