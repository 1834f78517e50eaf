"""Would one notice? Tests of a suspect set against a trusted one, and scores of single images."""

from poisoning_study.detection._detect import NAIVE, Detection, combined_p_value, detect, p_value
from poisoning_study.detection._pair import (
    ClassPair,
    FeatureSet,
    class_pair,
    exchanged,
    exchanged_singly,
)
from poisoning_study.detection._registry import DETECTORS, Detector
from poisoning_study.detection._scores import (
    FALSE_POSITIVE_RATES,
    LOW_RATES,
    RocCurve,
    ScoredImages,
    is_clean,
    ranks,
    roc,
    roc_band,
)
from poisoning_study.detection._settings import DetectionSettings
from poisoning_study.detection._statistics import (
    cluster_separations,
    gaussian_kernel,
    leading_variances,
    quadratic_forms,
    two_means,
)
from poisoning_study.detection._transport import TransportMap

__all__ = [
    "DETECTORS",
    "FALSE_POSITIVE_RATES",
    "LOW_RATES",
    "NAIVE",
    "ClassPair",
    "Detection",
    "DetectionSettings",
    "Detector",
    "FeatureSet",
    "RocCurve",
    "ScoredImages",
    "TransportMap",
    "class_pair",
    "cluster_separations",
    "combined_p_value",
    "detect",
    "exchanged",
    "exchanged_singly",
    "gaussian_kernel",
    "is_clean",
    "leading_variances",
    "p_value",
    "quadratic_forms",
    "ranks",
    "roc",
    "roc_band",
    "two_means",
]
