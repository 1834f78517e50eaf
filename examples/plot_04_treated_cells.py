"""
Where would a treatment take these cells?
=========================================

A cell is destroyed when it is measured. Treated and untreated cells are therefore different cells,
and what a treatment does to *one* cell has to be estimated: as the map between the two clouds. It
is judged on cells that were kept out.
"""

# %%
# With real data at hand, set ``KERNEL_OT_4I`` to a folder of ``.mat`` files of the 4i measurements
# (Bunne et al. 2023; published by Lin, Cuturi and Jordan with their code). Else the cells are
# drawn: two types of cells, of which the treatment moves one and hardly the other.

import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.io import loadmat

from kernel_ot import KernelOT, plots
from kernel_ot.distances import energy_distance
from kernel_ot.preconditioning import fit_conjugation

rng = np.random.default_rng(0)
folder = os.environ.get("KERNEL_OT_4I")


def drawn_cells(treated):
    """Return 900 cells with six markers; a treatment lowers some of them in one type."""
    is_first = rng.random(900) < 0.6
    cells = rng.normal(size=(900, 6)) * np.linspace(1.0, 0.5, 6)
    cells[:, 0] += np.where(is_first, -3.0, 3.0)
    if treated:
        effect = np.where(is_first, 4.0, 0.5)[:, None]
        cells[:, 1:4] -= effect * [1.0, 0.7, -0.4]
        cells[:, 4] *= np.where(is_first, 0.5, 1.5)
    return cells


if folder:
    before = loadmat(Path(folder) / "erlotinib.mat")["X"][:900]
    after = loadmat(Path(folder) / "trametinib.mat")["X"][:900]
else:
    before, after = drawn_cells(treated=False), drawn_cells(treated=True)
x, x_test, y, y_test = before[:450], before[450:], after[:450], after[450:]

# %%
# One fit. Then three predictions for the cells that were kept out: nothing happens, everything
# moves by the difference of the means, or the map.

model = KernelOT().fit(x, y)
gaussian = fit_conjugation(x, y, "gaussian")
predictions = {
    "no effect": x_test,
    "difference of means": x_test + y.mean(axis=0) - x.mean(axis=0),
    "Gaussian map": gaussian.backward_y(gaussian.forward_x(x_test)),
    "kernel-ot": model.transform(x_test),
    "(other treated cells)": y[: len(x_test)],
}
scores = {name: energy_distance(cells, y_test) for name, cells in predictions.items()}

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
left.barh(list(scores), list(scores.values()), color=["#999999"] * 3 + ["#009E73", "#E69F00"])
left.invert_yaxis()
left.set_xlabel("energy distance to treated cells that were kept out")
plots.principal_components(x_test, y_test, predictions["kernel-ot"], right)
# sphinx_gallery_thumbnail_number = 1
plt.show()

# %%
# The last bar is the floor: two samples of treated cells have that distance too. No prediction can
# be expected to be better.
#
# Which markers change?
# ---------------------
#
# The map moves every cell by its own amount. The spread of a bar is that between cells, which no
# difference of means can show.

shifts = model.transform(x_test) - x_test
order = np.argsort(-np.abs(shifts.mean(axis=0)))[:8]
figure, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
ax.boxplot([shifts[:, k] for k in order], showfliers=False, medianprops={"color": "#009E73"})
ax.set_xticks(range(1, len(order) + 1), [f"marker {k}" for k in order], rotation=30)
ax.axhline(0, color="#999999", linewidth=0.8)
ax.set_ylabel("predicted change of a cell")
plt.show()
