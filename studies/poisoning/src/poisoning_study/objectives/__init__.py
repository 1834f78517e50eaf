"""Perturbations: the original's game, error-minimising and -maximising, controls."""

from poisoning_study.objectives._craft import Crafted, EncoderSource, craft
from poisoning_study.objectives._pixels import perturbation_size, to_8_bits
from poisoning_study.objectives._settings import CONTROLS, FORMS, OBJECTIVES, CraftSettings

__all__ = [
    "CONTROLS",
    "FORMS",
    "OBJECTIVES",
    "CraftSettings",
    "Crafted",
    "EncoderSource",
    "craft",
    "perturbation_size",
    "to_8_bits",
]
