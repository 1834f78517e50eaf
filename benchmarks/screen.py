"""A screen of 5 conditions x 2000 cells x 50 components, in three lines: processor seconds.

``python -m benchmarks.screen [--cells 2000]``
"""

from __future__ import annotations

import argparse
import time

import anndata
import numpy as np
import pandas as pd

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


def main() -> None:
    """Fit, predict, evaluate; print what each took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=2000)
    n_cells = parser.parse_args().cells
    cells = synthetic(n_cells)
    began = time.process_time()
    maps = fit_conditions(cells, condition="drug", control="control")
    predicted = maps.predict(cells[cells.obs["drug"] == "control"], "drug 0")
    fitted = time.process_time() - began
    table = maps.evaluate()
    print(maps.table()[["target", "n_source", "n_target", "converged", "seconds", "message"]])
    means = table.groupby("method")[["energy_distance", "l2_means", "correlation_changes"]].mean()
    print(means.round(3))
    print(f"{predicted.n_obs} cells predicted; fit and predict: {fitted:.1f} processor seconds")


if __name__ == "__main__":
    main()
