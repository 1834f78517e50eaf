"""Error-minimising and error-maximising perturbations against an ensemble of classifiers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

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
        self, settings: CraftSettings, perturbation: nn.Module, surrogates: Sequence[nn.Module]
    ) -> None:
        self.alpha = settings.alpha or 0.0
        self.minimising = settings.objective == "error-minimising"
        self.towards_next = settings.target == "next-class"
        self.perturbation = perturbation
        self.surrogates = list(surrogates)
        groups = [{"params": list(perturbation.parameters())}]
        if self.minimising:
            groups += [{"params": list(s.parameters())} for s in self.surrogates]
        else:
            for surrogate in self.surrogates:
                surrogate.requires_grad_(False)
        self._optimiser = torch.optim.Adam(
            groups, settings.learning_rate, weight_decay=settings.weight_decay
        )

    def step(self, images: Tensor, labels: Tensor, rows: Tensor) -> dict[str, float]:
        """Train on a batch; return the losses."""
        for surrogate in self.surrogates:
            surrogate.train(self.minimising)
        poisoned, change = self.perturbation(images, labels, rows)
        logits = [surrogate(poisoned) for surrogate in self.surrogates]
        targets, sign = labels, 1.0
        if not self.minimising and self.towards_next:
            targets = (labels + 1) % logits[0].shape[1]
        elif not self.minimising:
            sign = -1.0
        error = torch.stack([cross_entropy(one, targets) for one in logits]).mean()
        penalty = change.square().mean()
        self._optimiser.zero_grad()
        (self.alpha * penalty + sign * error).backward()
        self._optimiser.step()
        return {
            "surrogates": float(error.detach()),
            "mean squared perturbation": float(penalty.detach()),
        }
