"""What the command `screen` does: a .h5ad file in, a folder out."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import TypedDict, Unpack

from kernel_ot.cells import fit_conditions, write_screen
from kernel_ot.cli._reporting import Result
from kernel_ot.io import rows_where


class ScreenSettings(TypedDict):
    """What `fit_conditions` is told, see there."""

    condition: str
    control: str | None
    use_rep: str
    batch: str | None
    held_out: float
    n_jobs: int | None
    random_state: int


def screen(
    cells: Path,
    out: Path,
    *,
    where: str | None,
    progress: bool | None,
    **settings: Unpack[ScreenSettings],
) -> Result:
    """Fit all conditions of a file and write maps, predictions, tables and a report."""
    try:
        import anndata
    except ImportError as error:
        raise ImportError(
            ".h5ad files need anndata: pip install 'kernel-ot[single-cell]'"
        ) from error
    if find_spec("matplotlib") is None:  # the report's, and found before the fits
        raise ImportError("A screen's report needs matplotlib: pip install 'kernel-ot[plots]'")
    if not cells.is_file():
        raise FileNotFoundError(f"{cells} does not exist or is not a file; check its name.")
    if cells.resolve().parent == out.resolve() and cells.name == "predictions.h5ad":
        raise ValueError(f"{cells} would be written over; give another --out.")
    began = perf_counter()
    try:
        adata = anndata.read_h5ad(cells)
    except Exception as error:  # whatever HDF5 and what lies in it make of another file
        reason = " ".join(str(error).split())
        raise ValueError(f"{cells} cannot be read as a .h5ad file: {reason}.") from error
    if where is not None:
        adata = adata[rows_where(adata.obs, where, f"obs of {cells}")].copy()
    maps = fit_conditions(adata, folder=out / "maps", progress=progress, **settings)
    files = write_screen(maps, adata, out)
    return {
        "out": str(out),
        "conditions": ", ".join(maps.conditions),
        "failed": ", ".join(target for _, target in maps.failures) or None,
        "files": ", ".join(file.name for file in files),
        "seconds": perf_counter() - began,
    }
