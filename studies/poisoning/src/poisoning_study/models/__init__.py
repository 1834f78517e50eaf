"""Networks: backbones by name, classifiers, the discriminator, the generator, their training."""

from poisoning_study.models._backbones import (
    FAMILY_OF,
    Backbone,
    build_backbone,
    parameter_count,
    seeded_backbone,
)
from poisoning_study.models._networks import (
    Classifier,
    Discriminator,
    FrozenClassifier,
    FrozenEncoder,
    PerturbationGenerator,
)
from poisoning_study.models._training import (
    TrainingSettings,
    accuracy,
    batches,
    extract_features,
    fit_classifier,
    to_unit,
)

__all__ = [
    "FAMILY_OF",
    "Backbone",
    "Classifier",
    "Discriminator",
    "FrozenClassifier",
    "FrozenEncoder",
    "PerturbationGenerator",
    "TrainingSettings",
    "accuracy",
    "batches",
    "build_backbone",
    "extract_features",
    "fit_classifier",
    "parameter_count",
    "seeded_backbone",
    "to_unit",
]
