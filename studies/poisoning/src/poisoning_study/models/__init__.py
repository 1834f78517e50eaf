"""Networks: backbones by name, classifiers, the discriminator, the generator, their training."""

from poisoning_study.models._backbones import (
    FAMILY_OF,
    Backbone,
    build_backbone,
    parameter_count,
    seeded_backbone,
)
from poisoning_study.models._costs import NetworkCost, network_cost
from poisoning_study.models._networks import (
    Classifier,
    Discriminator,
    FrozenClassifier,
    FrozenEncoder,
    PerturbationGenerator,
)
from poisoning_study.models._training import (
    PASS,
    Inputs,
    Pictures,
    TrainingSettings,
    Vectors,
    accuracy,
    batches,
    extract_features,
    fit_classifier,
    passes,
)

__all__ = [
    "FAMILY_OF",
    "PASS",
    "Backbone",
    "Classifier",
    "Discriminator",
    "FrozenClassifier",
    "FrozenEncoder",
    "Inputs",
    "NetworkCost",
    "PerturbationGenerator",
    "Pictures",
    "TrainingSettings",
    "Vectors",
    "accuracy",
    "batches",
    "build_backbone",
    "extract_features",
    "fit_classifier",
    "network_cost",
    "parameter_count",
    "passes",
    "seeded_backbone",
]
