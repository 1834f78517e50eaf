"""Tables and marks from results."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from scipy.stats import t as student_t

from benchmarks._tables import write_table
from benchmarks.accuracy._families import SMOOTH
from benchmarks.accuracy._run import LIBRARIES, Result
from kernel_ot._arrays import Array

Key = tuple[str, int, int]


def by_cell(results: Iterable[Result]) -> dict[Key, dict[str, list[Result]]]:
    """Group results by (family, d, n), then by method."""
    cells: dict[Key, dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        cells[result.family, result.d, result.n][result.method].append(result)
    return cells


def table(results: Iterable[Result], quantity: str) -> str:
    """Return a Markdown table of "uvp", "cost error" or "seconds", mean and standard error."""
    cells = by_cell(results)
    methods = sorted({m for cell in cells.values() for m in cell}, key=_order)
    lines = [
        f"| family | d | n | seeds | {' | '.join(methods)} |",
        "|---" * (4 + len(methods)) + "|",
    ]
    for (family, d, n), cell in sorted(cells.items(), key=lambda item: item[0]):
        seeds = max(len(results) for results in cell.values())
        entries = [_entry(cell.get(method, []), quantity) for method in methods]
        lines.append(f"| {family} | {d} | {n} | {seeds} | {' | '.join(entries)} |")
    return "\n".join(lines)


def _order(method: str) -> tuple[bool, str]:
    return method != "kernel-ot", method


def _values(results: list[Result], quantity: str) -> list[float]:
    if quantity == "cost error":
        return [abs(r.cost / r.true_cost - 1) for r in results if r.cost is not None]
    return [getattr(r, quantity) for r in results]


def _entry(results: list[Result], quantity: str) -> str:
    values = _values(results, quantity)
    if not values:
        return "-"
    error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    digits = 1 if quantity == "seconds" else 4
    return f"{np.mean(values):.{digits}f} ± {error:.{digits}f}"


def comparison(results: Iterable[Result], ours: str = "kernel-ot") -> str:
    """Return our UVP over the best peer's, by cell, with the 95 % interval of the paired ratio.

    The best peer is the one with the smallest mean over the seeds; the interval is Student's for
    the mean logarithm of the ratio on the same seed.
    """
    lines = ["| family | d | n | seeds | ours | best peer | | ratio of means | paired |"]
    lines.append("|---" * 9 + "|")
    for (family, d, n), cell in sorted(by_cell(results).items()):
        peers = {m: found for m, found in cell.items() if m != ours}
        if ours not in cell or not peers:
            continue
        best = min(peers, key=lambda m: float(np.mean(_values(peers[m], "uvp"))))
        theirs = {r.seed: r.uvp for r in peers[best]}
        pairs = [(r.uvp, theirs[r.seed]) for r in cell[ours] if r.seed in theirs]
        mine, other = np.array(pairs).T
        ratio = f"{mine.mean() / other.mean():.2f}"
        lines.append(
            f"| {family} | {d} | {n} | {len(pairs)} | {mine.mean():.4f} | {other.mean():.4f} | "
            f"{best} | {ratio} | {_interval(np.log(mine / other))} |"
        )
    return "\n".join(lines)


def _interval(logarithms: Array) -> str:
    """Return "centre (low to high)" of a ratio from logarithms of it; NaN bounds for a single."""
    count = len(logarithms)
    half = np.nan
    if count > 1:
        half = student_t.ppf(0.975, count - 1) * np.std(logarithms, ddof=1) / np.sqrt(count)
    low, centre, high = np.exp(np.mean(logarithms) + np.array([-half, 0.0, half]))
    return f"{centre:.2f} ({low:.2f} to {high:.2f})"


def write_csv(path: Path, results: Iterable[Result]) -> None:
    """Write the mean over the seeds and its standard error of every cell, as the site reads it.

    Quantities are "map" (UVP), "cost" (its relative error), "interval holds cost" (a share) and
    "seconds" (processor time). The exact plan has no map of its own: its cost stands under "plan
    between the samples", the map that takes the nearest neighbour's image under its name.
    """
    rows: list[tuple[object, ...]] = []
    for (family, d, n), cell in sorted(by_cell(results).items()):
        for method, found in sorted(cell.items(), key=lambda item: _order(item[0])):
            plan = "plan between the samples" if method == "nearest neighbour" else method
            entries = [(method, "map", _values(found, "uvp"))]
            if method in ("kernel-ot", "nearest neighbour"):
                entries.append((plan, "cost", _values(found, "cost error")))
            held = [
                float(r.low <= r.true_cost <= r.high)
                for r in found
                if r.low is not None and r.high is not None
            ]
            entries.append((method, "interval holds cost", held))
            entries.append((method, "seconds", _values(found, "seconds")))
            rows += [
                (family, d, n, len(values), name, quantity, *_mean_and_error(values))
                for name, quantity, values in entries
                if values
            ]
    write_table(
        path,
        "Error of the map, E|T_hat - T|^2 / Var(T) at 2000 fresh points, and relative error of the "
        "cost: mean over the seeds and its standard error. entropic (best): the best of four or "
        "five regularisations, chosen with the truth.",
        ("family", "dimension", "n", "seeds", "method", "quantity", "mean", "standard_error"),
        rows,
        LIBRARIES,
    )


def _mean_and_error(values: list[float]) -> tuple[str, str]:
    error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return f"{np.mean(values):.4g}", "" if np.isnan(error) else f"{error:.2g}"


def marks(results: Iterable[Result]) -> str:
    """Return one line for each mark and cell at n = 300: what is asked, what was reached."""
    lines = ["| mark | family | d | asked | reached | met |", "|---" * 6 + "|"]
    for (family, d, n), cell in sorted(by_cell(results).items()):
        if n != 300 or "kernel-ot" not in cell:
            continue
        means = {m: float(np.mean(_values(r, "uvp"))) for m, r in cell.items()}
        ours = means["kernel-ot"]
        others = {m: value for m, value in means.items() if m != "kernel-ot"}
        asked: list[tuple[str, float]] = []
        entropic = [value for m, value in others.items() if "entropic" in m]
        if d in (5, 8, 10) and family in SMOOTH and entropic:
            asked.append(("a third of the best entropic", min(entropic) / 3))
        if "Gaussian map" in others and family != "mixture":
            factor = 1.5 if family == "affine" else 1.0
            asked.append((f"{factor:g} x Gaussian map", factor * others["Gaussian map"]))
        if d <= 2 and others:
            asked.append(("1.2 x best of all", 1.2 * min(others.values())))
        lines += [_mark(name, family, d, limit, ours) for name, limit in asked]
        plug_in = _values(cell.get("nearest neighbour", []), "cost error")
        if d >= 5 and plug_in:
            mine = float(np.mean(_values(cell["kernel-ot"], "cost error")))
            lines.append(
                _mark("cost error of the plug-in", family, d, float(np.mean(plug_in)), mine)
            )
        seconds = max(_values(cell["kernel-ot"], "seconds"))
        lines.append(_mark("60 s, selection included", family, d, 60.0, seconds))
    return "\n".join(lines)


def _mark(name: str, family: str, d: int, limit: float, reached: float) -> str:
    met = "yes" if reached <= limit else "**no**"
    return f"| {name} | {family} | {d} | {limit:.4g} | {reached:.4g} | {met} |"
