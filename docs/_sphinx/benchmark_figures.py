"""Figures of the benchmarks page, drawn from the dated result files."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's colours; ours is always the same green.
_OURS = "#009E73"
_OTHERS = ("#0072B2", "#E69F00", "#555555", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
_MARKERS = "osD^vPX*"


@dataclass(frozen=True)
class ResultFile:
    """A table of measurements and what its head says of where it came from."""

    path: Path
    head: dict[str, str]
    rows: list[dict[str, str]]

    @classmethod
    def read(cls, path: Path) -> ResultFile:
        """Read `# key: value` lines and the table below them."""
        lines = path.read_text(encoding="utf-8").splitlines()
        comments = [line.lstrip("# ") for line in lines if line.startswith("#")]
        pairs = (comment.partition(": ") for comment in comments)
        head = {key: value for key, found, value in pairs if found}
        missing = {"date", "machine", "versions", "command"} - set(head)
        if missing:
            raise ValueError(f"{path} says nothing about its {', '.join(sorted(missing))}.")
        table = [line for line in lines if not line.startswith("#")]
        return cls(path, head, list(csv.DictReader(table)))

    def where(self, **wanted: str) -> list[dict[str, str]]:
        """Return the rows that have those values."""
        return [row for row in self.rows if all(row[key] == v for key, v in wanted.items())]

    def values(self, column: str) -> list[str]:
        """Return the column's values, each once, in the order of the file."""
        return list(dict.fromkeys(row[column] for row in self.rows))


def newest(results: Path, kind: str) -> ResultFile:
    """Return the newest file of a kind."""
    files = sorted(results.glob(f"????-??-??-{kind}.csv"))
    if not files:
        raise FileNotFoundError(f"{results} has no file DATE-{kind}.csv.")
    return ResultFile.read(files[-1])


def _colours(methods: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return a colour and a marker for each method; the library's own are green."""
    others = iter(zip(_OTHERS, _MARKERS[1:], strict=False))
    ours = {"kernel-ot", "auto"}
    return {name: (_OURS, _MARKERS[0]) if name in ours else next(others) for name in methods}


def _lines(
    ax: Axes, rows: list[dict[str, str]], x: str, y: str, methods: Iterable[str], error: str = ""
) -> None:
    for method, (colour, marker) in _colours(methods).items():
        points = [row for row in rows if row["method"] == method and row[y]]
        if points:
            ax.errorbar(
                [float(row[x]) for row in points],
                [float(row[y]) for row in points],
                [float(row[error] or 0) for row in points] if error else None,
                color=colour,
                marker=marker,
                markersize=5,
                linewidth=1.4,
                capsize=2,
                label=method,
            )


def accuracy(result: ResultFile) -> Figure:
    """Draw the error of the map against the number of features, one panel a family."""
    families = ["affine", "logcosh", "softmax", "mixture"]
    figure = Figure(figsize=(10, 6.4), layout="constrained")
    axes = figure.subplots(2, 2, sharex=True, sharey=True)
    for ax, family in zip(axes.flat, families, strict=True):
        rows = result.where(family=family, quantity="map", n="300")
        methods = dict.fromkeys(row["method"] for row in rows)
        _lines(ax, rows, "dimension", "mean", methods, "standard_error")
        ax.set(title=f"{family} maps", xscale="log", yscale="log")
        ax.set_xticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
        ax.minorticks_off()
        ax.grid(alpha=0.3)
    figure.supxlabel("number of features")
    figure.supylabel("error of the map (1 = as bad as a constant)")
    axes[0, 0].legend(fontsize=9)
    return figure


def cost(result: ResultFile) -> Figure:
    """Draw the relative error of the cost against the number of features."""
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    axes = figure.subplots(1, 3, sharex=True, sharey=True)
    for ax, family in zip(axes, ["affine", "logcosh", "softmax"], strict=True):
        rows = result.where(family=family, quantity="cost", n="300")
        methods = dict.fromkeys(row["method"] for row in rows)
        _lines(ax, rows, "dimension", "mean", methods, "standard_error")
        ax.set(title=f"{family} maps", xscale="log", yscale="log", xlabel="number of features")
        ax.set_xticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
        ax.minorticks_off()
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("relative error of the cost")
    axes[0].legend(fontsize=9)
    return figure


def sizes(result: ResultFile) -> Figure:
    """Draw the error of the map against the number of points."""
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    axes = figure.subplots(1, 3, sharex=True, sharey=True)
    for ax, d in zip(axes, ["2", "5", "10"], strict=True):
        rows = result.where(family="softmax", quantity="map", dimension=d)
        rows = sorted(rows, key=lambda row: int(row["n"]))
        methods = dict.fromkeys(row["method"] for row in rows)
        _lines(ax, rows, "n", "mean", methods, "standard_error")
        ax.set(title=f"softmax maps, {d} features", xscale="log", yscale="log", xlabel="points")
        ax.set_xticks([100, 300, 1000], ["100", "300", "1000"])
        ax.minorticks_off()
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("error of the map")
    axes[0].legend(fontsize=9)
    return figure


def solvers(result: ResultFile) -> Figure:
    """Draw the seconds of each method on each problem; who was cut off stands at the edge."""
    methods = result.values("method")
    problems = list(
        dict.fromkeys((r["kernel"], r["dimension"], r["filling_points"]) for r in result.rows)
    )
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    ax = figure.subplots()
    for method, (colour, marker) in _colours(methods).items():
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
    _lines(ax, result.rows, "n", "seconds", result.values("method"))
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
        _lines(ax, rows, "dimension", "rate", result.values("method"), "standard_error")
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
                colour = _OURS if method.startswith("KernelOT") else "#999999"
                value, error = (float(rows[method][key]) for key in ("accuracy", "standard_error"))
                ax.barh(place, value, xerr=error, color=colour)
        ax.set(title=name, xlabel="share of right classes")
    axes[0].set_yticks(range(len(methods)), methods, fontsize=9)
    axes[0].invert_yaxis()
    return figure


_FIGURES: dict[str, tuple[str, Callable[[ResultFile], Figure]]] = {
    "accuracy": ("accuracy", accuracy),
    "accuracy_cost": ("accuracy", cost),
    "accuracy_sizes": ("accuracy", sizes),
    "losses": ("losses", losses),
    "solvers": ("solvers", solvers),
    "two_sample": ("two-sample", power),
    "domain_adaptation": ("domain-adaptation", domain_adaptation),
}


def draw_benchmark_figures(results: Path, folder: Path, url: str) -> None:
    """Draw every figure into `folder`, each with a page that says where its numbers are from."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (kind, draw) in _FIGURES.items():
        result = newest(results, kind)
        draw(result).savefig(folder / f"{name}.png", dpi=150)
        file = f"benchmarks/results/{result.path.name}"
        (folder / f"{name}.rst").write_text(
            f"*{result.head['date']}; {result.head['machine']}.* "
            f"`{result.path.name} <{url}/blob/main/{file}>`__\n\n"
            f".. code-block:: bash\n\n   {result.head['command']}\n"
        )
