"""The original's game: a generator against a discriminator with frozen encoders and two heads."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from poisoning_study.devices import mixed_precision, unmixed
from poisoning_study.models import Discriminator
from poisoning_study.objectives._settings import CraftSettings


class AdversarialObjective:
    """One step of the discriminator, then one of the generator.

    With `c` the class head, `f` the counterfeit head, `e` the mean over encoders, `x' = x + G(x)`::

        D = e[CE(c(x'), y) + CE(f(x'), 1)] + e[CE(c(x), y) + CE(f(x), 0)]
        G = alpha mean(G(x)^2) - e[CE(c(x'), y) + CE(f(x'), 1)]

    The generator thus *raises* the classification error: the poison is error-maximising.
    Without the counterfeit head, both `f` terms vanish.
    """

    def __init__(
        self, settings: CraftSettings, perturbation: nn.Module, discriminator: Discriminator
    ) -> None:
        self.alpha = settings.alpha or 0.0
        self.with_counterfeit = settings.counterfeit_head
        self.perturbation = perturbation
        self.discriminator = discriminator
        heads = [p for p in discriminator.parameters() if p.requires_grad]
        rate, decay = settings.learning_rate, settings.weight_decay
        self._discriminator_step = torch.optim.Adam(heads, rate, weight_decay=decay)
        self._generator_step = torch.optim.Adam(perturbation.parameters(), rate, weight_decay=decay)

    def _loss(self, encoded: list[Tensor], labels: Tensor, counterfeit: int) -> Tensor:
        mark = torch.full_like(labels, counterfeit)
        terms = []
        for class_logits, counterfeit_logits in self.discriminator.judge(encoded):
            terms.append(cross_entropy(class_logits, labels))
            if self.with_counterfeit:
                terms.append(cross_entropy(counterfeit_logits, mark))
        return torch.stack(terms).sum() / len(self.discriminator.encoders)

    def step(self, images: Tensor, labels: Tensor, rows: Tensor) -> dict[str, float]:
        """Train both on a batch; return the losses."""
        with mixed_precision():
            poisoned, change = self.perturbation(images, labels, rows)
            # Both steps see the same features: the first one only trains the heads.
            encoded, real = self.discriminator.encode(poisoned), self.discriminator.encode(images)
            on_poisoned = self._loss([features.detach() for features in encoded], labels, 1)
            on_real = self._loss(real, labels, 0)
        self._discriminator_step.zero_grad()
        (on_poisoned + on_real).backward()
        self._discriminator_step.step()

        penalty = unmixed(change).square().mean()
        with mixed_precision():
            loss = self.alpha * penalty - self._loss(encoded, labels, 1)
        self._generator_step.zero_grad()
        loss.backward()
        self._generator_step.step()
        return {
            "discriminator, poisoned": float(on_poisoned.detach()),
            "discriminator, real": float(on_real.detach()),
            "generator": float(loss.detach()),
            "mean squared perturbation": float(penalty.detach()),
        }
