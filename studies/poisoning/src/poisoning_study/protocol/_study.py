"""A folder of configuration files, and the runs that it asks for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from poisoning_study.data import digest_of, read_manifest
from poisoning_study.defences import DEFENCES
from poisoning_study.errors import StudyError
from poisoning_study.objectives import CraftSettings
from poisoning_study.protocol._jobs import DetectionJob, Job, PoisonJob, VictimJob, replicate
from poisoning_study.protocol._settings import (
    DataSettings,
    Experiment,
    StudySettings,
    VictimSettings,
)
from poisoning_study.protocol._tables import from_table, read_toml


@dataclass(frozen=True)
class Run:
    """A job and the words of the configuration that it came from.

    Parameters
    ----------
    experiment, poison, victim, defence : str
        Names in the configuration; poison "" for the clean set, victim "" where none is trained.
    fraction : float
        Share replaced.
    seed : int
        Seed.
    job : Job
        What is run.
    arithmetic : str
        Other than "default" for a replicate, which differs only in the order of sums.
    """

    experiment: str
    poison: str
    victim: str
    defence: str
    fraction: float
    seed: int
    job: Job
    arithmetic: str = "default"


@dataclass(frozen=True)
class Study:
    """A folder of configuration files: study.toml and one file for each experiment."""

    settings: StudySettings
    poisons: dict[str, CraftSettings]
    victims: dict[str, VictimSettings]
    experiments: dict[str, Experiment]

    def seeds(self, experiment: Experiment) -> tuple[int, ...]:
        """Return the experiment's seeds, or else the study's."""
        return experiment.seeds or self.settings.seeds

    def poison_job(self, name: str, seed: int) -> PoisonJob:
        """Return the job that crafts the poison called `name`."""
        return PoisonJob(
            self.settings.data,
            self.settings.encoders,
            self.poisons[name],
            seed,
            precision=self.settings.precision,
        )

    def runs(self) -> list[Run]:
        """Return every run of every experiment; equal jobs may occur more than once."""
        return [run for name, e in self.experiments.items() for run in self._expand(name, e)]

    def _expand(self, name: str, experiment: Experiment) -> list[Run]:
        runs = []
        for seed in self.seeds(experiment):
            if experiment.kind == "pictures":
                runs += [
                    Run(name, poison, "", "none", 1.0, seed, self.poison_job(poison, seed))
                    for poison in experiment.poisons
                ]
                continue
            cells = [("", 0.0)] if 0 in experiment.fractions else []
            positive = [fraction for fraction in experiment.fractions if fraction > 0]
            cells += [(poison, f) for poison in experiment.poisons for f in positive]
            for poison, fraction in cells:
                job = self.poison_job(poison, seed) if poison else None
                if experiment.kind == "detection":
                    detection = self._detection(job, fraction, seed)
                    runs.append(Run(name, poison, "", "none", fraction, seed, detection))
                    continue
                for victim in experiment.victims:
                    for defence in experiment.defences:
                        trained = self._victim(experiment, job, fraction, victim, defence, seed)
                        words = (name, poison, victim, defence, fraction, seed)
                        runs.append(Run(*words, trained))
                        runs += [
                            Run(*words, replicate(trained, other), other)
                            for other in experiment.replicates
                        ]
        return runs

    def _victim(
        self,
        experiment: Experiment,
        poison: PoisonJob | None,
        fraction: float,
        victim: str,
        defence: str,
        seed: int,
    ) -> VictimJob:
        # A clean set is the same whatever the loader would do to poisoned images.
        clean, by = poison is None, DEFENCES[defence].detector
        return VictimJob(
            data=self.settings.data,
            encoders=self.settings.encoders,
            poison=poison,
            fraction=fraction,
            loader="sound" if clean else experiment.loader,
            fate="replace" if clean else experiment.fate,
            choice="seeded" if clean else experiment.choice,
            victim=self.victims[victim],
            defence=defence,
            seed=seed,
            detection=self._detection(poison, fraction, seed) if by else None,
            precision=self.settings.precision,
        )

    def _detection(self, poison: PoisonJob | None, fraction: float, seed: int) -> DetectionJob:
        return DetectionJob(
            data=self.settings.data,
            reference=self.settings.reference,
            detection=self.settings.detection,
            poison=poison,
            fraction=fraction,
            seed=seed,
            precision=self.settings.precision,
        )


def _located(data: DataSettings, prepared: Path | None) -> DataSettings:
    """Return the settings with the digest of the prepared set, which job keys depend on."""
    if data.source != "prepared":
        if prepared is not None:
            raise StudyError("--data is for studies of a prepared set; this one renders its own.")
        return data
    folder = prepared or Path(data.folder)
    if not folder.is_dir():
        return replace(data, folder=str(folder))  # `load_pool` says that nothing is there
    return replace(data, folder=str(folder), digest=digest_of(read_manifest(folder)))


def load_study(folder: Path, prepared: Path | None = None) -> Study:
    """Read study.toml (settings, [poisons.NAME], [victims.NAME]) and the experiments beside it.

    Parameters
    ----------
    folder : Path
        The configurations.
    prepared : Path, optional
        Folder of a prepared set, instead of the one that study.toml names.

    Raises
    ------
    StudyError
        Missing file, unknown key, wrong value, or a name that no table defines.
    """
    main = folder / "study.toml"
    tables = read_toml(main)
    poisons = {
        name: from_table(CraftSettings, table, f"{main}, poison {name}")
        for name, table in tables.pop("poisons", {}).items()
    }
    victims = {
        name: from_table(VictimSettings, table, f"{main}, victim {name}")
        for name, table in tables.pop("victims", {}).items()
    }
    settings = from_table(StudySettings, tables, str(main))
    settings = replace(settings, data=_located(settings.data, prepared))
    experiments = {}
    for path in sorted(folder.glob("*.toml")):
        if path.name == "study.toml":
            continue
        experiment = from_table(Experiment, read_toml(path), str(path))
        for word, names, known in (
            ("poison", experiment.poisons, poisons),
            ("victim", experiment.victims, victims),
            ("defence", experiment.defences, DEFENCES),
        ):
            unknown = [name for name in names if name not in known]
            if unknown:
                raise StudyError(
                    f"{path} names the {word} {unknown[0]!r}; defined are {', '.join(known)}."
                )
        filters = [name for name in experiment.defences if DEFENCES[name].detector]
        usual = (experiment.fate, experiment.loader, experiment.choice)
        if filters and usual != ("replace", "sound", "seeded"):
            raise StudyError(
                f"{path} filters by a detector ({filters[0]}), which looks at what the sound "
                'loader replaces; leave loader at "sound", fate at "replace" and choice at '
                '"seeded".'
            )
        experiments[path.stem] = experiment
    if not experiments:
        raise StudyError(f"{folder} has no experiment beside study.toml.")
    return Study(settings, poisons, victims, experiments)
