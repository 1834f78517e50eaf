"""What the figures of the benchmarks page share: colours, lines with errors, marked axes."""

from __future__ import annotations

from collections.abc import Iterable

from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from _sphinx.results import Row

# Okabe and Ito's colours, each with a marker; ours is always the same green.
OURS = "#009E73"
OTHERS = (
    *(("#0072B2", "s"), ("#E69F00", "D"), ("#555555", "^"), ("#CC79A7", "v")),
    *(("#56B4E9", "P"), ("#D55E00", "X"), ("#F0E442", "*")),
)
_STYLES = {
    "kernel-ot": (OURS, "o"),
    "auto": (OURS, "o"),
    "Gaussian map": OTHERS[0],
    "entropic (best)": OTHERS[1],
    "nearest neighbour": OTHERS[2],
    "plan between the samples": OTHERS[2],
}


def colours_of(methods: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return a colour and a marker for each method; the library's own are green."""
    names = list(methods)
    known = {name: style for name, style in _STYLES.items() if name in names}
    others = (style for style in OTHERS if style not in known.values())
    return {name: known[name] if name in known else next(others) for name in names}


def draw_lines(
    ax: Axes, rows: list[Row], x: str, y: str, methods: Iterable[str], error: str = ""
) -> None:
    for method, (colour, marker) in colours_of(methods).items():
        points = [row for row in rows if row["method"] == method and row[y]]
        points.sort(key=lambda row: float(row[x]))
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


def mark_values(ax: Axes, rows: list[Row], column: str) -> None:
    """Mark the values of a column, and nothing else, on a logarithmic axis."""
    values = sorted({int(row[column]) for row in rows})
    ax.set_xscale("log")
    ax.set_xticks(values, [f"{value}" for value in values])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.grid(alpha=0.3)


def methods_of(rows: list[Row]) -> list[str]:
    """Return the methods of all rows, so that each has one colour in all panels."""
    return list(dict.fromkeys(row["method"] for row in rows))
