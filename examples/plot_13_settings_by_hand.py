"""
Choosing settings by hand
=========================

The default compares a handful of settings. This page tries a whole grid by cross-validation and
looks at what it says: mostly, that there was nothing to gain.
"""

# %%
# The true map is known here, so the choice can be judged.

import matplotlib.pyplot as plt
import numpy as np

from kernel_ot import KernelOT, KernelOTCV, plots

rng = np.random.default_rng(0)
directions = rng.normal(size=(3, 3))


def true_map(points):
    """Return the gradient of a convex function."""
    return points + np.tanh(points @ directions.T) @ directions / 2


def error(model):
    """Return the error of the map at fresh points, relative to the variance of the truth."""
    points = np.random.default_rng(1).normal(size=(1000, 3))
    truth = true_map(points)
    return np.mean(np.sum((model.transform(points) - truth) ** 2, axis=1)) / truth.var(axis=0).sum()


x, y = rng.normal(size=(150, 3)), true_map(rng.normal(size=(150, 3)))

# %%
# A number among ``kernels`` is a width in median distances. Folds could run in parallel or on a
# cluster (``n_jobs``).

search = KernelOTCV(
    kernels=(0.4, 0.7, 1.2, 2.0), reg_potentials=(1e-1, 1e-2, 1e-3, 1e-4), cv=3
).fit(x, y)

figure, ax = plt.subplots(figsize=(7, 4.4), layout="constrained")
plots.selection(search, ax)
plt.show()

# %%
# Each line is a width. Larger is better; where lines lie within each other's noise the choice does
# not matter.

default = KernelOT().fit(x, y)
best = search.best_params_
print(f"best of the grid: {best['kernel']}, reg_potential {best['reg_potential']}")
print(f"error of the map: grid {100 * error(search):.1f} %, default {100 * error(default):.1f} %")

# %%
# Settings that were found once can be given to later fits of similar data, which then take a
# fraction of the time.

again = KernelOT(kernel=default.kernel_, reg_potential=default.reg_potential_).fit(x, y)
print(f"with settings given: {100 * error(again):.1f} %")
