"""Figures of the benchmarks page, drawn from the dated result files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from _sphinx.accuracy_figures import accuracy, cost, pairs, pairs_by_points, sizes
from _sphinx.figure_style import OTHERS, OURS, colours_of, draw_lines, mark_values, methods_of
from _sphinx.results import ResultFile, Row, newest


def times(fits: ResultFile, peers: ResultFile) -> Figure:
    """Draw processor seconds of a default fit against the points, beside Sinkhorn's iterations."""
    ours = [{**row, "method": "kernel-ot"} for row in fits.where(version="this")]
    shown = {
        ("logcosh", "2"): "logcosh map, 2 features",
        ("softmax", "5"): "softmax map, 5 features",
    }
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    axes = figure.subplots(1, 2, sharex=True, sharey=True)
    for ax, ((family, d), title) in zip(axes, shown.items(), strict=True):
        rows = [
            row for row in [*ours, *peers.rows] if (row["family"], row["dimension"]) == (family, d)
        ]
        for method, (colour, marker) in colours_of(["kernel-ot", *methods_of(peers.rows)]).items():
            taken: dict[int, list[float]] = {}
            for row in rows:
                if row["method"] == method:
                    taken.setdefault(int(row["n"]), []).append(float(row["seconds"]))
            points = sorted((n, median(seconds)) for n, seconds in taken.items())
            label = method if method == "kernel-ot" else f"{method}, Sinkhorn"
            ax.plot(*zip(*points, strict=True), marker=marker, color=colour, label=label)
        mark_values(ax, ours, "n")
        ax.set(title=title, yscale="log", xlabel="points a side")
    axes[0].set_ylabel("processor seconds")
    axes[0].legend(fontsize=9)
    return figure


def scale(result: ResultFile) -> Figure:
    """Draw seconds, memory and error of fits of many points, beside what else was measured."""
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    axes = figure.subplots(1, 3)
    rows = result.where(family="logcosh", dimension="5")
    methods = colours_of([*methods_of(rows), "Gaussian map"])
    labels = {
        "seconds": "processor seconds",
        "mib": "MiB beyond the samples",
        "uvp": "error of the map",
    }
    for ax, (column, label) in zip(axes, labels.items(), strict=True):
        for method, (colour, marker) in methods.items():
            _points(ax, [row for row in rows if row["method"] == method], column, colour, marker)
        ax.set(xscale="log", yscale="log", xlabel="points a side", ylabel=label)
        ax.grid(alpha=0.3)
    ours = [row for row in rows if row["method"] == "kernel-ot"]
    _points(axes[2], ours, "gaussian_uvp", *methods["Gaussian map"])
    for name, (colour, marker) in methods.items():
        axes[2].plot([], [], color=colour, marker=marker, label=name)
    figure.legend(*axes[2].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return figure


def _points(ax: Axes, rows: list[Row], column: str, colour: str, marker: str) -> None:
    values = sorted((int(row["n"]), float(row[column])) for row in rows if row[column])
    if values:
        ax.plot(*zip(*values, strict=True), color=colour, marker=marker)


def takeover(result: ResultFile) -> Figure:
    """Draw time and error of fits by batches and by all pairs, and how far their maps are apart."""
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    axes = figure.subplots(1, 3)
    labels = {
        "seconds": "processor seconds",
        "uvp": "error of the map",
        "agreement": "distance between both maps",
    }
    ways = dict(zip(result.values("way"), ((OURS, "o"), OTHERS[0]), strict=True))
    for ax, (column, label) in zip(axes, labels.items(), strict=True):
        for d, style in zip(result.values("dimension"), ("-", "--"), strict=True):
            for way, (colour, marker) in ways.items():
                taken: dict[int, list[float]] = {}
                for row in result.where(way=way, dimension=d):
                    taken.setdefault(int(row["n"]), []).append(float(row[column]))
                points = sorted((n, sum(values) / len(values)) for n, values in taken.items())
                name = f"{way}, {d} features"
                ax.plot(*zip(*points, strict=True), style, marker=marker, color=colour, label=name)
        ax.set(yscale="log", xlabel="points a side", ylabel=label)
        ax.grid(alpha=0.3)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def solvers(result: ResultFile) -> Figure:
    """Draw the seconds of each method on each problem; who was cut off stands at the edge."""
    methods = result.values("method")
    problems = list(
        dict.fromkeys((r["kernel"], r["dimension"], r["filling_points"]) for r in result.rows)
    )
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    ax = figure.subplots()
    for method, (colour, marker) in colours_of(methods).items():
        solved = [
            (place, float(row["seconds"]))
            for place, problem in enumerate(problems)
            for row in result.where(method=method)
            if (row["kernel"], row["dimension"], row["filling_points"]) == problem
            and row["outcome"] == "solved"
        ]
        left = len(problems) - len(solved)
        label = f"{method} ({left} of {len(problems)} not solved)" if left else method
        ax.plot(
            *zip(*solved, strict=True), marker, color=colour, markersize=9, label=label
        ) if solved else (ax.plot([], [], marker, color=colour, markersize=9, label=label))
    names = [f"{kernel}\nd = {d}\n{points} points" for kernel, d, points in problems]
    ax.set_xticks(range(len(problems)), names, fontsize=9)
    ax.set(yscale="log", ylabel="seconds to a residual of 1e-8")
    ax.grid(alpha=0.3, axis="y")
    ax.legend(fontsize=9, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def losses(result: ResultFile) -> Figure:
    """Draw the processor seconds of a value with its gradients against the number of points."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    ax = figure.subplots()
    draw_lines(ax, result.rows, "n", "seconds", result.values("method"))
    ax.set(xscale="log", yscale="log", xlabel="points a side", ylabel="processor seconds")
    ax.grid(alpha=0.3)
    ax.legend(fontsize=9)
    return figure


def power(result: ResultFile) -> Figure:
    """Draw the share of rejections against the number of features, one panel an alternative."""
    kinds = [kind for kind in result.values("alternative") if not kind.startswith("none")]
    figure = Figure(figsize=(12, 3.4), layout="constrained")
    axes = figure.subplots(1, len(kinds), sharey=True)
    for ax, kind in zip(axes, kinds, strict=True):
        rows = result.where(alternative=kind, n="100")
        draw_lines(ax, rows, "dimension", "rate", result.values("method"), "standard_error")
        ax.axhline(0.05, color="#999999", linewidth=0.8)
        ax.set(title=kind, xscale="log", xlabel="features", ylim=(0, 1.05))
        ax.set_xticks([1, 2, 10, 50], ["1", "2", "10", "50"])
        ax.minorticks_off()
    axes[0].set_ylabel("share of rejections")
    axes[-1].legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def domain_adaptation(result: ResultFile) -> Figure:
    """Draw how often a classifier is right in another domain, one panel a data set."""
    data = result.values("data")
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    axes = figure.subplots(1, len(data), sharey=True, squeeze=False)[0]
    methods = result.values("method")
    for ax, name in zip(axes, data, strict=True):
        rows = {row["method"]: row for row in result.where(data=name)}
        for place, method in enumerate(methods):
            if method in rows:
                colour = OURS if method.startswith("KernelOT") else "#999999"
                value, error = (float(rows[method][key]) for key in ("accuracy", "standard_error"))
                ax.barh(place, value, xerr=error, color=colour)
        ax.set(title=name, xlabel="share of right classes")
    axes[0].set_yticks(range(len(methods)), methods, fontsize=9)
    axes[0].invert_yaxis()
    return figure


_FIGURES: dict[str, tuple[tuple[str, ...], Callable[..., Figure]]] = {
    "accuracy": (("accuracy",), accuracy),
    "accuracy_cost": (("accuracy",), cost),
    "accuracy_sizes": (("accuracy",), sizes),
    "pairs": (("pairs", "accuracy", "scale"), pairs),
    "pairs_by_points": (("pairs", "accuracy", "scale"), pairs_by_points),
    "times": (("fits", "sinkhorn"), times),
    "scale": (("scale",), scale),
    "takeover": (("takeover",), takeover),
    "losses": (("losses",), losses),
    "solvers": (("solvers",), solvers),
    "two_sample": (("two-sample",), power),
    "domain_adaptation": (("domain-adaptation",), domain_adaptation),
}


def draw_benchmark_figures(results: Path, folder: Path, url: str) -> None:
    """Draw every figure into `folder`, each with a page that says where its numbers are from."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (kinds, draw) in _FIGURES.items():
        found = [newest(results, kind) for kind in kinds]
        draw(*found).savefig(folder / f"{name}.png", dpi=150)
        sources = [
            f"*{result.head['date']}; {result.head['machine']}.* "
            f"`{result.path.name} <{url}/blob/main/benchmarks/results/{result.path.name}>`__\n\n"
            f".. code-block:: bash\n\n   {result.head['command']}\n"
            for result in found
        ]
        (folder / f"{name}.rst").write_text("\n".join(sources))
