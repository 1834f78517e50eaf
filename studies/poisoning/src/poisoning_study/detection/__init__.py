"""Would one notice? Tests of a suspect set against a trusted one, and scores of single images."""

from poisoning_study.detection._detect import NAIVE, combined_p_value, detect, p_value
from poisoning_study.detection._pair import ClassPair, FeatureSet, class_pair, permuted
from poisoning_study.detection._scores import FALSE_POSITIVE_RATES, LOW_RATES, is_clean, ranks, roc
from poisoning_study.detection._settings import DetectionSettings
from poisoning_study.detection._statistics import (
    cluster_separation,
    energy_distance,
    leading_variance,
    two_means,
)
from poisoning_study.detection._transport import TransportTest

__all__ = [
    "FALSE_POSITIVE_RATES",
    "LOW_RATES",
    "NAIVE",
    "ClassPair",
    "DetectionSettings",
    "FeatureSet",
    "TransportTest",
    "class_pair",
    "cluster_separation",
    "combined_p_value",
    "detect",
    "energy_distance",
    "is_clean",
    "leading_variance",
    "p_value",
    "permuted",
    "ranks",
    "roc",
    "two_means",
]
