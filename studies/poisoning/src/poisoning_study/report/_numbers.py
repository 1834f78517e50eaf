"""Runs grouped over seeds, means with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from poisoning_study.families import at_level, holm
from poisoning_study.protocol import Run, RunStore, Study, stages
from poisoning_study.report._moderation import moderated_variances


@dataclass(frozen=True)
class Mean:
    """A mean over seeds and the half-width of its 95% interval (Student's t).

    Parameters
    ----------
    value : float
        Mean.
    half_width : float or None
        None for a single seed, which has no interval.
    n : int
        Number of seeds.
    p_holm : float or None
        Adjusted over the family of comparisons that this one belongs to; None outside any.
    p_equal_holm : float or None
        The same for its being within the margin of 0.
    degrees : float or None
        Degrees of freedom of the half-width; those of its own seeds, `n` - 1, if None.
    """

    value: float
    half_width: float | None
    n: int
    p_holm: float | None = None
    p_equal_holm: float | None = None
    degrees: float | None = None

    @property
    def p_value(self) -> float | None:
        """Return the two-sided p-value of 0, that of the interval; None for a single seed."""
        return self._two_sided(abs(self.value))

    def p_equal(self, margin: float) -> float | None:
        """Return the p-value of being beyond the margin: at most .05 where the interval is not."""
        return self._two_sided(margin - abs(self.value))

    def _two_sided(self, distance: float) -> float | None:
        if self.half_width is None:
            return None
        if self.half_width == 0:
            return 0.0 if distance > 0 else 1.0
        degrees = self.n - 1 if self.degrees is None else self.degrees
        error = self.half_width / stats.t.ppf(0.975, degrees)
        return float(min(1.0, 2 * stats.t.sf(distance / error, degrees)))

    def verdict(self, margin: float) -> str:
        """Return "none" (within the margin), "falls", "rises" or "open", by Holm over the family.

        Outside a family the interval of this comparison alone decides.
        """
        p_equal = self.p_equal(margin) if self.p_equal_holm is None else self.p_equal_holm
        if p_equal is not None and at_level(p_equal):
            return "none"
        p_value = self.p_value if self.p_holm is None else self.p_holm
        if p_value is None or not at_level(p_value):
            return "open"
        return "falls" if self.value < 0 else "rises"

    def shown(self, sign: str = "") -> str:
        """Return three digits and the interval where there is one; `sign` "+" for differences."""
        value = f"{self.value:{sign}.3f}".replace("-", "\u2212")
        return (
            f"{value} (one seed)"
            if self.half_width is None
            else (f"{value} ± {self.half_width:.3f}")
        )


def mean_of(values: list[float]) -> Mean:
    """Return the mean of one value a seed.

    Examples
    --------
    >>> mean_of([0.5, 0.5, 0.5])
    Mean(value=0.5, half_width=0.0, n=3, p_holm=None, p_equal_holm=None, degrees=None)
    """
    return means_of([values])[0]


def means_of(groups: Sequence[Sequence[float]]) -> list[Mean]:
    """Return the mean of each group of one value a seed.

    Among very many groups each one's variance is drawn towards what all have in common.
    """
    variances = {index: float(np.var(g, ddof=1)) for index, g in enumerate(groups) if len(g) > 1}
    degrees: dict[int, float] = {}
    for n in {len(groups[index]) for index in variances}:
        alike = [index for index in variances if len(groups[index]) == n]
        moderated, found = moderated_variances([variances[index] for index in alike], n - 1)
        if found != n - 1:
            variances |= zip(alike, moderated.tolist(), strict=True)
            degrees |= dict.fromkeys(alike, found)
    means = []
    for index, group in enumerate(groups):
        centre, n, half_width = float(np.mean(group)), len(group), None
        if index in variances:
            quantile = stats.t.ppf(0.975, degrees.get(index, n - 1))
            half_width = float(quantile * np.sqrt(variances[index] / n))
        means.append(Mean(centre, half_width, n, degrees=degrees.get(index)))
    return means


def in_family(means: Sequence[Mean], margin: float) -> list[Mean]:
    """Return the means with p-values adjusted over all of them; single seeds have none.

    Differences from 0 are one family, equivalences within the margin another.
    """
    family = list(means)
    several = [index for index, mean in enumerate(means) if mean.half_width is not None]
    differ = holm([means[index].p_value or 0.0 for index in several])
    equal = holm([means[index].p_equal(margin) or 0.0 for index in several])
    for index, p_holm, p_equal_holm in zip(several, differ, equal, strict=True):
        family[index] = replace(means[index], p_holm=p_holm, p_equal_holm=p_equal_holm)
    return family


#: What identifies a cell of the report: experiment, poison, victim, defence, fraction.
Cell = tuple[str, str, str, str, float]
#: What a noise floor is of: a victim and a loader.
Conditions = tuple[str, str]


class Results:
    """The finished runs of a study.

    Parameters
    ----------
    study : Study
        What was asked for.
    store : RunStore
        What is there.
    """

    def __init__(self, study: Study, store: RunStore) -> None:
        self.study = study
        self.store = store
        # By seed, what the run's kind of job stores: the experiment says which.
        self.cells: dict[Cell, dict[int, Any]] = {}
        self.replicates: dict[tuple[Cell, int], list[float]] = {}
        self._changes: dict[str, dict[Cell, Mean]] = {}
        self.n_asked = self.n_found = 0
        for run in study.runs():
            record = store.find(run.job)
            self.n_asked += 1
            if record is None:
                continue
            self.n_found += 1
            cell = _cell(run)
            result = record["result"]
            if run.arithmetic == "default":
                self.cells.setdefault(cell, {})[run.seed] = result
            elif self._differs(run, result):
                found = self.replicates.setdefault((cell, run.seed), [])
                found.append(float(result["final"]))
        # Of experiments that share a setting, the one with most seeds speaks for it.
        self.cells = dict(sorted(self.cells.items(), key=lambda item: -len(item[1])))
        records = [store.find(job) for _, jobs in stages(study) for job in jobs]
        self.processor_seconds = sum(r["processor_seconds"] for r in records if r is not None)

    def _differs(self, run: Run, result: Any) -> bool:
        """Return whether a replicate's sums had another order than the run that it repeats."""
        usual = self.cells.get(_cell(run), {}).get(run.seed)
        if usual is None or run.arithmetic != "baseline":
            return usual is not None
        # On a processor without AVX2 it is the same computation twice.
        return bool(usual["capability"] != result["capability"])

    def words(self, name: str) -> str:
        """Return the plain words for a poison or victim of the configuration."""
        titles = {known: settings.title for known, settings in self.study.poisons.items()}
        titles |= {known: settings.title for known, settings in self.study.victims.items()}
        return titles.get(name) or name

    @property
    def margin(self) -> float:
        """Return the margin of equivalence that the configuration states."""
        return self.study.settings.margin

    def chance(self, experiment: str) -> float:
        """Return the accuracy of guessing: one over the classes that the test images have."""
        for cell, found in self.cells.items():
            if cell[0] == experiment:
                for result in found.values():
                    return float(result["chance"])
        return 1 / self.study.settings.data.classes

    def values(self, cell: Cell, key: str) -> dict[int, float]:
        """Return one number a seed."""
        return {seed: float(result[key]) for seed, result in self.cells.get(cell, {}).items()}

    def clean(self, cell: Cell, key: str = "final") -> dict[int, float]:
        """Return the accuracies on the clean set of the victim, defence and seeds of `cell`."""
        asked = self.study.seeds(self.study.experiments[cell[0]])
        found: dict[int, float] = {}
        for (_, poison, victim, defence, _), results in self.cells.items():
            if not poison and (victim, defence) == cell[2:4]:
                found |= {s: float(result[key]) for s, result in results.items() if s in asked}
        return found

    def changes(self, cell: Cell) -> dict[int, float]:
        """Return the change of the final accuracy against the clean set, seed by seed."""
        return differences(self.values(cell, "final"), self.clean(cell))

    def change(self, cell: Cell) -> Mean | None:
        """Return the mean paired change of the final accuracy against the clean set.

        Its family is every such change of the same experiment.
        """
        if cell[0] not in self._changes:
            found = {
                other: list(changes.values())
                for other in self.cells
                if other[0] == cell[0] and other[1] and (changes := self.changes(other))
            }
            means = [
                self._no_narrower_than_floor(mean, self._conditions(other))
                for other, mean in zip(found, means_of(list(found.values())), strict=True)
            ]
            self._changes[cell[0]] = dict(zip(found, in_family(means, self.margin), strict=True))
        return self._changes[cell[0]].get(cell)

    def paired(self, cell: Cell, other: Cell | None = None) -> Mean | None:
        """Return the mean accuracy of `cell` minus that of `other`, over the seeds of both.

        Without `other` the clean set's is taken. The interval is no narrower than the floor of
        `cell` allows.
        """
        second = self.clean(cell) if other is None else self.values(other, "final")
        found = differences(self.values(cell, "final"), second)
        if not found:
            return None
        return self._no_narrower_than_floor(mean_of(list(found.values())), self._conditions(cell))

    def _conditions(self, cell: Cell) -> Conditions:
        return cell[2], self.study.experiments[cell[0]].loader

    def _no_narrower_than_floor(self, mean: Mean, conditions: Conditions) -> Mean:
        floor = self.floor(conditions)
        if floor is None or mean.half_width is None:
            return mean
        least = float(stats.t.ppf(0.975, floor.degrees)) * floor.spread * np.sqrt(2 / mean.n)
        return replace(mean, half_width=max(mean.half_width, float(least)))

    @property
    def floors(self) -> dict[Conditions, Floor]:
        """Return the floors of the victims and loaders that have replicates."""
        groups: dict[Conditions, list[list[float]]] = {}
        for (cell, seed), others in sorted(self.replicates.items()):
            own = float(self.cells[cell][seed]["final"])
            groups.setdefault(self._conditions(cell), []).append([own, *others])
        return {conditions: _pooled(found) for conditions, found in groups.items()}

    def floor(self, conditions: Conditions) -> Floor | None:
        """Return how much rounding alone moves an accuracy of a victim with a loader.

        Where these have no replicates, the largest of the victim's is taken, and where it has none
        either, the largest of all: a floor borrowed from a steadier one would claim too much.
        """
        floors = self.floors
        if conditions in floors:
            return floors[conditions]
        own = [floor for (victim, _), floor in floors.items() if victim == conditions[0]]
        return max(own or floors.values(), key=lambda floor: floor.spread, default=None)


@dataclass(frozen=True)
class Floor:
    """How an accuracy varies over replicates that differ only in the order of sums.

    Parameters
    ----------
    spread : float
        Standard deviation.
    degrees : int
        Its degrees of freedom: replicates beside the runs that they repeat.
    largest : float
        Largest difference between a run and its replicates, or between these.
    """

    spread: float
    degrees: int
    largest: float


def _pooled(groups: list[list[float]]) -> Floor:
    degrees = sum(len(group) - 1 for group in groups)
    squares = sum(float(np.var(group)) * len(group) for group in groups)
    largest = max(float(np.ptp(group)) for group in groups)
    return Floor(float(np.sqrt(squares / degrees)), degrees, largest)


def differences(first: dict[int, float], second: dict[int, float]) -> dict[int, float]:
    """Return first minus second for the seeds that both have, in order."""
    return {seed: first[seed] - second[seed] for seed in sorted(set(first) & set(second))}


def _cell(run: Run) -> Cell:
    return (run.experiment, run.poison, run.victim, run.defence, run.fraction)
