"""timm's backbones by their names: an optional extra."""

from __future__ import annotations

import importlib

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
            'encoders.source = "auxiliary" to train encoders here instead.'
        ) from None
    # The original feeds pixels in [0, 1] without ImageNet normalisation.
    return Backbone(model, int(model.num_features), normalise=False)
