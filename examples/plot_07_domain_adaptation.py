"""
Domain adaptation
=================

A classifier was trained on one camera and has to work on another, of which no labels are known.
Map the labelled points into the new domain, train there.
"""

# %%
# Two moons, and two moons that were turned by 45 degrees and moved. The labels of the second are
# only used to count the errors at the end. Angle, noise and seeds were fixed before the first fit;
# further down are other angles.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons
from sklearn.svm import SVC

from kernel_ot import KernelOT


def turned(points, degrees):
    """Return points after a turn and a shift."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return points @ turn + [1.0, -0.5]


source, labels = make_moons(300, noise=0.1, random_state=0)
moons, hidden = make_moons(300, noise=0.1, random_state=1)
target = turned(moons, 45)

# %%
# The map is learnt without any labels, from all points at once.

model = KernelOT().fit(source, target)
moved = model.transform(source)

classifiers = {
    "trained on the source": SVC(gamma=1).fit(source, labels),
    "trained on the mapped source": SVC(gamma=1).fit(moved, labels),
}
grid = np.stack(np.meshgrid(np.linspace(-1.5, 3.5, 200), np.linspace(-3, 2, 200)), axis=-1)
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
# With a squared cost the map moves points as little as it can, so it does not turn: it takes each
# point to where mass is missing nearby.

figure, ax = plt.subplots(figsize=(6, 4.2), layout="constrained")
ax.scatter(*target.T, 10, color="#cccccc", label="target")
arrows = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.002, "color": "#bbbbbb"}
ax.quiver(*source.T, *(moved - source).T, **arrows)
ax.scatter(*moved.T, 10, color=np.where(labels == 1, "#E69F00", "#0072B2"), label="mapped source")
ax.legend(loc="lower right")
plt.show()

# %%
# How far may it be turned?
# -------------------------
#
# The same for a range of angles. A small turn is undone. After a quarter of a turn points of one
# moon are nearest to the other, and no map that was learnt without labels can know. If a few labels
# are known in the new domain, fit one map for each class.

angles = range(0, 91, 15)
right = {name: [] for name in classifiers}
for degrees in angles:
    there = turned(moons, degrees)
    carried = KernelOT().fit(source, there).transform(source)
    for name, points in zip(right, (source, carried), strict=True):
        right[name].append(SVC(gamma=1).fit(points, labels).score(there, hidden))

figure, ax = plt.subplots(figsize=(6, 3.8), layout="constrained")
for (name, shares), colour in zip(right.items(), ("#555555", "#009E73"), strict=True):
    ax.plot(angles, shares, "o-", color=colour, label=name)
ax.set(xlabel="turn in degrees", ylabel="share of right classes", ylim=(0, 1.05))
ax.set_xticks(list(angles))
ax.legend()
plt.show()
