"""One page of HTML about a screen, and the folder that holds all of it."""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path
from typing import TYPE_CHECKING, cast

from kernel_ot._files import atomic_path, check_destination
from kernel_ot._version import __version__
from kernel_ot.cells._jobs import Pair

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame

    from kernel_ot.cells._maps import ConditionMaps

_STYLE = (
    "body{font-family:sans-serif;max-width:62rem;margin:2rem auto;color:#222;padding:0 1rem}"
    "table{border-collapse:collapse;margin:.5rem 0}td,th{padding:.2rem .8rem .2rem 0;"
    "text-align:left;border-bottom:1px solid #ddd}img{max-width:100%}.note{color:#555}"
)
_METRICS = (
    "Held-out cells. Energy distance, maximum mean discrepancy and the distance of means are "
    "smaller where the prediction is better; squared correlations of means and correlations of "
    "changes are larger. “real cells” compares the condition's training cells with its held-out "
    "ones: no prediction is expected to do better."
)
_CHANGES = (
    "Mean change of each feature and its interval. Cells are taken as independent; those of one "
    "donor or well are not, so with few replicates the p-values are too small."
)


def write_screen(maps: ConditionMaps, adata: AnnData, folder: str | Path) -> list[Path]:
    """Write tables, predictions and one report of a screen into a folder.

    Parameters
    ----------
    maps : ConditionMaps
    adata : AnnData
        What they were fitted to.
    folder : str or Path
        Made if missing.

    Returns
    -------
    list of Path
        `report.html`, `maps.csv`, `evaluation.csv` where cells were held out, `similarity.csv`,
        `changes.csv`, and `predictions.h5ad`: the source's cells with their images in `obsm`.

    Raises
    ------
    ValueError, PermissionError
        A file that cannot be written; found before anything is.
    ImportError
        matplotlib is not installed.

    Examples
    --------
    >>> import tempfile, anndata, numpy as np, pandas as pd
    >>> from kernel_ot.cells import fit_conditions
    >>> drug = np.repeat(["dmso", "a"], 40)
    >>> cells = anndata.AnnData(obs=pd.DataFrame({"drug": drug}, index=map(str, range(80))))
    >>> cells.obsm["X_pca"] = np.random.default_rng(0).normal(size=(80, 2))
    >>> maps = fit_conditions(cells, condition="drug", control="dmso")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sorted(file.name for file in write_screen(maps, cells, folder))[:2]
    ['changes.csv', 'evaluation.csv']
    """
    import pandas

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tables: dict[str, DataFrame] = {"maps": maps.table(), "similarity": maps.similarity()}
    if maps.held_out:
        tables["evaluation"] = maps.evaluate(adata)
    changes = {pair: maps.ranked_changes(pair) for pair in maps.pairs}
    tables["changes"] = pandas.concat(
        [table.assign(condition=maps.label(pair)) for pair, table in changes.items()]
    )
    files = [folder / f"{name}.csv" for name in tables]
    files += [folder / "predictions.h5ad", folder / "report.html"]
    for file in files:
        check_destination(file)
    for name, file in zip(tables, files, strict=False):
        with atomic_path(file) as temporary:
            tables[name].to_csv(temporary, index=name == "similarity")
    sources = adata.obs[maps.condition].astype(str).isin({source for source, _ in maps.pairs})
    predictions = adata[sources.to_numpy()].to_memory().copy()
    maps.write_to(predictions)
    with atomic_path(files[-2]) as temporary:
        predictions.write_h5ad(temporary)
    with atomic_path(files[-1]) as temporary:
        temporary.write_text(_page(maps, tables, changes), encoding="utf-8")
    return files


def _page(maps: ConditionMaps, tables: dict[str, DataFrame], changes: dict[Pair, DataFrame]) -> str:
    parts = [_section("Maps", _table(tables["maps"]))]
    if "evaluation" in tables:
        parts.append(_section("How well held-out cells are predicted", _note(_METRICS),
                              _table(tables["evaluation"])))  # fmt: skip
    picture = _image(maps.plot_similarity(), "distances between the maps of the conditions")
    parts.append(_section("Which conditions act alike", picture))
    for pair, table in changes.items():
        label = f"{pair[0]} to {pair[1]}"
        figure = _image(maps.plot_prediction(pair), f"cells and predictions, {label}")
        parts.append(_section(label, figure, _note(_CHANGES), _table(table.head(15))))
    title = f"Screen of {html.escape(maps.condition)}"
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>"
        f"<p>{html.escape(repr(maps))}, kernel-ot {__version__}</p>{''.join(parts)}</body></html>"
    )


def _section(title: str, *parts: str) -> str:
    return f"<h2>{html.escape(title)}</h2>{''.join(parts)}"


def _note(text: str) -> str:
    return f"<p class='note'>{html.escape(text)}</p>"


def _table(frame: DataFrame) -> str:
    shown: str = frame.to_html(
        index=False, border=0, float_format=lambda value: f"{value:.3g}", na_rep="", justify="left"
    )
    return shown


def _image(ax: Axes, alternative: str) -> str:
    buffer = io.BytesIO()
    cast("Figure", ax.figure).savefig(buffer, format="png", dpi=110)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f"<img alt='{html.escape(alternative, quote=True)}' src='data:image/png;base64,{data}'>"
