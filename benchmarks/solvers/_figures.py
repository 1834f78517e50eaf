"""The plots as the paper draws them: time against l by method, and residual against time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, isfinite
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.solvers._records import History, Key, Row
from benchmarks.solvers._sections import COMPARISON
from benchmarks.solvers._summary import best_objectives, grouped, summarise, units

# Okabe and Ito's colours, which people with any colour vision can tell apart, and markers.
_COLOURS = (
    *("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000"),
    *("#882255", "#999933", "#332288", "#117733"),
)
_MARKERS = "osD^v<>PXp*"
_PANEL = (4.2, 3.8)
_MOST_PANELS = 3
_RESIDUAL_DIMENSION = 5


def draw(rows: Sequence[Row], histories: Mapping[Key, History], folder: Path) -> list[Path]:
    """Draw all figures that the rows allow and return their files."""
    rows = [row for row in rows if row.section == COMPARISON]
    names = list(dict.fromkeys(row.contender for row in rows))
    files = []
    for family, group in grouped(rows, lambda row: row.family).items():
        figures = {
            f"time_{family}.png": _times(group, names),
            f"residual_{family}.png": _residuals(group, histories, names),
        }
        for file, figure in figures.items():
            figure.savefig(folder / file, dpi=150)
            files.append(folder / file)
    return files


def _style(name: str, names: Sequence[str]) -> dict[str, Any]:
    index = names.index(name)
    return {
        "color": _COLOURS[index % len(_COLOURS)],
        "marker": _MARKERS[index % len(_MARKERS)],
        "label": name,
        "markersize": 5,
        "linewidth": 1.5,
    }


def _panels(count: int) -> tuple[Figure, list[Any]]:
    figure = Figure(figsize=(_PANEL[0] * count, _PANEL[1] + 0.6), layout="constrained")
    panels = figure.subplots(1, count, squeeze=False, sharey=True)[0]
    return figure, list(panels)


def _legend(figure: Figure, panels: Sequence[Any]) -> None:
    entries: dict[str, Any] = {}
    for panel in panels:
        handles, labels = panel.get_legend_handles_labels()
        entries.update(zip(labels, handles, strict=True))
    if entries:
        handles, labels = list(entries.values()), list(entries)
        columns = min(2 * len(panels), len(labels))
        figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)


def _times(rows: Sequence[Row], names: Sequence[str]) -> Figure:
    """One panel a dimension; hollow markers where not every problem was solved."""
    best, unit = best_objectives(rows), units(rows)
    dimensions = sorted({row.d for row in rows})
    figure, panels = _panels(len(dimensions))
    for panel, d in zip(panels, dimensions, strict=True):
        here = [row for row in rows if row.d == d]
        for name, group in grouped(here, lambda row: row.contender).items():
            sizes = sorted(grouped(group, lambda row: row.l).items())
            cells = [(size, summarise(own, best, unit[size])) for size, own in sizes]
            drawn = [(size, cell) for size, cell in cells if isfinite(cell.seconds)]
            if not drawn:
                continue
            style = _style(name, names)
            panel.plot([s for s, _ in drawn], [c.seconds for _, c in drawn], **style)
            wrong = [(s, c.seconds) for s, c in drawn if c.solved < c.problems]
            hollow = {"markerfacecolor": "white", "linestyle": "none", "label": None}
            panel.plot([s for s, _ in wrong], [t for _, t in wrong], **{**style, **hollow})
        ticks = sorted({row.l for row in here})
        panel.plot(
            ticks, [unit[s] for s in ticks], "--", color="#999999", linewidth=1, label="one eigh"
        )
        panel.set(xscale="log", yscale="log", title=f"d = {d}", xlabel="filling points")
        panel.set_xticks(ticks, [str(s) for s in ticks])
        panel.minorticks_off()
        panel.grid(True, alpha=0.3)
    panels[0].set_ylabel("time (s); hollow: not solved")
    _legend(figure, panels)
    return figure


def _residuals(
    rows: Sequence[Row], histories: Mapping[Key, History], names: Sequence[str]
) -> Figure:
    """One panel a size; the best residual so far, since that point is what a solver returns."""
    dimensions = sorted({row.d for row in rows})
    d = _RESIDUAL_DIMENSION if _RESIDUAL_DIMENSION in dimensions else dimensions[0]
    first = [r for r in rows if r.d == d and r.repetition == 0]
    seed = min(row.seed for row in first)
    sizes = sorted({row.l for row in first if row.seed == seed})[-_MOST_PANELS:]
    figure, panels = _panels(len(sizes))
    for panel, size in zip(panels, sizes, strict=True):
        for row in first:
            if row.l != size or row.seed != seed:
                continue
            style = _style(row.contender, names)
            history = _best_so_far(histories.get(row.key, []))
            if history:
                # The authors' code measures another, unscaled residual.
                line = ":" if row.contender.startswith("OTSSN") else "-"
                points = {"linestyle": line, "markersize": 3}
                panel.plot([t for t, _ in history], [r for _, r in history], **{**style, **points})
            elif row.residual > 0:
                panel.plot([row.seconds], [row.residual], **{**style, "linestyle": "none"})
        panel.set(xscale="log", yscale="log", title=f"l = {size}, d = {d}", xlabel="time (s)")
        panel.grid(True, alpha=0.3)
    panels[0].set_ylabel("best relative KKT residual (OTSSN: its own)")
    _legend(figure, panels)
    return figure


def _best_so_far(history: History) -> History:
    """Return the points at which the residual was lowest until then, and the last one."""
    best: History = []
    for seconds, residual in history:
        if isfinite(residual) and 0 < residual < (best[-1][1] if best else inf):
            best.append((seconds, residual))
    return [*best, (history[-1][0], best[-1][1])] if best else []
