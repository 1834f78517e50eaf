"""Error-minimising and error-maximising perturbations against an ensemble of classifiers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from poisoning_study.devices import mixed_precision, unmixed
from poisoning_study.objectives._perturbations import Perturbation
from poisoning_study.objectives._settings import CraftSettings


class ErrorObjective:
    """One step of the perturbation, and of the surrogates where they learn along.

    Error-minimising (Huang et al. 2021, "unlearnable examples"): perturbation and surrogates, from
    scratch, minimise the same mean cross entropy, so one backward pass serves both.
    Error-maximising (Feng et al. 2019; Fowl et al. 2021): surrogates trained on clean images stay
    fixed; the perturbation raises their cross entropy, or lowers that towards the next class.

    `alpha` times the mean squared perturbation is added where `alpha` is given.
    """

    def __init__(
        self, settings: CraftSettings, perturbation: Perturbation, surrogates: Sequence[nn.Module]
    ) -> None:
        self.alpha = settings.alpha or 0.0
        self.minimising = settings.attack.surrogates == "learning"
        self.towards_next = settings.target == "next-class"
        self.perturbation = perturbation
        self.surrogates = list(surrogates)
        self.free, self.pgd_steps = perturbation.free, settings.pgd_steps
        parameters = [] if self.free is not None else list(perturbation.parameters())
        for surrogate in self.surrogates:
            surrogate.requires_grad_(self.minimising)
            parameters += list(surrogate.parameters()) if self.minimising else []
        self._optimiser = (
            torch.optim.Adam(parameters, settings.learning_rate, weight_decay=settings.weight_decay)
            if parameters
            else None
        )

    def step(self, images: Tensor, labels: Tensor, rows: Tensor) -> dict[str, float]:
        """Train on a batch; return the losses."""
        for surrogate in self.surrogates:
            surrogate.train(self.minimising)
        if self.free is not None:
            for _ in range(self.pgd_steps):
                self._loss(images, labels, rows)[0].backward()
                self.free.descend(1 / 8)
        loss, error, penalty = self._loss(images, labels, rows)
        if self._optimiser is not None:
            self._optimiser.zero_grad()
            loss.backward()
            self._optimiser.step()
        self.perturbation.zero_grad()
        return {
            "surrogates": float(error.detach()),
            "mean squared perturbation": float(penalty.detach()),
        }

    def _loss(self, images: Tensor, labels: Tensor, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return (what is minimised, the surrogates' error, the mean squared perturbation)."""
        with mixed_precision():
            poisoned, change = self.perturbation(images, labels, rows)
            logits = [surrogate(poisoned) for surrogate in self.surrogates]
        targets, sign = labels, 1.0
        if not self.minimising and self.towards_next:
            targets = (labels + 1) % logits[0].shape[1]
        elif not self.minimising:
            sign = -1.0
        error = torch.stack([cross_entropy(unmixed(one), targets) for one in logits]).mean()
        penalty = unmixed(change).square().mean()
        return self.alpha * penalty + sign * error, error, penalty
