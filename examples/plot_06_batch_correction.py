"""
Batch correction
================

The same tissue was measured on two machines, and the second one distorts the values. The map from
the second batch to the first takes the distortion out, without using what kind a cell is.
"""

# %%
# Three kinds of cells with four markers. The second machine compresses large values, mixes two of
# the markers a little, and adds an offset.

import anndata
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.neighbors import KNeighborsClassifier

from kernel_ot import KernelOT
from kernel_ot.cells import align
from kernel_ot.distances import energy_distance

rng = np.random.default_rng(0)
centres = np.array([[0, 0, 0, 3], [3, 1, 2, 0], [1, 4, -1, 0]])


def measure(n, machine):
    """Return n cells as a machine shows them, and their kinds."""
    kinds = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    cells = centres[kinds] + 0.6 * rng.normal(size=(n, 4))
    if machine == "second":
        cells = cells @ (np.eye(4) + 0.15 * np.eye(4, k=1) + 0.15 * np.eye(4, k=-1))
        cells = 3 * np.tanh(cells / 4) + [1.5, -1, 0.5, 1]
    return cells, kinds


first, kinds_first = measure(400, "first")
second, kinds_second = measure(350, "second")

# %%
# The fit sees the markers only.

model = KernelOT().fit(second, first)
corrected = model.transform(second)

figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), sharex=True, sharey=True, layout="constrained")
colours = np.array(["#0072B2", "#E69F00", "#CC79A7"])
for ax, batch, title in zip(
    axes, (second, corrected), ("as measured", "after correction"), strict=True
):
    ax.scatter(*first[:, :2].T, 12, color=colours[kinds_first], alpha=0.35, label="first batch")
    ax.scatter(*batch[:, :2].T, 14, color=colours[kinds_second], marker="x", label="second batch")
    ax.set(title=title, xlabel="marker 1")
axes[0].set_ylabel("marker 2")
axes[0].legend()
plt.show()

# %%
# Two questions decide whether it helped. Are the batches alike now? And does a classifier that
# learnt the kinds on the first batch find them on the second?

classifier = KNeighborsClassifier(5).fit(first, kinds_first)
fresh, kinds_fresh = measure(500, "second")
for name, cells in {"as measured": fresh, "after correction": model.transform(fresh)}.items():
    distance = energy_distance(cells, first)
    right = classifier.score(cells, kinds_fresh)
    print(f"{name}: energy distance {distance:.3f}, kinds found {100 * right:.0f} %")

# %%
# A caution: if the second batch really holds *other* cells, in other proportions, correction will
# hide that. Fit on parts of both batches that should be alike.
#
# With an AnnData object
# ----------------------
#
# :func:`kernel_ot.cells.align` maps all batches of a column to one of them and writes the result
# into ``obsm``.

obs = pd.DataFrame({"machine": ["first"] * 400 + ["second"] * 350}, index=map(str, range(750)))
adata = anndata.AnnData(obs=obs)
adata.obsm["X_markers"] = np.concatenate([first, second])
align(adata, batch="machine", reference="first", use_rep="X_markers")
print(list(adata.obsm))
