"""
Where would a treatment take these cells?
=========================================

A cell is destroyed when it is measured. Treated and untreated cells are therefore different cells,
and what a treatment does to *one* cell has to be estimated: as the map between the two clouds. It
is judged on cells that were kept out.
"""

# %%
# With real data at hand, set ``KERNEL_OT_4I`` to a folder of ``.mat`` files of the 4i measurements
# (Bunne et al. 2023; in the ``data`` of `the code of Lin, Cuturi and Jordan
# <https://github.com/tyDLin/OTSSN>`__). Else the cells are drawn, by a rule that was written down
# before the first fit: six markers, each lognormal; a third of the cells responds to the treatment
# with half of the first and twice the second marker, the others with a tenth more of the third.

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
    """Return the logarithms of six markers of 900 cells."""
    responds = rng.random(900) < 1 / 3
    markers = rng.lognormal(sigma=0.5, size=(900, 6))
    markers[responds, 3:] *= 2  # what makes a cell respond can be seen
    if treated:
        markers[:, 0] *= np.where(responds, 0.5, 1.0)
        markers[:, 1] *= np.where(responds, 2.0, 1.0)
        markers[:, 2] *= np.where(responds, 1.0, 1.1)
    return np.log(markers)


def measured_cells(*names):
    """Return 900 random cells of the first of these files that is there."""
    files = [file for name in names for file in sorted(Path(folder).glob(f"*{name}.mat"))]
    return rng.permutation(loadmat(files[0])["X"])[:900]


if folder:
    before, after = measured_cells("unperturbed", "erlotinib"), measured_cells("trametinib")
else:
    before, after = drawn_cells(treated=False), drawn_cells(treated=True)
x, x_test, y, y_test = before[:450], before[450:], after[:450], after[450:]

# %%
# One fit, and what it says about itself. Then four predictions for the cells that were kept out:
# nothing happens, everything moves by the difference of the means, by the linear map between the
# two covariances, or by the map of the fit.

model = KernelOT().fit(x, y)
print(model.summary(x_test, y_test))
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
# be expected to be better. On the drawn cells the fit is hardly better than the linear map: four
# hundred cells are few to learn from which of them respond. The first sentence of the summary says
# by which measure a gain shows. On the 4i cells it is a little better.
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
