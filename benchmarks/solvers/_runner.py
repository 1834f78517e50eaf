"""Make measurements that are not there yet, within their budgets."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.solvers._measuring import eigh_seconds, peak_memory
from benchmarks.solvers._outcome import Contender, Start, judge
from benchmarks.solvers._problems import Case
from benchmarks.solvers._records import SKIPPED, Key, Records, Row
from kernel_ot.problem import Problem

_Group = tuple[str, str, int, float, str]


@dataclass
class Runner:
    """Measures contenders and records the result; `bar` is a tqdm bar or None."""

    records: Records
    budget: float
    bar: Any = None
    _cut_off_at: dict[_Group, int] = field(default_factory=dict)

    def missing(self, keys: Sequence[Key]) -> list[Key]:
        """Return those of `keys` that are not recorded yet, and count the others as done."""
        for key in keys:
            row = self.records.find(key)
            if row is not None:
                self._notice(row)
                self._advance()
        return [key for key in keys if self.records.find(key) is None]

    def measure(
        self,
        key: Key,
        problem: Problem,
        contender: Contender,
        *,
        start: Start = None,
        with_memory: bool = False,
        budget: float | None = None,
    ) -> Row:
        """Run `contender` once, check what came back, and record it.

        What was cut off at a smaller size of the same family, dimension and truncation is
        recorded as skipped.
        """
        smaller = self._cut_off_at.get(_group(key))
        if smaller is not None and smaller < key.l:
            row = Row(**vars(key), status=SKIPPED, note=f"cut off at l = {smaller}")
            self._keep(row)
            return row
        unit = eigh_seconds(key.l)
        peak = resident = float("nan")
        budget = self.budget if budget is None else budget
        if with_memory:
            outcome, peak, resident = peak_memory(
                lambda: contender.run(problem, budget, start), key.l
            )
        else:
            outcome = contender.run(problem, budget, start)
        row = Row(
            **vars(key),
            rank=problem.rank,
            truncation_error=problem.truncation_error,
            status=outcome.status,
            seconds=outcome.seconds,
            eigh_seconds=unit,
            iterations=outcome.iterations,
            own_residual=outcome.own_residual,
            peak_matrices=peak,
            peak_resident=resident,
            note=outcome.note,
            **vars(judge(problem, outcome)),
        )
        self._keep(row, list(outcome.history) if key.repetition == 0 else None)
        return row

    def _keep(self, row: Row, history: list[tuple[float, float]] | None = None) -> None:
        self.records.add(row, history)
        self._notice(row)
        self._advance(row)

    def _notice(self, row: Row) -> None:
        if row.was_cut_off and row.status != SKIPPED:
            group = _group(row)
            self._cut_off_at[group] = min(row.l, self._cut_off_at.get(group, row.l))

    def _advance(self, row: Row | None = None) -> None:
        if self.bar is None:
            return
        if row is not None:
            text = describe(row.case) + f", {row.contender}: {row.status}"
            if sys.stderr.isatty():
                self.bar.set_postfix_str(text, refresh=False)
            elif row.status != SKIPPED:
                self.bar.write(f"{text}, {row.seconds:.2f} s", file=sys.stderr)
        self.bar.update()

    def drop(self, count: int) -> None:
        """Count measurements that turned out not to be needed as done."""
        if self.bar is not None:
            self.bar.update(count)


def _group(key: Key) -> _Group:
    return key.section, key.family, key.d, key.rank_tol, key.contender


def describe(case: Case) -> str:
    """Return a case in words."""
    text = f"{case.family} d = {case.d} l = {case.l} seed {case.seed}"
    return text + (f" truncated at {case.rank_tol:.0e}" if case.rank_tol else "")
