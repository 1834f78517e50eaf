"""
A screen of conditions
======================

One control, many drugs, one AnnData object: a map for every drug in one call, a table that says
how good each is, which markers move, and which drugs do the same.
"""

# %%
# A drawn screen: six drugs on cells of two types with ten components. Drugs ``a1`` and ``a2`` act
# alike and only on the first type, ``b1`` and ``b2`` on both, ``c`` kills spread, ``none`` does
# nothing.

import anndata
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from kernel_ot.cells import fit_conditions

rng = np.random.default_rng(0)
names = ["dmso", "a1", "a2", "b1", "b2", "c", "none"]


def cells_under(drug, n=260):
    """Return n cells with ten components after a drug."""
    is_first = rng.random(n) < 0.6
    cells = rng.normal(size=(n, 10)) * np.linspace(1.2, 0.5, 10)
    cells[:, 0] += np.where(is_first, -2.5, 2.5)
    strength = {"a1": 3.0, "a2": 2.5}.get(drug, 0)
    cells[is_first, 1] += strength
    cells[:, 2] -= {"b1": 2.5, "b2": 3.0}.get(drug, 0)
    if drug == "c":
        cells[:, 3] *= 0.2
    return cells


points = np.concatenate([cells_under(name) for name in names])
obs = pd.DataFrame({"drug": np.repeat(names, 260)}, index=[f"cell {i}" for i in range(len(points))])
adata = anndata.AnnData(obs=obs)
adata.obsm["X_pca"] = points

# %%
# One call. With ``folder=`` finished maps are kept on disk and not fitted again; with ``n_jobs=``
# they run in parallel, with a Dask backend on a cluster.

maps = fit_conditions(adata, condition="drug", control="dmso")
print(maps.table()[["target", "wasserstein", "converged"]].to_string(index=False))

# %%
# How good are the maps?
# ----------------------
#
# A fifth of the cells was kept out. Each map is judged on them, beside simpler predictions and
# beside the floor: how far apart *real* treated cells
# lie from each other.

scores = maps.evaluate().pivot(index="condition", columns="method", values="energy_distance")
print(scores.to_string(float_format="{:.3f}".format))

# %%
# Which drugs do the same?
# ------------------------

figure, axes = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
maps.plot_prediction("a1", axes[0])
maps.plot_similarity(axes[1])
axes[0].set_title("a1: control, treated, predicted")
axes[1].set_title("distances between maps")
plt.show()

# %%
# What does a drug change?
# ------------------------

print(maps.ranked_changes("a1").head(4).to_string(float_format="{:.3f}".format))
