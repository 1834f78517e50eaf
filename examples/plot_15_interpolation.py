"""
Between two samples: interpolation and densities
================================================

Optimal transport moves every point along a straight line. Stopping on the way gives the
distributions between the two: not a mixture of both, but something that moves.
"""

# %%
# A round cloud becomes a crescent.

import matplotlib.pyplot as plt
import numpy as np

from kernel_ot import KernelOT, interpolate

rng = np.random.default_rng(0)
x = rng.normal(size=(400, 2))
y = rng.normal(size=(400, 2)) * [2.0, 0.5]
y[:, 1] += 0.6 * y[:, 0] ** 2 - 2
model = KernelOT().fit(x, y)

figure, axes = plt.subplots(1, 4, figsize=(11, 3), sharex=True, sharey=True, layout="constrained")
for ax, t in zip(axes, (0, 1 / 3, 2 / 3, 1), strict=True):
    between = interpolate(model, t)
    ax.hexbin(
        *between.points.T,
        C=between.weights,
        reduce_C_function=np.sum,
        gridsize=28,
        extent=(-6, 6, -4, 8),
        cmap="viridis",
    )
    ax.set(title=f"t = {t:.2f}", aspect="equal")
plt.show()

# %%
# The density is pushed forward
# -----------------------------
#
# If :math:`p` is the density before, that after the map is :math:`p(x) / \det \nabla T(x)` at
# :math:`T(x)`: where the map spreads points, the density falls.

points = rng.normal(size=(1500, 2))
images = model.transform(points)
determinant = np.exp(np.nan_to_num(model.potentials_.log_determinant(points)))
before = np.exp(-np.sum(points**2, axis=1) / 2) / (2 * np.pi)

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
for ax, place, density, title in (
    (left, points, before, "density before"),
    (right, images, before / np.maximum(determinant, 1e-3), "density after the map"),
):
    shown = ax.scatter(*place.T, 6, c=density, vmax=0.2)
    figure.colorbar(shown, ax=ax)
    ax.set(title=title, aspect="equal")
right.set(xlim=(-6, 6), ylim=(-4, 8))
plt.show()
