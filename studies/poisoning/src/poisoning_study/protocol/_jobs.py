"""Everything that is computed and kept: encoders, poisons, victims, detections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from poisoning_study.data import ImageSet
from poisoning_study.defences import DEFENCES
from poisoning_study.detection import DetectionSettings, FeatureSet, detect
from poisoning_study.devices import choose_device, device, precision
from poisoning_study.keys import LATER
from poisoning_study.models import (
    Backbone,
    Classifier,
    FrozenClassifier,
    FrozenEncoder,
    Inputs,
    Pictures,
    Vectors,
    accuracy,
    extract_features,
    fit_classifier,
    plain_loss,
    seeded_backbone,
)
from poisoning_study.objectives import CraftSettings, craft, perturbation_size
from poisoning_study.protocol._mixing import mix
from poisoning_study.protocol._pools import load_pool
from poisoning_study.protocol._settings import (
    DataSettings,
    EncoderSettings,
    VictimSettings,
)
from poisoning_study.protocol._store import RunStore
from poisoning_study.seeds import derived_seed, generator
from poisoning_study.torch_setup import arithmetic, require_torch, with_baseline

_J = TypeVar("_J", bound="NetworkJob")


@dataclass(frozen=True, kw_only=True)
class NetworkJob:
    """What networks are trained or applied for.

    Parameters
    ----------
    precision : str
        One of `devices.PRECISIONS`.
    arithmetic : str
        One of `torch_setup.ARITHMETIC`; other than "default" for a replicate.
    """

    precision: str = field(default="single", metadata=LATER)
    arithmetic: str = field(default="default", metadata=LATER)

    def compute(self, store: RunStore) -> Mapping[str, object]:
        """Return the result, in the job's precision and order of sums."""
        if self.arithmetic == "baseline":
            return with_baseline(_computed, self, store.root, device().type)
        return self.compute_here(store)

    def compute_here(self, store: RunStore) -> Mapping[str, object]:
        """Return the result with the instructions of this process."""
        with precision(self.precision), arithmetic(self.arithmetic):
            return self._compute(store)

    def _compute(self, store: RunStore) -> Mapping[str, object]:
        raise NotImplementedError


def _computed(job: NetworkJob, root: Path, device_name: str) -> Mapping[str, object]:
    """Return the result of `job`, in a new process."""
    require_torch()
    choose_device(device_name)
    return job.compute_here(RunStore(root))


def replicate(job: _J, arithmetic: str) -> _J:
    """Return `job` and every job that it names, down to the poison's, in another order of sums."""
    changed: dict[str, Any] = {"arithmetic": arithmetic}
    for entry in fields(job):
        part = getattr(job, entry.name)
        if isinstance(part, NetworkJob):
            changed[entry.name] = replicate(part, arithmetic)
    return replace(job, **changed)


@dataclass(frozen=True)
class BackboneJob(NetworkJob):
    """A classifier trained on a clean pool, of which the backbone is kept."""

    kind: ClassVar[str] = "backbones"
    data: DataSettings
    victim: VictimSettings
    pool: str
    seed: int

    def _compute(self, store: RunStore) -> Mapping[str, object]:
        """Train, keep the backbone's weights, return the accuracy on the pool itself."""
        data = load_pool(store, self.data, self.seed, self.pool)
        seed = derived_seed(self.seed, "backbone", self.pool, self.victim.backbone)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = Classifier(seeded_backbone(self.victim.backbone, seed), data.n_classes)
            images = Pictures(data.images)
            rng = generator(seed, "order")
            fit_classifier(model, images, data.labels, self.victim.training, rng)
        weights = model.cpu().backbone.state_dict()  # `accuracy` moves it back
        store.save(self, "pt", lambda stream: torch.save(weights, stream))
        return {"accuracy on its own pool": accuracy(model, images, data.labels)}

    def load(self, store: RunStore) -> Backbone:
        """Return the trained backbone, a new object each time."""
        store.result(self)
        with precision(self.precision):
            backbone = seeded_backbone(self.victim.backbone, 0)
        backbone.load_state_dict(torch.load(store.file(self, "pt"), weights_only=True))
        return backbone


@dataclass(frozen=True)
class PoisonJob(NetworkJob):
    """The poisoned copy of a training set."""

    kind: ClassVar[str] = "poisons"
    data: DataSettings
    encoders: EncoderSettings
    settings: CraftSettings
    seed: int

    def _compute(self, store: RunStore) -> Mapping[str, object]:
        """Craft, keep the images, return losses and sizes."""
        train = load_pool(store, self.data, self.seed, "train")

        def encoder(name: str) -> FrozenEncoder:
            return load_encoder(store, self, name, drifting_norm=self.settings.as_published)

        crafted = craft(train, self.settings, derived_seed(self.seed, "poison"), encoder)
        store.save(self, "npy", lambda stream: np.save(stream, crafted.images))
        return {
            "curves": crafted.curves,
            "size": perturbation_size(train.images, crafted.images),
        }

    def images(self, store: RunStore) -> NDArray[np.uint8]:
        """Return the poisoned images."""
        store.result(self)
        images: NDArray[np.uint8] = np.load(store.file(self, "npy"), mmap_mode="r")
        return images


@dataclass(frozen=True)
class DetectionJob(NetworkJob):
    """Every detector on the features that a clean reference model gives to a mixed set."""

    kind: ClassVar[str] = "detections"
    data: DataSettings
    reference: VictimSettings
    detection: DetectionSettings
    poison: PoisonJob | None
    fraction: float
    seed: int

    def _compute(self, store: RunStore) -> Mapping[str, object]:
        """Return p-values a class and together, and the scores of single images."""
        train = load_pool(store, self.data, self.seed, "train")
        trusted = load_pool(store, self.data, self.seed, "trusted")
        backbone = self.reference_job.load(store)
        poisoned = self.poison.images(store) if self.poison else None
        suspect = mix(train, poisoned, self.fraction, self.seed)
        return detect(
            FeatureSet(
                extract_features(backbone, Pictures(trusted.images)), trusted.labels, trusted.tracks
            ),
            FeatureSet(
                extract_features(backbone, Pictures(suspect.images)),
                suspect.labels,
                train.tracks,
            ),
            suspect.poisoned,
            self.detection,
            derived_seed(self.seed, "permutations"),
        )

    @property
    def reference_job(self) -> BackboneJob:
        """Return what trains the clean reference model."""
        return _backbone_job(self, self.reference, "reference")


@dataclass(frozen=True)
class VictimJob(NetworkJob):
    """A victim trained on a mixed set and tested on clean images after every epoch."""

    kind: ClassVar[str] = "victims"
    data: DataSettings
    encoders: EncoderSettings
    poison: PoisonJob | None
    fraction: float
    loader: str
    fate: str
    victim: VictimSettings
    defence: str
    seed: int
    #: Part of its key since before there were others.
    arithmetic: str = field(default="default", kw_only=True)
    #: Whose is-clean list a filtering defence goes by.
    detection: DetectionJob | None = None
    choice: str = field(default="seeded", metadata=LATER)

    def _compute(self, store: RunStore) -> Mapping[str, object]:
        """Train and test; return the accuracy after each epoch, its last value and its peak.

        A victim with drifting normalisation is tested after the last epoch alone: its encoder sees
        every image anew each time.
        """
        train = mix(
            load_pool(store, self.data, self.seed, "train"),
            self.poison.images(store) if self.poison else None,
            self.fraction,
            self.seed,
            loader=self.loader,
            fate=self.fate,
            choice=self.choice,
            unreplaced_classes=self.data.unreplaced_classes,
        )
        defence = DEFENCES[self.defence]
        n_all, n_all_poisoned = len(train.labels), int(train.poisoned.sum())
        if self.detection is not None:
            lists = store.result(self.detection)["is_clean"]
            train = train.keep(np.array(lists[defence.detector]) == 1)
        images: Inputs = Pictures(defence.prepare(train.images), train.scale)
        test = load_pool(store, self.data, self.seed, "test")
        test_images: Inputs = Pictures(defence.prepare(test.images))
        seed = derived_seed(self.seed, "victim", self.victim.backbone)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model: nn.Module = self._model(store, test, seed)
            drifts = self.victim.as_published
            if isinstance(model, FrozenClassifier) and not drifts and defence.loss is None:
                # The features of a fixed encoder are the same in every epoch.
                images, test_images = (
                    Vectors(extract_features(model.encoder.backbone, part))
                    for part in (images, test_images)
                )
                model = model.head
            by_epoch: list[float] = []

            def test_now(epoch: int) -> None:
                if not drifts or epoch == self.victim.training.epochs:
                    by_epoch.append(accuracy(model, test_images, test.labels))

            fit_classifier(
                model,
                images,
                train.labels,
                self.victim.training,
                generator(seed, "order"),
                loss=defence.loss or plain_loss,
                after_epoch=test_now,
            )
        return {
            "by_epoch": by_epoch,
            "final": by_epoch[-1],
            "peak": max(by_epoch),
            "n_train": len(train.labels),
            "n_poisoned": int(train.poisoned.sum()),
            "n_filtered": n_all - len(train.labels),
            "n_filtered_poisoned": n_all_poisoned - int(train.poisoned.sum()),
            "capability": torch.backends.cpu.get_cpu_capability(),
            "chance": 1 / len(np.unique(test.labels)),
        }

    def _model(self, store: RunStore, data: ImageSet, seed: int) -> Classifier | FrozenClassifier:
        if self.victim.style == "scratch":
            return Classifier(seeded_backbone(self.victim.backbone, seed), data.n_classes)
        defects = self.victim.as_published
        encoder = load_encoder(store, self, self.victim.backbone, drifting_norm=defects)
        return FrozenClassifier(encoder, data.n_classes, relu_logits=defects)


def _backbone_job(job: Job, victim: VictimSettings, pool: str) -> BackboneJob:
    return BackboneJob(
        job.data, victim, pool, job.seed, precision=job.precision, arithmetic=job.arithmetic
    )


def encoder_job(job: PoisonJob | VictimJob, name: str) -> BackboneJob | None:
    """Return what trains the encoder `name` for `job`; None where its weights come with it."""
    encoders = job.encoders
    if encoders.source == "pretrained" or name.startswith("installed/"):
        return None
    return _backbone_job(job, VictimSettings(name, "scratch", encoders.training), encoders.source)


def load_encoder(
    store: RunStore, job: PoisonJob | VictimJob, name: str, *, drifting_norm: bool = False
) -> FrozenEncoder:
    """Return a frozen encoder from where the job's settings say."""
    trained = encoder_job(job, name)
    backbone = (
        seeded_backbone(name, job.seed, pretrained=True) if trained is None else trained.load(store)
    )
    return FrozenEncoder(backbone, drifting_norm=drifting_norm)


Job = PoisonJob | VictimJob | DetectionJob
