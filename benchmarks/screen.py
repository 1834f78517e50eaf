"""A screen in three lines: processor seconds, and metrics of held-out cells.

``python -m benchmarks.screen``: 5 conditions x 2000 cells x 50 components. ``--data pbmc``: cell
types of the blood cells that ship with scanpy. ``--data 4i --folder FOLDER``: cells measured by 4i
under three treatments, a .mat file each.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import scanpy
from scipy.io import loadmat

from kernel_ot.cells import fit_conditions

CONDITIONS, COMPONENTS = 5, 50


def synthetic(n_cells: int, seed: int = 0) -> anndata.AnnData:
    """Return a control and five conditions: cell types that a drug moves each in its own way."""
    rng = np.random.default_rng(seed)
    spread = np.linspace(5.0, 0.5, COMPONENTS)
    types = rng.normal(size=(4, COMPONENTS)) * 2 * spread
    groups = []
    for condition in range(CONDITIONS + 1):
        kind = rng.integers(4, size=n_cells)
        points = types[kind] + rng.normal(size=(n_cells, COMPONENTS)) * spread
        effect = np.random.default_rng(condition).normal(size=(4, COMPONENTS)) * spread
        if condition:
            points += 0.5 * effect[kind] * (1 + 0.1 * np.tanh(points[:, :1]))
        groups.append(points)
    names = np.repeat(["control", *(f"drug {k}" for k in range(CONDITIONS))], n_cells)
    obs = pd.DataFrame({"drug": names}, index=[f"cell{i}" for i in range(len(names))])
    cells = anndata.AnnData(obs=obs)
    cells.obsm["X_pca"] = np.concatenate(groups)
    return cells


def four_i(folder: Path) -> anndata.AnnData:
    """Return the cells of every .mat file in a folder, X of each a treatment."""
    tables = {file.stem: loadmat(file)["X"] for file in sorted(folder.glob("*.mat"))}
    drug = np.repeat(list(tables), [len(table) for table in tables.values()])
    obs = pd.DataFrame({"drug": drug}, index=[f"cell{i}" for i in range(len(drug))])
    return anndata.AnnData(np.concatenate(list(tables.values())), obs=obs)


def main() -> None:
    """Fit, predict, evaluate; print what each took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", choices=("synthetic", "pbmc", "4i"), default="synthetic")
    parser.add_argument("--folder", type=Path, default=Path("../shared/data/4i"))
    asked = parser.parse_args()
    arguments: dict[str, Any]
    if asked.data == "synthetic":
        cells, arguments = synthetic(2000), {"condition": "drug", "control": "control"}
    elif asked.data == "pbmc":
        cells = scanpy.datasets.pbmc68k_reduced()
        arguments = {"condition": "bulk_labels", "control": "Dendritic"}
    else:
        cells = four_i(asked.folder)
        first, *others = cells.obs["drug"].unique()
        arguments = {"condition": "drug", "pairs": [(first, other) for other in others]}
        arguments["use_rep"] = "X"
    began = time.process_time()
    maps: Any = fit_conditions(cells, **arguments)
    source = cells.obs[maps.condition] == maps.pairs[0][0]
    predicted = maps.predict(cells[source], maps.pairs[0])
    fitted = time.process_time() - began
    table = maps.evaluate(cells)
    print(maps.table()[["target", "n_source", "n_target", "converged", "seconds", "message"]])
    means = table.groupby("method")[["energy_distance", "l2_means", "correlation_changes"]].mean()
    print(means.round(3))
    print(f"{predicted.n_obs} cells predicted; fit and predict: {fitted:.1f} processor seconds")


if __name__ == "__main__":
    main()
