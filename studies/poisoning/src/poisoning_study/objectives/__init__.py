"""Perturbations: the original's game, published attacks, controls, at comparable strengths."""

from poisoning_study.objectives._attacks import ATTACKS, OBJECTIVES, Attack
from poisoning_study.objectives._craft import Crafted, EncoderSource, craft
from poisoning_study.objectives._pixels import perturbation_size, to_8_bits
from poisoning_study.objectives._settings import FORMS, CraftSettings

__all__ = [
    "ATTACKS",
    "FORMS",
    "OBJECTIVES",
    "Attack",
    "CraftSettings",
    "Crafted",
    "EncoderSource",
    "craft",
    "perturbation_size",
    "to_8_bits",
]
