"""Figures of how far maps and costs are from the truth, by features and by points."""

from __future__ import annotations

from statistics import geometric_mean

from matplotlib.figure import Figure

from _sphinx.figure_style import colours_of, draw_lines, mark_values, methods_of
from _sphinx.results import SMOOTH, ResultFile, Row

# Points of a training that draws anew at each step, in a figure that was published.
_MANY = 10**7
_FAMILIES = {
    "affine": "affine maps",
    "logcosh": "logcosh maps",
    "softmax": "softmax maps",
    "mixture": "mixtures (no smooth map)",
    "logcosh_steep": "steep logcosh maps",
    "softmax_steep": "steep softmax maps",
}


def accuracy(result: ResultFile) -> Figure:
    """Draw the error of the map against the number of features, one panel a family."""
    found = [row for row in result.where(quantity="map") if row["n"] == "300"]
    families = [name for name in _FAMILIES if any(row["family"] == name for row in found)]
    figure = Figure(figsize=(10, 3.3 * -(-len(families) // 2)), layout="constrained")
    axes = figure.subplots(-(-len(families) // 2), 2, sharex=True, sharey=True, squeeze=False)
    for ax, family in zip(axes.flat, families, strict=False):
        rows = [row for row in found if row["family"] == family]
        draw_lines(ax, rows, "dimension", "mean", methods_of(found), "standard_error")
        mark_values(ax, found, "dimension")
        ax.set(title=_FAMILIES[family], yscale="log")
    for ax in axes.flat[len(families) :]:
        ax.set_visible(False)
    figure.supxlabel("number of features")
    figure.supylabel("error of the map (1 = as bad as a constant)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def cost(result: ResultFile) -> Figure:
    """Draw the relative error of the cost against the number of features."""
    found = [row for row in result.where(quantity="cost") if row["n"] == "300"]
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    axes = figure.subplots(1, len(SMOOTH), sharex=True, sharey=True)
    for ax, family in zip(axes, SMOOTH, strict=True):
        rows = [row for row in found if row["family"] == family]
        draw_lines(ax, rows, "dimension", "mean", methods_of(found), "standard_error")
        mark_values(ax, found, "dimension")
        ax.set(title=_FAMILIES[family], yscale="log", xlabel="number of features")
    axes[0].set_ylabel("relative error of the cost")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def sizes(result: ResultFile) -> Figure:
    """Draw geometric means of the error over families against points, a panel a dimension."""
    groups = {
        "smooth": SMOOTH,
        "steep, mixtures": tuple(name for name in _FAMILIES if name not in SMOOTH),
    }
    methods = ("kernel-ot", "Gaussian map", "entropic (best)", "nearest neighbour")
    found = [row for row in result.where(quantity="map") if row["method"] in methods]
    dimensions = sorted({int(row["dimension"]) for row in found if int(row["dimension"]) > 1})
    figure = Figure(figsize=(11, 6), layout="constrained")
    axes = figure.subplots(len(groups), len(dimensions), sharex=True, sharey=True, squeeze=False)
    for line, (name, families) in zip(axes, groups.items(), strict=True):
        for ax, d in zip(line, dimensions, strict=True):
            rows = _means_over_families(found, families, d)
            draw_lines(ax, rows, "n", "mean", methods)
            mark_values(ax, found, "n")
            ax.set(title=f"{d} features", yscale="log")
        line[0].set_ylabel(f"{name}: error of the map")
    figure.supxlabel("points a side")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure


def _means_over_families(rows: list[Row], families: tuple[str, ...], dimension: int) -> list[Row]:
    """Return one row a method and size where every family was measured, with their mean."""
    errors: dict[tuple[str, str], dict[str, float]] = {}
    for row in rows:
        if row["family"] in families and int(row["dimension"]) == dimension:
            found = errors.setdefault((row["method"], row["n"]), {})
            found[row["family"]] = float(row["mean"])
    return [
        {"method": method, "n": n, "mean": str(geometric_mean(found.values()))}
        for (method, n), found in errors.items()
        if len(found) == len(families)
    ]


PairErrors = dict[tuple[str, int], dict[int, float]]
"""By method and number of points: the error of the map in percent at each dimension."""


def _pair_errors(published: ResultFile, accuracy: ResultFile, scale: ResultFile) -> PairErrors:
    """Return all errors on the published pairs; those of later files count."""
    errors: PairErrors = {}
    for row in published.rows:
        line = errors.setdefault((row["method"], int(row["n"])), {})
        line[int(row["dimension"])] = float(row["uvp_percent"])
    for row in accuracy.where(quantity="map"):
        if row["family"] == "w2":
            line = errors.setdefault((row["method"], int(row["n"])), {})
            line[int(row["dimension"])] = 100 * float(row["mean"])
    for row in scale.where(family="w2", method="kernel-ot"):
        line = errors.setdefault(("kernel-ot", int(row["n"])), {})
        line[int(row["dimension"])] = 100 * float(row["uvp"])
    return errors


def pairs(published: ResultFile, accuracy: ResultFile, scale: ResultFile) -> Figure:
    """Draw the error of the map on published pairs, beside neural solvers with far more points."""
    errors = _pair_errors(published, accuracy, scale)
    figure = Figure(figsize=(8, 4.6), layout="constrained")
    ax = figure.subplots()
    colours = colours_of(dict.fromkeys(method for method, _ in errors))
    fewest = min(n for _, n in errors)
    for (method, n), line in errors.items():
        colour, marker = colours[method]
        is_published = n >= _MANY
        style = ":" if is_published else "-" if n == fewest else "--"
        label = f"{method}, " + (f"{n / 1e6:.0f} million (published)" if is_published else f"{n:,}")
        points = sorted(line.items())
        ax.plot(*zip(*points, strict=True), style, marker=marker, color=colour, label=label)
    mark_values(ax, published.rows, "dimension")
    ax.set(yscale="log", xlabel="number of features", ylabel="error of the map in percent")
    ax.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def pairs_by_points(published: ResultFile, accuracy: ResultFile, scale: ResultFile) -> Figure:
    """Draw the error on published pairs against the points that a method has seen."""
    errors = _pair_errors(published, accuracy, scale)
    colours = colours_of(dict.fromkeys(method for method, _ in errors))
    dimensions = sorted({d for line in errors.values() for d in line})
    figure = Figure(figsize=(11, 4), layout="constrained")
    axes = figure.subplots(1, len(dimensions), sharex=True, sharey=True, squeeze=False)[0]
    for ax, d in zip(axes, dimensions, strict=True):
        for method, (colour, marker) in colours.items():
            points = sorted(
                (n, line[d]) for (other, n), line in errors.items() if other == method and d in line
            )
            if points:
                ax.plot(*zip(*points, strict=True), marker=marker, color=colour)
                if points[-1][0] >= _MANY:
                    ax.axhline(points[-1][1], color=colour, linewidth=0.8, linestyle=":")
        ax.set(title=f"{d} features", xscale="log", yscale="log")
        ax.grid(alpha=0.3)
    for method, (colour, marker) in colours.items():
        axes[0].plot([], [], color=colour, marker=marker, label=method)
    figure.supxlabel("points that were drawn, a side")
    figure.supylabel("error of the map in percent")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=6)
    return figure
