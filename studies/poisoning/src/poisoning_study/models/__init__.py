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
    BatchLoss,
    Inputs,
    Pictures,
    Rows,
    TrainingSettings,
    Vectors,
    accuracy,
    batches,
    extract_features,
    fit_classifier,
    passes,
    plain_loss,
)

__all__ = [
    "FAMILY_OF",
    "PASS",
    "Backbone",
    "BatchLoss",
    "Classifier",
    "Discriminator",
    "FrozenClassifier",
    "FrozenEncoder",
    "Inputs",
    "NetworkCost",
    "PerturbationGenerator",
    "Pictures",
    "Rows",
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
    "plain_loss",
    "seeded_backbone",
]
