"""
On a line, against the exact map
================================

On a line the optimal map is known: it sends each quantile of the first distribution to the same
quantile of the second. So the estimate can be held against the truth.
"""

# %%
# A normal distribution is moved onto a skewed one, and onto two humps. The second map is steep
# between the humps, which is hard for every smooth estimate.

import matplotlib.pyplot as plt
import numpy as np
from scipy import stats

from kernel_ot import KernelOT

rng = np.random.default_rng(0)
n = 200


def two_humps(points):
    """Return the increasing function that makes two humps of one."""
    return points + 1.5 * np.tanh(4 * points)


maps = {
    "onto a gamma distribution": lambda p: stats.gamma(2.0).ppf(stats.norm.cdf(p)),
    "onto two humps": two_humps,
}

# %%
# Beside our map: what sorting both samples says, which is the exact plan between them and not
# smooth.

grid = np.linspace(-2.5, 2.5, 300).reshape(-1, 1)
figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
for ax, (title, true_map) in zip(axes, maps.items(), strict=True):
    x = rng.normal(size=(n, 1))
    y = true_map(rng.normal(size=(n, 1)))
    model = KernelOT().fit(x, y)
    ax.plot(np.sort(x[:, 0]), np.sort(y[:, 0]), ".", color="#999999", label="sorted samples")
    ax.plot(grid, true_map(grid), color="#E69F00", linewidth=4, alpha=0.6, label="true map")
    ax.plot(grid, model.transform(grid), color="#009E73", label="estimated map")
    ax.set(title=title, xlabel="x", ylabel="T(x)", xlim=(-2.6, 2.6))
    ax.legend()
    test = rng.normal(size=(2000, 1))
    error = np.mean((model.transform(test) - true_map(test)) ** 2) / true_map(test).var()
    print(f"{title}: error of the map {100 * error:.1f} %")
plt.show()

# %%
# Where no points are
# -------------------
#
# Beyond the sample there is nothing to learn from. The kernel alone goes back to the straight line
# of the Gaussian map. The default averages it with entropic maps, whose images never leave the
# second sample. Both are guesses.

alone = KernelOT(combine=False).fit(x, y)
wide = np.linspace(-6, 6, 300).reshape(-1, 1)
figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.plot(wide, two_humps(wide), color="#E69F00", linewidth=4, alpha=0.6, label="true map")
ax.plot(wide, model.transform(wide), color="#009E73", label="estimated map")
ax.plot(wide, alone.transform(wide), "--", color="#009E73", label="kernel alone")
ax.plot(x, np.full(n, ax.get_ylim()[0]), "|", color="#0072B2", label="sample")
ax.set(xlabel="x", ylabel="T(x)")
ax.legend()
plt.show()
