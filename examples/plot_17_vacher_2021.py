"""
Figures in the manner of Vacher et al. (2021)
=============================================

The paper replaces "the constraint holds everywhere" by a sum of squares at filling points. On a
line all of that can be seen: potentials, constraint, filling points and the map.
"""

# %%
# As in the paper, filling points are a Sobol sequence on the box of both samples, and the weights
# of the regularisation fall with the number of points. Two distributions on the unit interval:

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from kernel_ot import KernelOT, Problem, solve
from kernel_ot.filling import filling_points
from kernel_ot.kernels import Gaussian

rng = np.random.default_rng(0)
n, n_fill = 200, 200
x = rng.beta(2.0, 4.0, size=(n, 1))
y = np.where(rng.random((n, 1)) < 0.5, rng.beta(4, 16, (n, 1)), rng.beta(16, 4, (n, 1)))

x_fill, y_fill = filling_points(x, y, n_fill, "sobol", rng=rng)
problem = Problem.from_samples(
    x, y, x_fill, y_fill, kernel=Gaussian(0.15), reg_sos=1 / n_fill, reg_potential=1e-5
)
solution = solve(problem)
potentials = problem.potentials(solution.gamma)
print(solution)

# %%
# Left: the room that the constraint leaves, :math:`c(x, y) - u(x) - v(y)`, with the filling
# points. The valley where it vanishes is the graph of the map. Right: that map, which is the
# gradient of the left picture's potential, beside the exact one of the samples.

grid = np.linspace(0.01, 0.99, 150).reshape(-1, 1)
inside = np.linspace(x.min(), x.max(), 150).reshape(-1, 1)  # where there are data
room = (grid - grid.T) ** 2 / 2 - potentials.u(grid)[None, :] - potentials.v(grid)[:, None]

figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.4), layout="constrained")
levels = left.contourf(grid[:, 0], grid[:, 0], np.maximum(room, 0), 20, cmap="viridis_r")
figure.colorbar(levels, ax=left, label="room in the constraint")
left.plot(x_fill, y_fill, ".", color="black", markersize=2, label="filling points")
left.plot(inside, potentials.transport(inside), color="#D55E00", label="map")
left.set(xlabel="x", ylabel="y", xlim=(0, 1), ylim=(0, 1))
left.legend(loc="lower right")
right.plot(np.sort(x[:, 0]), np.sort(y[:, 0]), ".", color="#999999", label="sorted samples")
right.plot(inside, potentials.transport(inside), color="#009E73", label="map of the fit")
right.set(xlabel="x", ylabel="T(x)", xlim=(0, 1), ylim=(-0.05, 1.05))
right.legend()
plt.show()

# %%
# The error of the cost
# ---------------------
#
# Two normal distributions, one of them moved and stretched, whose cost is known. The estimate is
# beside the exact cost between the samples, over six pairs of samples each. The paper's point is
# the slope: the estimate's error falls as the root of the number of points, in every dimension;
# that between samples falls more slowly in each further one.

d, sizes = 6, (50, 150, 450)
scale = np.linspace(0.7, 1.3, d)
truth = (1 + np.sum((scale - 1) ** 2)) / 2
errors = {"between the samples": [], "kernel sum of squares": []}
for size in sizes:
    by_method = {name: [] for name in errors}
    for seed in range(6):
        draw = np.random.default_rng(seed)
        a = draw.normal(size=(size, d))
        b = draw.normal(size=(size, d)) * scale + 1 / np.sqrt(d)
        costs = cdist(a, b, "sqeuclidean") / 2
        plug_in = costs[linear_sum_assignment(costs)].mean()
        model = KernelOT(kernel=Gaussian(3.0), reg_potential=1 / size).fit(a, b)
        by_method["between the samples"].append(abs(plug_in - truth) / truth)
        by_method["kernel sum of squares"].append(abs(model.cost_ - truth) / truth)
    for name, values in by_method.items():
        errors[name].append((np.mean(values), np.std(values) / np.sqrt(len(values))))

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for (name, values), colour in zip(errors.items(), ("#555555", "#009E73"), strict=True):
    ax.errorbar(sizes, *np.transpose(values), marker="o", capsize=3, color=colour, label=name)
ax.set(xscale="log", yscale="log", xlabel="points", ylabel="relative error of the cost")
ax.set_xticks(sizes, map(str, sizes))
ax.minorticks_off()
ax.legend()
plt.show()

# %%
# What differs from the paper: its solver is a short-step interior point method
# (``method="short_step"`` here), and it has no change of coordinates before the fit, which in this
# second figure does most of the work.
