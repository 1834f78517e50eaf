"""
What is proven: certificates and lower bounds
=============================================

A fit does not only give a number. It also gives potentials, and potentials prove something: that
no way of moving one sample onto the other costs less than their value.
"""

# %%
# Four numbers have to be told apart:
#
# * the cost between the **populations**, which is what one would like to know;
# * the cost between the two **samples**, which an exact solver finds;
# * the fit's **estimate** of the first;
# * the fit's **proven lower bound** of the second.
#
# Two normal distributions have a cost in closed form, so all four can be drawn.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from kernel_ot import KernelOT
from kernel_ot.kernels import Gaussian

n, dimensions = 150, (1, 2, 4, 8)
table = []
for d in dimensions:
    rng = np.random.default_rng(d)
    scale = np.linspace(0.5, 1.5, d)
    x = rng.normal(size=(n, d))
    y = rng.normal(size=(n, d)) * scale + 1 / np.sqrt(d)
    model = KernelOT().fit(x, y)
    costs = cdist(x, y, "sqeuclidean") / 2
    between_samples = costs[linear_sum_assignment(costs)].mean()
    population = (1 + np.sum((scale - 1) ** 2)) / 2
    table.append((population, model.cost_, between_samples, model.certificate_.lower_bound))

labels = ("populations (truth)", "estimate of the fit", "between samples", "proven lower bound")
styles = (("#E69F00", "s-"), ("#009E73", "o-"), ("#555555", "^--"), ("#0072B2", "v--"))
figure, ax = plt.subplots(figsize=(7, 4.4), layout="constrained")
for values, label, (colour, style) in zip(np.array(table).T, labels, styles, strict=True):
    ax.plot(dimensions, values, style, color=colour, label=label)
ax.set(xlabel="number of features", ylabel="cost", xticks=dimensions)
ax.legend()
plt.show()

# %%
# With more features the samples lie further apart than their populations: every point's neighbour
# is far away. The exact cost between samples follows that, and so does what can be proven about
# it. The estimate stays with the populations. So a lower bound *above* the estimate is no
# contradiction.
#
# How good is the bound?
# ----------------------
#
# It is valid whatever the fit did. Here a curved map is stopped after each round, while the
# constraint is still violated.

x = rng.normal(size=(n, 2))
y = rng.normal(size=(n, 2))
y += 2 * np.tanh(3 * y)
costs = cdist(x, y, "sqeuclidean") / 2
between_samples = costs[linear_sum_assignment(costs)].mean()
settings = {"kernel": Gaussian(0.8), "reg_potential": 1e-3}

rounds, bounds, violations = range(1, 9), [], []
for last in rounds:
    model = KernelOT(**settings, max_iter=last)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # stopped on purpose
        model.fit(x, y)
    bounds.append(model.certificate_.lower_bound)
    violations.append(model.certificate_.largest_violation)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
left.plot(rounds, bounds, "v--", color="#0072B2", label="proven lower bound")
left.axhline(between_samples, color="#555555", linestyle="--", label="between samples")
left.set(xlabel="rounds", ylabel="cost")
left.legend()
right.plot(rounds, violations, "o-", color="#009E73")
right.set(xlabel="rounds", ylabel="largest violation", yscale="log")
plt.show()
