"""
A first map in the plane
========================

Two samples of points, one fit, and a map that can be evaluated anywhere.
"""

# %%
# The first sample is a round cloud. The second is the same cloud, bent by the gradient of a convex
# function, so that the optimal map is known.

import matplotlib.pyplot as plt
import numpy as np

from kernel_ot import KernelOT, plots

rng = np.random.default_rng(0)
directions = np.array([[1.0, 0.6], [-0.5, 0.9]])


def true_map(points):
    """Return the gradient of a convex function: the optimal map from a cloud to its image."""
    return points + np.tanh(2 * points @ directions.T) @ directions + [3, 0]


x = rng.normal(size=(250, 2))
y = true_map(rng.normal(size=(250, 2)))

# %%
# Nothing has to be chosen. ``transform`` takes the points that were fitted, or any others: here
# the lines of a grid, on which no point of the sample lies.

model = KernelOT().fit(x, y)

ticks, fine = np.linspace(-2.4, 2.4, 17), np.linspace(-2.4, 2.4, 200)
lines = [np.column_stack([fine, np.full(200, t)]) for t in ticks]
lines += [line[:, ::-1] for line in lines]

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
for line in lines:
    left.plot(*line.T, color="#0072B2", linewidth=0.7)
    right.plot(*model.transform(line).T, color="#009E73", linewidth=0.7)
left.plot(*x.T, ".", color="#0072B2", label="first sample")
right.plot(*y.T, ".", color="#E69F00", label="second sample")
left.set_title("a grid over the first sample ...")
right.set_title("... and where the map takes it")
for ax in (left, right):
    ax.set_aspect("equal")
    ax.legend(loc="upper left")
plt.show()

# %%
# Against the truth
# -----------------

new = rng.normal(size=(300, 2))
images = model.transform(new)
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
plots.transport_map(model.transform, new[:120], left, target=y)
left.set_title("new points and their images")
right.plot(*true_map(new).T, ".", color="#555555", markersize=6, label="true image")
right.plot(*images.T, ".", color="#009E73", markersize=3, label="image by the fit")
right.set_aspect("equal", adjustable="datalim")
right.set_title("against the truth")
right.legend()
plt.show()

# %%
# The error of the map, relative to the variance of the truth:

truth = true_map(new)
error = np.mean(np.sum((images - truth) ** 2, axis=1)) / truth.var(axis=0).sum()
print(f"error of the map: {100 * error:.1f} %")

# %%
# The potentials
# --------------
#
# The map is :math:`T(x) = x - \nabla u(x)`. The potentials :math:`u` and :math:`v` are functions
# on the whole plane, determined up to a constant.

figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
plots.potential(model.potentials_.u, x, axes[0], name="u")
plots.potential(model.potentials_.v, y, axes[1], name="v")
plt.show()

# %%
# And back: ``inverse_transform`` is the map in the other direction.

there_and_back = model.inverse_transform(images)
print(f"mean distance after both maps: {np.linalg.norm(there_and_back - new, axis=1).mean():.3f}")
