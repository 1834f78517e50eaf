"""`table.md`: what the README quotes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isnan
from typing import Any

from benchmarks.solvers._records import Row
from benchmarks.solvers._sections import COMPARISON, LARGE, MEMORY, TRUNCATION, WARM
from benchmarks.solvers._summary import (
    ACCURACY,
    Cell,
    best_objectives,
    grouped,
    merged,
    summarise,
    units,
)

_HOW_TO_READ = f"""\
Times are medians over seeds of medians over repetitions, with the contenders interleaved: in
`numpy.linalg.eigh` of an l x l matrix timed in the same run, and in seconds. A point counts as a
solution if its objective is within {ACCURACY:.0e} (relative) of the best verified one and its
constraint is violated by at most {ACCURACY:.0e} (relative), both recomputed from the problem.
"2 of 3": solved so many. "wrong": ended by itself with an error above that. "cut": ended by the
time budget, with its largest error then; after a time: it was right by then. "-": cut off at a
smaller size already, or not run.
"""


def report(rows: Sequence[Row], machine: Mapping[str, Any]) -> str:
    """Return all tables as Markdown."""
    parts = ["# Solvers", "", _machine(machine), "", _HOW_TO_READ]
    for title, text in (
        ("Time by family, dimension and filling points", _times(_of(rows, COMPARISON))),
        ("Outcomes", _outcomes(_of(rows, COMPARISON))),
        ("K truncated", _truncation(_of(rows, TRUNCATION))),
        ("Warm starts", _warm(_of(rows, WARM))),
        ("Memory", _memory(_of(rows, MEMORY))),
        ("One large problem", _memory(_of(rows, LARGE), with_time=True)),
    ):
        if text:
            parts += [f"## {title}", "", text, ""]
    return "\n".join(parts)


def _machine(machine: Mapping[str, Any]) -> str:
    entries = {k: ", ".join(v) if isinstance(v, list) else v for k, v in machine.items()}
    return "Measured on: " + "; ".join(f"{name} {value}" for name, value in entries.items()) + "."


def _of(rows: Iterable[Row], section: str) -> list[Row]:
    return [row for row in rows if row.section == section]


def _grid(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    texts = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in texts)


def _names(rows: Iterable[Row]) -> list[str]:
    """Return the contenders, ours first, each group in the order of its first row."""
    names = list(dict.fromkeys(row.contender for row in rows))
    return sorted(names, key=lambda name: (name.startswith(("CVXPY", "OTSSN")), name != "auto"))


def _times(rows: list[Row]) -> str:
    best, unit, names = best_objectives(rows), units(rows), _names(rows)
    lines = []
    groups = grouped(rows, lambda row: (row.family, row.d, row.l))
    for (family, d, size), group in sorted(groups.items()):
        by_name = grouped(group, lambda row: row.contender)
        cells = [
            _time(summarise(by_name[name], best, unit[size])) if name in by_name else "-"
            for name in names
        ]
        lines.append([family, str(d), str(size), f"{1e3 * unit[size]:.3g} ms", *cells])
    return _grid(["family", "d", "l", "one eigh", *names], lines) if lines else ""


def _time(cell: Cell) -> str:
    if cell.problems == 0:
        return "-"
    if cell.solved == 0:
        error = _worst_error(cell)
        if cell.cut_off:
            return f"cut, {error}"
        return "failed" if isnan(cell.worst_violation) else f"wrong, {error}"
    eigh = f"{cell.eigh:.3g}" if cell.eigh < 100 else f"{cell.eigh:.0f}"
    text = f"{eigh} ({cell.seconds:.2g} s)"
    if cell.solved < cell.problems:
        text += f", {cell.solved} of {cell.problems}"
    return f"{text}, cut" if cell.cut_off else text


def _worst_error(cell: Cell) -> str:
    # Where nobody solved a problem there is no objective to compare with.
    shown = (cell.worst_gap, cell.worst_violation, cell.worst_residual)
    errors = [error for error in shown if not isnan(error)]
    return f"{max(errors):.0e}" if errors else "nothing back"


def _outcomes(rows: list[Row]) -> str:
    best, unit = best_objectives(rows), units(rows)
    lines = []
    for name in _names(rows):
        for family in dict.fromkeys(row.family for row in rows):
            own = [row for row in rows if row.contender == name and row.family == family]
            sizes = grouped(own, lambda row: row.l)
            if not sizes:
                continue
            cell = merged(summarise(group, best, unit[size]) for size, group in sizes.items())
            tried = [row for row in own if not isnan(row.seconds)]
            statuses = grouped(tried, lambda row: row.status)
            lines.append(
                [
                    name,
                    family,
                    f"{cell.solved} of {cell.problems}",
                    *(
                        _small(value)
                        for value in (cell.worst_residual, cell.worst_gap, cell.worst_violation)
                    ),
                    ", ".join(f"{len(group)} {status}" for status, group in statuses.items()),
                ]
            )
    head = ["contender", "family", "solved", "worst KKT residual", "worst objective difference"]
    return _grid([*head, "worst violation", "runs by status"], lines) if lines else ""


def _small(value: float) -> str:
    return "-" if isnan(value) else f"{value:.1e}"


def _truncation(rows: list[Row]) -> str:
    best, unit, names = best_objectives(rows), units(rows), _names(rows)
    lines = []
    cut = [row for row in rows if row.rank_tol]
    whole = {
        (case.family, case.d, case.l, case.seed): value
        for (case, _), value in best.items()
        if not case.rank_tol
    }
    for case, group in grouped(cut, lambda row: row.case).items():
        by_name = grouped(group, lambda row: row.contender)
        cells = [
            _time(summarise(by_name[name], best, unit[case.l])) if name in by_name else "-"
            for name in names
        ]
        full = whole.get((case.family, case.d, case.l, case.seed))
        own = best.get((case, ""))
        known = full is not None and own is not None
        change = f"{abs(own - full) / (1 + abs(full)):.1e}" if known else "not measured"  # type: ignore[operator, arg-type]
        first = next((row for row in group if row.rank >= 0), group[0])
        sizes = [str(case.l), f"{case.rank_tol:.0e}", str(first.rank)]
        lines.append([case.family, str(case.d), *sizes, change, *cells])
    head = ["family", "d", "l", "truncated at", "rank", "change of the optimum", *names]
    return _grid(head, lines) if lines else ""


def _warm(rows: list[Row]) -> str:
    lines = []
    groups = grouped(rows, lambda row: (row.contender, row.case, row.variant))
    for (name, case, variant), group in groups.items():
        starts = {row.start: row for row in group}
        if set(starts) != {"cold", "warm"}:
            continue
        cold, warm = starts["cold"], starts["warm"]
        both = cold.status == warm.status == "CONVERGED"
        ratio = f"{warm.iterations / cold.iterations:.2f}" if both and cold.iterations else "-"
        steps = [
            f"{row.iterations}" + ("" if row.status == "CONVERGED" else f" ({row.status})")
            for row in (cold, warm)
        ]
        lines.append([name, case.family, str(case.l), variant, *steps, ratio])
    head = ["method", "family", "l", "change", "cold steps", "warm steps", "ratio"]
    return _grid(head, lines) if lines else ""


def _memory(rows: list[Row], *, with_time: bool = False) -> str:
    lines = []
    for row in rows:
        cut = f"{row.rank_tol:.0e}" if row.rank_tol else "-"
        line = [row.contender, row.family, str(row.d), str(row.l), cut, str(row.rank)]
        line += ["-" if isnan(m) else f"{m:.1f}" for m in (row.peak_matrices, row.peak_resident)]
        if with_time:
            line += [f"{row.seconds:.1f}", row.status, _small(row.residual)]
        lines.append(line)
    head = ["method", "family", "d", "l", "truncated at", "rank", "peak", "resident growth"]
    if with_time:
        head += ["seconds", "status", "KKT residual"]
    note = (
        "Beyond the problem's own arrays, in l x l matrices of float64: what Python and NumPy "
        "allocate (tracemalloc), and the growth of the process's resident memory, which also "
        "holds LAPACK's workspace.\n\n"
    )
    return note + _grid(head, lines) if lines else ""
