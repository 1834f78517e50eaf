"""
On a cluster, with Dask
=======================

The maps of a screen are independent of each other: joblib hands them to whatever runs jobs, here
two worker processes of a local Dask cluster. On a real cluster only the address changes.
"""

# %%
# A control and four drugs.

import os

import anndata
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from kernel_ot.cells import fit_conditions


def screen(n=150):
    """Return cells under four drugs and a control."""
    rng = np.random.default_rng(0)
    names = ["dmso", "a", "b", "c", "d"]
    shifts = np.array([[0, 0], [2, 0], [0, 2], [-2, 1], [0.5, 0.5]])
    cells = np.concatenate(
        [rng.normal(size=(n, 2)) * (1 + 0.2 * i) + s for i, s in enumerate(shifts)]
    )
    obs = pd.DataFrame({"drug": np.repeat(names, n)}, index=map(str, range(len(cells))))
    adata = anndata.AnnData(obs=obs)
    adata.obsm["X_pca"] = cells
    return adata


# %%
# ``LocalCluster`` starts two processes and stands for ``Client("tcp://scheduler:8786")``. Each of
# them imports this file, so what starts the cluster is under ``if __name__ == "__main__"``.
#
# The maps are those that one process would have fitted: the last line that is printed compares one
# of them.

import joblib
from dask.distributed import Client, LocalCluster

if __name__ == "__main__":
    adata = screen()
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
        joblib.parallel_config(backend="dask"),
    ):
        pids = client.run(os.getpid)
        print(f"{len(pids)} workers, in other processes: {os.getpid() not in pids.values()}")
        maps = fit_conditions(adata, condition="drug", control="dmso", n_jobs=-1)
    print(maps.table()[["target", "wasserstein", "converged"]].to_string(index=False))

    alone = fit_conditions(adata, condition="drug", control="dmso", conditions=["a"]).model("a")
    points = adata.obsm["X_pca"][:100]
    difference = alone.transform(points) - maps.model("a").transform(points)
    print(f"largest difference to a fit without the cluster: {np.abs(difference).max():.1e}")

    figure, axes = plt.subplots(
        1, 4, figsize=(12, 3.2), sharex=True, sharey=True, layout="constrained"
    )
    arrows = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.003}
    for ax, drug in zip(axes, maps.conditions, strict=True):
        images = maps.model(drug).transform(points)
        ax.quiver(*points.T, *(images - points).T, **arrows)
        ax.plot(*images.T, ".", color="#009E73", markersize=3)
        ax.set(title=f"drug {drug}", aspect="equal")
    plt.show()
