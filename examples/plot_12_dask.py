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
# ``SubprocessCluster`` starts a scheduler and two workers by their commands, as one would by hand
# on several machines, and stands for ``Client("tcp://scheduler:8786")``.

import joblib
from dask.distributed import Client, SubprocessCluster

adata = screen()
workers = {"n_workers": 2, "worker_kwargs": {"nthreads": 1}}
with (
    SubprocessCluster(**workers) as cluster,
    Client(cluster) as client,
    joblib.parallel_config(backend="dask"),
):
    client.wait_for_workers(2)
    pids = client.run(os.getpid)
    print(f"{len(pids)} workers, in other processes: {os.getpid() not in pids.values()}")
    maps = fit_conditions(adata, condition="drug", control="dmso", n_jobs=-1)
print(maps.table()[["target", "wasserstein", "converged"]].to_string(index=False))

# %%
# The maps are those that one process would have fitted.

alone = fit_conditions(adata, condition="drug", control="dmso", conditions=["a"]).model("a")
points = adata.obsm["X_pca"][:100]
difference = np.abs(alone.transform(points) - maps.model("a").transform(points)).max()
print(f"largest difference to a fit without the cluster: {difference:.1e}")

figure, axes = plt.subplots(1, 4, figsize=(12, 3.2), sharex=True, sharey=True, layout="constrained")
for ax, drug in zip(axes, maps.conditions, strict=True):
    images = maps.model(drug).transform(points)
    ax.quiver(*points.T, *(images - points).T, angles="xy", scale_units="xy", scale=1, width=0.003)
    ax.plot(*images.T, ".", color="#009E73", markersize=3)
    ax.set(title=f"drug {drug}", aspect="equal")
plt.show()
