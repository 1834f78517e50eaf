"""
Domain adaptation
=================

A classifier was trained on one camera and has to work on another, of which no labels are known.
Map the labelled points into the new domain, train there.
"""

# %%
# Two moons, and two moons that were turned and stretched. The labels of the second are only used
# to count the errors at the end.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons
from sklearn.svm import SVC

from kernel_ot import KernelOT

angle = np.deg2rad(25)
turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
source, labels = make_moons(300, noise=0.08, random_state=0)
target, hidden = make_moons(300, noise=0.08, random_state=1)
target = target @ turn * [1.6, 0.8] + [1.2, -0.6]

# %%
# The map is learnt without any labels, from all points at once.

model = KernelOT().fit(source, target)
moved = model.transform(source)

classifiers = {
    "trained on the source": SVC(gamma=1).fit(source, labels),
    "trained on the mapped source": SVC(gamma=1).fit(moved, labels),
}
grid = np.stack(np.meshgrid(np.linspace(-1.5, 5, 200), np.linspace(-2.4, 1.4, 200)), axis=-1)
figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), sharex=True, sharey=True, layout="constrained")
for ax, (name, classifier) in zip(axes, classifiers.items(), strict=True):
    side = classifier.decision_function(grid.reshape(-1, 2)).reshape(200, 200)
    ax.contourf(
        *np.moveaxis(grid, -1, 0), side > 0, levels=[-1, 0.5, 2], colors=["#cfe3f2", "#f9e6bf"]
    )
    colours = np.where(hidden == 1, "#E69F00", "#0072B2")
    ax.scatter(*target.T, 14, color=colours)
    right = classifier.score(target, hidden)
    ax.set_title(f"{name}: {100 * right:.0f} % right")
plt.show()

# %%
# What the map did
# ----------------
#
# With a squared cost the map moves points as little as it can. That is right for a small turn; for
# a half turn it would exchange the moons. Labels, if there are a few in the new domain, decide:
# fit one map for each class.

figure, ax = plt.subplots(figsize=(6, 4.2), layout="constrained")
ax.scatter(*target.T, 10, color="#cccccc", label="target")
ax.quiver(*source.T, *(moved - source).T, angles="xy", scale_units="xy", scale=1, width=0.002)
ax.scatter(*moved.T, 10, color=np.where(labels == 1, "#E69F00", "#0072B2"), label="mapped source")
ax.legend()
plt.show()
