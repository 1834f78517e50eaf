"""Tables and marks from results."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from scipy.stats import binomtest, t as student_t

from benchmarks._tables import mean_and_error, write_table
from benchmarks.accuracy._families import SMOOTH, STEEP, TORN, cost_is_known
from benchmarks.accuracy._run import LIBRARIES, Result
from kernel_ot._arrays import Array

Key = tuple[str, int, int]
OURS, PLUG_IN = "kernel-ot", "nearest neighbour"
ENTROPIC, ENTROPIC_OF_USERS = "entropic (best)", "entropic (cross-validated)"
# Of the best peer, chosen with the truth.
NEAR_BEST = 1.2
_SEVERAL_FEATURES = 5


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
    return method != OURS, method


def _values(results: list[Result], quantity: str) -> list[float]:
    if quantity == "cost error":
        return [
            abs(r.cost / r.true_cost - 1)
            for r in results
            if r.cost is not None and cost_is_known(r.family, r.d)
        ]
    return [getattr(r, quantity) for r in results]


def _entry(results: list[Result], quantity: str) -> str:
    values = _values(results, quantity)
    if not values:
        return "-"
    mean, error = mean_and_error(values)
    digits = 1 if quantity == "seconds" else 4
    return f"{mean:.{digits}f} ± {error:.{digits}f}"


def comparison(results: Iterable[Result]) -> str:
    """Return our UVP over the best peer's, by cell, with the 95 % interval of the paired ratio.

    The best peer is the one with the smallest mean over the seeds; the interval is Student's for
    the mean logarithm of the ratio on the same seed. Peers count that ran on every seed of ours.
    """
    lines = ["| family | d | n | seeds | ours | best peer | | ratio of means | paired | <= 1.2 |"]
    lines.append("|---" * 10 + "|")
    for (family, d, n), cell in sorted(by_cell(results).items()):
        peers = _peers(cell)
        if not peers:
            continue
        best = min(peers, key=lambda m: float(np.mean(_values(peers[m], "uvp"))))
        theirs = {r.seed: r.uvp for r in peers[best]}
        pairs = [(r.uvp, theirs[r.seed]) for r in cell[OURS] if r.seed in theirs]
        mine, other = np.array(pairs).T
        ratio = mine.mean() / other.mean()
        lines.append(
            f"| {family} | {d} | {n} | {len(pairs)} | {mine.mean():.4f} | {other.mean():.4f} | "
            f"{best} | {ratio:.2f} | {_interval(np.log(mine / other))} | "
            f"{'yes' if ratio <= NEAR_BEST else '**no**'} |"
        )
    return "\n".join(lines)


def _peers(cell: dict[str, list[Result]]) -> dict[str, list[Result]]:
    """Return the other methods that ran on every seed of ours: means over others say nothing."""
    seeds = {result.seed for result in cell.get(OURS, [])}
    return {
        method: [result for result in found if result.seed in seeds]
        for method, found in cell.items()
        if method != OURS and seeds and seeds <= {result.seed for result in found}
    }


def by_size(results: Iterable[Result]) -> str:
    """Return our UVP over the peers', by n and d: geometric means over all cases of a size.

    The best peer is the best of each single case, once among all, some of which were chosen with
    the truth, and once among those that a user can have.
    """
    cases: dict[tuple[int, int], dict[tuple[str, int], dict[str, Result]]] = defaultdict(dict)
    for result in results:
        case = cases[result.n, result.d].setdefault((result.family, result.seed), {})
        case[result.method] = result
    singles = [ENTROPIC, ENTROPIC_OF_USERS, "Gaussian map"]
    heads = ["n", "d", "cases", "best peer, with the truth", "without", *singles, "s (median)"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for (n, d), found in sorted(cases.items()):
        compared = [case for case in found.values() if OURS in case and len(case) > 1]
        with_truth = [_log_ratio(case, set(case) - {OURS}) for case in compared]
        # Where cross-validation was left out, a user's entropic map is not known.
        complete = [case for case in compared if ENTROPIC_OF_USERS in case]
        without_truth = [
            _log_ratio(case, {m for m in case if not m.endswith("(best)")} - {OURS})
            for case in complete
        ]
        entries = [_interval(np.array(with_truth)), _interval(np.array(without_truth))]
        for method in singles:
            logarithms = [_log_ratio(case, {method}) for case in compared if method in case]
            entries.append(_interval(np.array(logarithms)))
        seconds = float(np.median([case[OURS].seconds for case in compared]))
        lines.append(f"| {n} | {d} | {len(compared)} | {' | '.join(entries)} | {seconds:.2f} |")
    return "\n".join(lines)


def _log_ratio(case: dict[str, Result], peers: Iterable[str]) -> float:
    """Return the logarithm of our UVP over the smallest of the peers' on the same case."""
    return float(np.log(case[OURS].uvp / min(case[method].uvp for method in peers)))


def cost_by_size(results: Iterable[Result]) -> str:
    """Return relative errors of the cost, ours and the exact plan's, and what intervals hold.

    How often intervals hold it has the 95 % interval of Clopper and Pearson. Mixtures of more than
    two features are left out, see `cost_is_known`.
    """
    lines = ["| n | d | fits | ours | plug-in | interval holds | its median width / cost |"]
    lines.append("|---" * 7 + "|")
    groups: dict[tuple[int, int], dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        groups[result.n, result.d][result.method].append(result)
    for (n, d), group in sorted(groups.items()):
        ours, plug_in = (_values(group[method], "cost error") for method in (OURS, PLUG_IN))
        if not ours or not plug_in:
            continue
        held = _held(group[OURS])
        widths = [
            (r.high - r.low) / r.true_cost
            for r in group[OURS]
            if r.low is not None and r.high is not None and cost_is_known(r.family, r.d)
        ]
        lines.append(
            f"| {n} | {d} | {len(ours)} | {np.mean(ours):.3f} | {np.mean(plug_in):.3f} | "
            f"{_share(held)} | {np.median(widths):.2f} |"
        )
    return "\n".join(lines)


def _share(held: list[float]) -> str:
    """Return "share % (low to high)" of what is 1, with the binomial 95 % interval."""
    found = binomtest(round(sum(held)), len(held))
    low, high = found.proportion_ci(method="exact")
    shares = (100 * value for value in (found.statistic, low, high))
    return "{:.0f} % ({:.0f} to {:.0f})".format(*shares)


def _held(results: Iterable[Result]) -> list[float]:
    """Return, of each fit with an interval of the cost, 1 where it holds the truth, else 0."""
    return [
        float(r.low <= r.true_cost <= r.high)
        for r in results
        if r.low is not None and r.high is not None and cost_is_known(r.family, r.d)
    ]


def _interval(logarithms: Array) -> str:
    """Return "centre (low to high)" of a ratio from logarithms of it; NaN bounds for a single."""
    if len(logarithms) == 0:
        return "-"
    mean, error = mean_and_error(logarithms)
    half = student_t.ppf(0.975, len(logarithms) - 1) * error
    low, centre, high = np.exp(mean + np.array([-half, 0.0, half]))
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
            plan = "plan between the samples" if method == PLUG_IN else method
            entries = [(method, "map", _values(found, "uvp"))]
            if method in (OURS, PLUG_IN):
                entries.append((plan, "cost", _values(found, "cost error")))
            entries.append((method, "interval holds cost", _held(found)))
            entries.append((method, "seconds", _values(found, "seconds")))
            rows += [
                (family, d, n, len(values), name, quantity, *_mean_and_error_as_text(values))
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


def _mean_and_error_as_text(values: list[float]) -> tuple[str, str]:
    mean, error = mean_and_error(values)
    return f"{mean:.4g}", "" if np.isnan(error) else f"{error:.2g}"


def marks(results: Iterable[Result]) -> str:
    """Return one line for each mark and cell: what is asked, what was reached."""
    lines = ["| mark | family | d | n | asked | reached | met |", "|---" * 7 + "|"]
    for (family, d, n), cell in sorted(by_cell(results).items()):
        means = {m: float(np.mean(_values(found, "uvp"))) for m, found in _peers(cell).items()}
        if not means:
            continue
        ours, best = float(np.mean(_values(cell[OURS], "uvp"))), min(means.values())
        asked = [("1.2 x best of all", NEAR_BEST * best, ours)]
        if d >= _SEVERAL_FEATURES and family in SMOOTH and ENTROPIC in means:
            asked.append(("a third of the best entropic", means[ENTROPIC] / 3, ours))
        if d >= _SEVERAL_FEATURES and family in (*STEEP, "mixture", TORN):
            asked.append(("best of all", best, ours))
        errors = [_values(cell.get(m, []), "cost error") for m in (OURS, PLUG_IN)]
        if all(errors):
            mine, plug_in = (float(np.mean(found)) for found in errors)
            asked.append(("cost error of the plug-in", plug_in, mine))
        lines += [
            f"| {name} | {family} | {d} | {n} | {limit:.4g} | {reached:.4g} | "
            f"{'yes' if reached <= limit else '**no**'} |"
            for name, limit, reached in asked
        ]
    return "\n".join(lines)
