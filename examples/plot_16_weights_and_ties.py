"""
Weights and ties
================

Rows need not count the same, and equal rows may be one row with a larger weight.
"""

# %%
# A survey reached too many young people. Weights put the proportions right: the map then goes from
# the population, and not from who happened to answer.

import matplotlib.pyplot as plt
import numpy as np

from kernel_ot import KernelOT

rng = np.random.default_rng(0)
young = rng.random(400) < 0.8
answers = np.where(young, rng.normal(-1.5, 0.7, 400), rng.normal(1.5, 0.7, 400)).reshape(-1, 1)
later = np.where(rng.random(400) < 0.5, rng.normal(-1, 0.7, 400), rng.normal(2, 0.7, 400))
weights = np.where(young, 0.5 / 0.8, 0.5 / 0.2)  # half of the population is young

plain = KernelOT().fit(answers, later.reshape(-1, 1))
weighted = KernelOT().fit(answers, later.reshape(-1, 1), weights_x=weights)

grid = np.linspace(-3, 3.2, 200).reshape(-1, 1)
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
bins = np.linspace(-4, 4.5, 35)
left.hist(answers, bins, density=True, alpha=0.35, color="#0072B2", label="as answered")
left.hist(
    answers, bins, weights=weights, density=True, histtype="step", color="#0072B2", label="weighted"
)
left.hist(later, bins, density=True, histtype="step", color="#E69F00", label="a year later")
left.legend()
left.set(xlabel="answer", ylabel="density")
right.plot(grid, plain.transform(grid), "--", color="#555555", label="without weights")
right.plot(grid, weighted.transform(grid), color="#009E73", label="with weights")
right.plot(grid, grid + 0.5, ":", color="#E69F00", label="the truth: half a point up")
right.set(xlabel="answer", ylabel="answer a year later")
right.legend()
plt.show()

# %%
# Without weights the map has to invent a change of opinion to make up for the wrong proportions.
#
# Ties
# ----
#
# Counts have many equal rows. A row that occurs three times is the same as one row of weight
# three:

counts = rng.poisson(3.0, size=(150, 1)).astype(float)
after = rng.poisson(5.0, size=(150, 1)).astype(float)
values, how_often = np.unique(counts, axis=0, return_counts=True)
settings = {"kernel": plain.kernel_, "reg_potential": 1e-2}
all_rows = KernelOT(**settings).fit(counts, after)
distinct = KernelOT(**settings).fit(values, after, weights_x=how_often)
difference = np.abs(all_rows.transform(values) - distinct.transform(values)).max()
print(f"largest difference of the two maps: {difference:.4f}")

figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
ax.bar(values[:, 0] - 0.2, how_often, 0.4, color="#0072B2", label="before")
ax.bar(*np.unique(after + 0.2, return_counts=True), 0.4, color="#E69F00", label="after")
for value, image in zip(values[:, 0], distinct.transform(values)[:, 0], strict=True):
    ax.annotate("", (image, -4), (value, -1), arrowprops={"arrowstyle": "->", "color": "#009E73"})
ax.set(xlabel="count", ylabel="rows", ylim=(-6, None))
ax.legend()
plt.show()

# %%
# The map of a count is not a count: where the mass of one value has to be split among several, a
# map can only take the mean.
