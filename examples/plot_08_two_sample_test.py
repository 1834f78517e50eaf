"""
Do two samples differ, and where?
=================================

A p-value says whether two samples come from one distribution; the divergence says by how much they
do not; its gradient says which points make the difference.
"""

# %%
# Two measurements of one process, and a third that has a few points more in one corner.

import matplotlib.pyplot as plt
import numpy as np

import kernel_ot
from kernel_ot.distances import mmd_test

rng = np.random.default_rng(0)
first = rng.normal(size=(200, 2))
second = rng.normal(size=(200, 2))
third = rng.normal(size=(200, 2))
third[:40] = [1.5, 1.5] + 0.3 * rng.normal(size=(40, 2))

# %%
# The test shuffles which point belongs to which sample. If the true statistic is among the
# largest, the samples differ.

figure, axes = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
for ax, other, name in zip(axes, (second, third), ("second", "third"), strict=True):
    test = kernel_ot.two_sample_test(first, other)
    print(f"first and {name}: {test}")
    print(f"    by the classical test with one kernel: p = {mmd_test(first, other, 0)[1]:.3f}")
    ax.hist(test.null, 40, color="#999999", label="shuffled")
    ax.axvline(test.statistic, color="#D55E00", label="as measured")
    ax.set(title=f"first and {name} sample: p = {test.p_value:.3f}", xlabel="statistic")
    ax.legend()
plt.show()

# %%
# Where?
# ------
#
# The gradient of the divergence in a point of the third sample says how much closer moving it
# would bring the samples. It is largest in the corner.

found = kernel_ot.divergence(first, third)
print(found)
pull = -found.gradient_y * len(third)
figure, ax = plt.subplots(figsize=(5.6, 5), layout="constrained")
ax.plot(*first.T, ".", color="#cccccc", label="first sample")
ax.plot(*third.T, ".", color="#0072B2", label="third sample")
ax.quiver(*third.T, *pull.T, angles="xy", width=0.003, color="#D55E00")
ax.set_aspect("equal")
ax.legend()
plt.show()
