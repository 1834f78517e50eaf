"""The settings that an experiment is made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from poisoning_study.detection import DetectionSettings
from poisoning_study.devices import PRECISIONS
from poisoning_study.errors import StudyError
from poisoning_study.keys import NOT_IN_KEYS
from poisoning_study.models import TrainingSettings
from poisoning_study.torch_setup import ARITHMETIC

KINDS = ("victims", "matrix", "detection", "pictures")
LOADERS = ("sound", "as-published")
FATES = ("replace", "remove")
CHOICES = ("seeded", "first-names")
_FROM_SCRATCH = TrainingSettings(8, 32, 1e-2, 1e-4, "one-cycle")
_AS_PUBLISHED = TrainingSettings()


@dataclass(frozen=True)
class PoolSize:
    """Tracks a class and frames a track of a rendered pool."""

    tracks: int
    frames: int


@dataclass(frozen=True)
class DataSettings:
    """Where images come from and how they are cut into pools.

    Parameters
    ----------
    source : {"rendered", "prepared"}
        The rendered signs, or a folder written by `poisoning-study prepare`.
    folder : str
        That folder. No part of a job's key: what counts is what it holds.
    digest : str
        Of the prepared set; read from its manifest, not to be set by hand.
    size : int
        Side of the images in pixels.
    crop : str
        How `--data` is cropped: to the sign, "roi", or the original's "square".
    classes : int
        Rendered classes of the task (of 24); a prepared set has its 43.
    unreplaced_classes : int
        How many first classes the published loader's lookup misses (10 of the benchmark's 43).
    train, test, trusted, reference, auxiliary : PoolSize
        Sizes of the rendered pools. `trusted` is compared with suspects, `reference` trains the
        clean reference model, `auxiliary` (other classes) trains encoders.
    trusted_share, reference_share : float
        Shares of a prepared training set's tracks for these pools; the rest is `train`. With 0
        there is no such pool.
    """

    source: str = "rendered"
    folder: str = field(default="", metadata=NOT_IN_KEYS)
    digest: str = ""
    size: int = 32
    crop: str = "roi"
    classes: int = 12
    unreplaced_classes: int = 4
    train: PoolSize = PoolSize(40, 2)
    test: PoolSize = PoolSize(20, 2)
    trusted: PoolSize = PoolSize(40, 2)
    reference: PoolSize = PoolSize(40, 2)
    auxiliary: PoolSize = PoolSize(40, 2)
    trusted_share: float = 0.2
    reference_share: float = 0.2

    def __post_init__(self) -> None:
        if self.source not in ("rendered", "prepared"):
            raise StudyError(f"source must be rendered or prepared, not {self.source!r}.")
        if self.source == "prepared" and not self.folder:
            raise StudyError("source prepared needs folder, written by `poisoning-study prepare`.")
        if self.source == "rendered" and not 2 <= self.classes <= 12:
            raise StudyError(
                f"There are 2 to 12 rendered classes for the task, not {self.classes}."
            )
        if min(self.shares.values()) <= 0:
            raise StudyError(
                "trusted_share and reference_share must not be negative and leave something to "
                f"train on, not {self.trusted_share} and {self.reference_share}."
            )

    @property
    def shares(self) -> dict[str, float]:
        """Return the shares of a prepared training set's tracks that its pools get."""
        asked = {"trusted": self.trusted_share, "reference": self.reference_share}
        given = {name: share for name, share in asked.items() if share != 0}
        return {"train": 1 - sum(given.values()), **given}


@dataclass(frozen=True)
class EncoderSettings:
    """Where frozen encoders' weights come from.

    Parameters
    ----------
    source : {"auxiliary", "reference", "pretrained"}
        Trained here on the auxiliary pool (other classes, as ImageNet is for the original), on the
        reference pool, or timm's ImageNet weights.
    training : TrainingSettings
        For those trained here.
    """

    source: str = "auxiliary"
    training: TrainingSettings = _FROM_SCRATCH

    def __post_init__(self) -> None:
        if self.source not in ("auxiliary", "reference", "pretrained"):
            raise StudyError(
                f"source must be auxiliary, reference or pretrained, not {self.source!r}."
            )


@dataclass(frozen=True)
class VictimSettings:
    """A classifier that is trained on the contaminated set.

    Parameters
    ----------
    backbone : str
        Its backbone.
    style : {"scratch", "frozen"}
        Trained end to end, or the original's frozen encoder with a small head.
    training : TrainingSettings
        Budget.
    as_published : bool
        Repeat the original's defects: drifting batch normalisation, ReLU on the logits.
    title : str
        Plain words for the page; its name in the configuration if there are none.
    """

    backbone: str
    style: str = "scratch"
    training: TrainingSettings = _AS_PUBLISHED
    as_published: bool = False
    title: str = field(default="", metadata=NOT_IN_KEYS)

    def __post_init__(self) -> None:
        if self.style not in ("scratch", "frozen"):
            raise StudyError(f"style must be scratch or frozen, not {self.style!r}.")
        if self.as_published and self.style == "scratch":
            raise StudyError("as_published describes the frozen victim; set style = 'frozen'.")


@dataclass(frozen=True)
class Experiment:
    """One configuration file: a question and the grid of runs that answers it.

    Parameters
    ----------
    title, question : str
        For the report.
    kind : {"victims", "matrix", "detection", "pictures"}
        What is run: trained victims (shown by share replaced, or as a matrix of attacks and
        defences), tests of contaminated sets, or only the perturbations.
    poisons : tuple of str
        Names from the study's table of poisons.
    fractions : tuple of float
        Shares of each class that are replaced; 0 is run once, without a poison.
    victims : tuple of str
        Names from the study's table of victims.
    defences : tuple of str
        See `poisoning_study.defences`.
    loader : {"sound", "as-published"}
        The published loader divides poisoned images by 255 twice and misses some classes.
    fate : {"replace", "remove"}
        Replaced by their poisoned copies, or left out (the smaller clean set).
    choice : {"seeded", "first-names"}
        Which images are replaced: a share of every class, drawn by the seed, or as in the original
        the first of all names ("4@..." for class 4).
    seeds : tuple of int
        Instead of the study's seeds, if given. One seed is a lead, not a finding.
    table_1 : bool
        Show these runs beside the original's Table 1.
    replicates : tuple of str
        Repeat every victim, from its encoder and its poison on, with these of
        `torch_setup.ARITHMETIC`: the same but for the order of sums. Their spread is the noise
        floor of the page.
    """

    title: str
    question: str
    kind: str = "victims"
    poisons: tuple[str, ...] = ()
    fractions: tuple[float, ...] = (1.0,)
    victims: tuple[str, ...] = ()
    defences: tuple[str, ...] = ("none",)
    loader: str = "sound"
    fate: str = "replace"
    choice: str = "seeded"
    seeds: tuple[int, ...] = ()
    table_1: bool = False
    replicates: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise StudyError(f"kind must be one of {', '.join(KINDS)}, not {self.kind!r}.")
        if self.loader not in LOADERS or self.fate not in FATES:
            raise StudyError(
                f"loader must be one of {LOADERS} and fate one of {FATES}, not {self.loader!r} and "
                f"{self.fate!r}."
            )
        if self.choice not in CHOICES:
            raise StudyError(f"choice must be one of {CHOICES}, not {self.choice!r}.")
        if self.choice != "seeded" and self.kind == "detection":
            raise StudyError("Detectors look at seeded choices; leave choice at its default.")
        wrong = [fraction for fraction in self.fractions if not 0 <= fraction <= 1]
        if wrong:
            raise StudyError(f"fractions lie between 0 and 1, not {wrong}.")
        unknown = [name for name in self.replicates if name not in ARITHMETIC[1:]]
        if unknown:
            raise StudyError(f"replicates are among {ARITHMETIC[1:]}, not {unknown}.")
        if self.trains and not self.victims:
            raise StudyError("An experiment with victims must name at least one.")

    @property
    def trains(self) -> bool:
        """Return whether victims are trained."""
        return self.kind in ("victims", "matrix")


@dataclass(frozen=True)
class StudySettings:
    """What all experiments of a folder share: the file study.toml, without its named tables.

    Parameters
    ----------
    name : str
        Title of the report.
    seeds : tuple of int
        Every experiment is run on each, unless it names its own.
    precision : {"single", "double"}
        Everything that is trained or crafted is in float32 or float64. Twice the time buys
        accuracies that do not depend on the order of sums, and so not on the machine, where
        training is not as long and unstable as the game on real signs.
    data, encoders, reference, detection
        See their classes; `reference` is the clean model whose features are tested.
    margin : float
        A difference of accuracies whose whole interval lies within it counts as none. Stated
        before a study is run; no part of any job.
    notes : tuple of str
        Sentences for the top of the report.
    """

    name: str
    seeds: tuple[int, ...]
    precision: str = "single"
    data: DataSettings = DataSettings()
    encoders: EncoderSettings = EncoderSettings()
    reference: VictimSettings = field(
        default_factory=lambda: VictimSettings("small/residual", training=_FROM_SCRATCH)
    )
    detection: DetectionSettings = field(default_factory=DetectionSettings)
    margin: float = 0.02
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise StudyError(
                f"precision must be one of {', '.join(PRECISIONS)}, not {self.precision!r}."
            )
        if not 0 < self.margin < 1:
            raise StudyError(f"margin lies between 0 and 1, not {self.margin}.")
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise StudyError(f"seeds must be given and differ, not {list(self.seeds)}.")
