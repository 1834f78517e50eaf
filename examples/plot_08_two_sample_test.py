"""
Do two samples differ, and where?
=================================

A p-value says whether two samples come from one distribution; the divergence says by how much they
do not; its gradient says which points make the difference.
"""

# %%
# Two measurements of one process, and a third of which one point in ten comes from somewhere else:
# a small cloud one and a half standard deviations off in each coordinate. The share was fixed
# before the first test; further down are other shares.

import matplotlib.pyplot as plt
import numpy as np

import kernel_ot
from kernel_ot.distances import mmd_test

rng = np.random.default_rng(0)


def sample(share):
    """Return 200 points, a share of them in the corner."""
    points = rng.normal(size=(200, 2))
    few = round(200 * share)
    points[:few] = [1.5, 1.5] + 0.3 * rng.normal(size=(few, 2))
    return points


first, second, third = sample(0), sample(0), sample(0.1)

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
# In this draw one point in ten is not enough: the test does not reject. That is no proof that the
# samples are equal; below is how often the same difference is found.
#
# Where?
# ------
#
# The gradient of the divergence in a point of the third sample says how much closer moving it
# would bring the samples. It is largest in the corner, although the test alone was not sure.

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

# %%
# How often is it found?
# ----------------------
#
# Forty fresh pairs of samples for each share. Without a difference one test in twenty rejects at
# 5 %, which is what 5 % means.

shares, repeats = (0.0, 0.05, 0.1, 0.15, 0.2), 40
found = []
for share in shares:
    tests = [
        kernel_ot.two_sample_test(sample(0), sample(share), n_permutations=199)
        for _ in range(repeats)
    ]
    found.append(np.mean([test.p_value <= 0.05 for test in tests]))
error = np.sqrt(np.multiply(found, np.subtract(1, found)) / repeats)

figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
ax.errorbar(shares, found, error, marker="o", capsize=3, color="#009E73")
ax.axhline(0.05, color="#999999", linewidth=0.8)
ax.set_xticks(shares, [f"{100 * share:.0f} %" for share in shares])
ax.set(xlabel="share of points in the corner", ylabel="share of tests that reject", ylim=(0, 1.05))
plt.show()
