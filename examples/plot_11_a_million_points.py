"""
A million points
================

Beyond some thousand points a fit goes over to blocks by itself. Here it reads two files of half a
million points each, which need not fit into memory, and maps one of them into a third.
"""

# %%
# The files. Nothing but a path is given to the fit.

import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from kernel_ot import KernelOT

rng = np.random.default_rng(0)
directions = np.array([[1.0, 0.6], [-0.5, 0.9]])
n = 500_000


def true_map(points):
    """Return the gradient of a convex function."""
    return points + np.tanh(2 * points @ directions.T) @ directions


folder = tempfile.TemporaryDirectory()
before, after = Path(folder.name) / "before.npy", Path(folder.name) / "after.npy"
np.save(before, rng.normal(size=(n, 2)).astype(np.float32))
np.save(after, true_map(rng.normal(size=(n, 2))).astype(np.float32))

# %%
# All defaults. The fit takes a pass over all points for the kernel sums, and some rounds on random
# batches. With so many pairs its certificate is from random rows, and says so.

began = time.process_time()
model = KernelOT().fit(before, after)
print(f"{time.process_time() - began:.0f} s of one processor for {2 * n} points")
print(model.certificate_)

# %%
# The error of the map against the truth, beside that of fits of fewer points.

test = rng.normal(size=(4000, 2))
truth = true_map(test)


def error(fitted):
    """Return the error of the map, relative to the variance of the truth."""
    missed = np.sum((fitted.transform(test) - truth) ** 2, axis=1)
    return missed.mean() / truth.var(axis=0).sum()


x, y = np.load(before, mmap_mode="r"), np.load(after, mmap_mode="r")
sizes = (200, 20_000, n)
fits = [KernelOT().fit(x[:size], y[:size]) for size in sizes[:2]] + [model]

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.loglog(sizes, [error(fit) for fit in fits], "o-", color="#009E73")
ax.set(xlabel="points of each sample", ylabel="error of the map")
ax.grid(alpha=0.3)
plt.show()

# %%
# ``transform`` of an array maps in blocks; what it needs beside the answer does not grow.

print(model.transform(x[:200_000]).shape)
folder.cleanup()
