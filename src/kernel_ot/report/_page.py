"""One self-contained page of HTML about a fitted model."""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path
from typing import Any

import numpy as np

from kernel_ot import plots
from kernel_ot._files import atomic_path, check_destination
from kernel_ot._version import __version__
from kernel_ot.diagnostics import FittedTransport, diagnose

_STYLE = (
    "body{font-family:sans-serif;max-width:60rem;margin:2rem auto;color:#222}"
    "td{padding:.2rem 1rem .2rem 0;border-bottom:1px solid #ddd}img{max-width:100%}"
)


def write_report(model: FittedTransport, path: str | Path, x: Any = None, y: Any = None) -> Path:
    """Write diagnostics and plots of a fitted `KernelOT` to one HTML file without outside links.

    Parameters
    ----------
    model : KernelOT
        Fitted.
    path : str or Path
    x, y : array-like, optional
        Fresh samples to evaluate on.

    Returns
    -------
    Path

    Raises
    ------
    ImportError
        matplotlib is not installed (pip install 'kernel-ot[plots]').
    ValueError, PermissionError
        `path` is no regular file or cannot be written; found before anything is drawn.
    """
    path = check_destination(path)
    rows = [(n.term.label, n.text) for n in diagnose(model, x, y).numbers()]
    settings = [
        ("kernel", str(model.kernel_)),
        ("reg_potential", f"{model.reg_potential_:.3g}"),
        ("reg_sos", f"{model.reg_sos_:.3g}"),
        ("preconditioner", str(model.preconditioner)),
        ("status", model.solution_.status.message),
    ]
    figures = [
        ("Adaptive filling", _filling_figure(model)),
        ("Selection", _selection_figure(model)),
    ]
    body = "".join(
        f"<h2>{title}</h2><img alt='{title}' src='data:image/png;base64,{image}'>"
        for title, image in [*figures, ("Before and after", _map_figure(model))]
        if image
    )
    page = (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>KernelOT report</title>"
        f"<style>{_STYLE}</style></head><body><h1>KernelOT report</h1>"
        f"<p>kernel-ot {__version__}</p><h2>Diagnostics</h2>{_table(rows)}"
        f"<h2>Settings</h2>{_table(settings)}{body}</body></html>"
    )
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def _table(rows: list[tuple[str, str]]) -> str:
    cells = "".join(
        f"<tr><td>{html.escape(label)}</td><td>{html.escape(value)}</td></tr>"
        for label, value in rows
    )
    return f"<table>{cells}</table>"


def _figure() -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:  # pragma: no cover - the test environment has matplotlib
        raise ImportError(
            "The report needs matplotlib; install it with: pip install 'kernel-ot[plots]'"
        ) from error
    return Figure(figsize=(10, 4), layout="constrained")


def _png(figure: Any) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return base64.b64encode(buffer.getvalue()).decode()


def _filling_figure(model: FittedTransport) -> str:
    if not model.rounds_:
        return ""
    figure = _figure()
    left, right = figure.subplots(1, 2)
    violations = [max(step.violation, 1e-16) for step in model.rounds_]
    left.semilogy(range(1, len(violations) + 1), violations, marker="o")
    left.axhline(model.violation_tol, linestyle="--", color="grey")
    left.set(xlabel="round", ylabel="largest violation / mean cost")
    right.plot(range(1, len(violations) + 1), [s.n_fill for s in model.rounds_], marker="o")
    right.set(xlabel="round", ylabel="filling points")
    return _png(figure)


def _selection_figure(model: FittedTransport) -> str:
    if not any(not candidate.is_baseline for candidate in model.candidates_):
        return ""
    figure = _figure()
    left, right = figure.subplots(1, 2)
    plots.selection(model, left, criterion="semi_dual")
    plots.selection(model, right, criterion="energy")
    return _png(figure)


def _map_figure(model: FittedTransport) -> str:
    samples = model.samples_.with_mass()
    x, y = samples.x[:500], samples.y[:500]
    images = model.potentials_.transport(x)
    figure = _figure()
    before, after = figure.subplots(1, 2, sharex=True, sharey=True)
    if x.shape[1] == 1:
        for axes, points, label in ((before, x, "x"), (after, images, "T(x)")):
            axes.hist([points[:, 0], y[:, 0]], bins=30, density=True, label=[label, "y"])
            axes.legend()
        return _png(figure)
    centre = y.mean(axis=0)
    axes_of_y = np.linalg.svd(y - centre, full_matrices=False)[2][:2].T
    for axes, points, label in ((before, x, "x"), (after, images, "T(x)")):
        axes.scatter(*((y - centre) @ axes_of_y).T, s=6, alpha=0.5, label="y")
        axes.scatter(*((points - centre) @ axes_of_y).T, s=6, alpha=0.5, label=label)
        axes.set(xlabel="component 1 of y", ylabel="component 2 of y")
        axes.legend()
    return _png(figure)
