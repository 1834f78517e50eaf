"""
Figures of Lin, Cuturi and Jordan (2024)
========================================

How long do methods take for the same problem, and how does the residual fall? The published
methods and ours on problems like those of the paper, whose generator is in the `authors' code
<https://github.com/tyDLin/OTSSN>`__; what that code took where it was measured; maps in the plane;
and cells.
"""

# %%
# The paper's problem: mixtures of two and of three normal distributions with random centres in the
# unit cube, filling points from a Sobol sequence, a narrow Gaussian kernel,
# :math:`\lambda_1 = 1/\ell`, :math:`\lambda_2 = 1/\sqrt \ell`, as many filling points as samples.

import os
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.io import loadmat
from scipy.stats import qmc

from kernel_ot import KernelOT, Problem, plots, solve
from kernel_ot.distances import energy_distance
from kernel_ot.filling import filling_points
from kernel_ot.kernels import Gaussian


def mixture(centres, weights, spread, n, rng):
    """Return n points of a mixture of normal distributions."""
    return centres[rng.choice(len(weights), n, p=weights)] + spread * rng.normal(
        size=(n, centres.shape[1])
    )


def papers_samples(n, d, seed=0):
    """Return n points of either mixture."""
    rng = np.random.default_rng(seed)
    x = mixture(rng.random((2, d)), [0.4, 0.6], 0.09, n, rng)
    return x, mixture(rng.random((3, d)), [0.2, 0.2, 0.6], 0.075, n, rng)


def papers_problem(n_fill, d):
    """Return a problem of the paper's family; exp(-t^2 / 0.005) is the bandwidth 0.05."""
    x, y = papers_samples(n_fill, d)
    engine = qmc.Sobol(2 * d, scramble=False)
    engine.fast_forward(3000)
    points = engine.random(n_fill)
    return Problem.from_samples(
        *(x, y, points[:, :d], points[:, d:]),
        kernel=Gaussian(0.05),
        reg_sos=1 / n_fill,
        reg_potential=1 / np.sqrt(n_fill),
    )


# %%
# Time against the number of filling points
# -----------------------------------------
#
# Processor times are in units of one eigen-decomposition of an :math:`\ell \times \ell` matrix, so
# that they depend less on the machine. The end is a relative residual of 1e-8. A method that did
# not arrive in two seconds has no point.


def seconds_of_an_eigendecomposition(size):
    """Return the best of a few runs."""
    matrix = np.random.default_rng(0).normal(size=(size, size))
    matrix += matrix.T
    times = []
    for _ in range(5):
        began = time.process_time()
        np.linalg.eigh(matrix)
        times.append(time.process_time() - began)
    return min(times)


def timed(problem, method):
    """Return the solution and its processor seconds, NaN if it did not get there."""
    began = time.process_time()
    solution = solve(problem, method, tol=1e-8, time_limit=2.0)
    return solution, (time.process_time() - began if solution.converged else np.nan)


methods = {
    "ssn": ("ours: semismooth Newton", "#009E73", "o-"),
    "interior_point": ("ours: interior point", "#56B4E9", "s-"),
    "ssn_extragradient": ("the paper's semismooth Newton", "#E69F00", "^-"),
    "short_step": ("short-step interior point (Vacher et al.)", "#555555", "v-"),
}
sizes, dimensions = (50, 100, 200), (2, 5, 10)
figure, axes = plt.subplots(1, 3, figsize=(11, 4.6), layout="constrained", sharey=True)
histories = {}
for ax, d in zip(axes, dimensions, strict=True):
    taken = {name: [] for name in methods}
    for size in sizes:
        problem, unit = papers_problem(size, d), seconds_of_an_eigendecomposition(size)
        for name in methods:
            solution, seconds = timed(problem, name)
            taken[name].append(seconds / unit)
            if size == 100:
                histories[d, name] = solution.history
    for name, (label, colour, style) in methods.items():
        ax.plot(sizes, taken[name], style, color=colour, label=label)
    ax.set(title=f"d = {d}", xlabel="filling points", xscale="log", yscale="log")
    ax.set_xticks(sizes, map(str, sizes))
    ax.xaxis.set_minor_locator(plt.NullLocator())

# The authors' own code in GNU Octave, measured earlier: the range of the four problems, of
# eighteen with this kernel, on which it reached its own 1e-8.
for size, times in {50: (1662, 1836), 100: (4011, 4402)}.items():
    middle, half = np.mean(times), np.ptp(times) / 2
    label = "the authors' code, where it got there" if size == 50 else None
    axes[1].errorbar(size, middle, half, fmt="*", color="#CC79A7", markersize=11, label=label)
axes[0].set_ylabel("time / one eigen-decomposition")
figure.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)
# sphinx_gallery_thumbnail_number = 1
plt.show()

# %%
# The stars are from the `laboratory book
# <https://github.com/kernel-ot/kernel-ot/tree/main/benchmarks/results/2026-11-24-solvers.md>`__,
# measured on another machine, in five and ten dimensions. In two dimensions the authors' code did
# not get to 1e-8 within its 300 iterations.
#
# Residual against time
# ---------------------
#
# One hundred filling points; the smallest residual so far. In ten dimensions the narrow kernel sees
# no two points as neighbours, its matrix is the identity, and the problem is easy. In two
# dimensions it is not.

figure, axes = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained", sharey=True)
for ax, d in zip(axes, (2, 10), strict=True):
    for name, (label, colour, _) in methods.items():
        record = histories[d, name]
        elapsed = [max(step.elapsed, 1e-4) for step in record]
        best = np.minimum.accumulate([step.residual for step in record])
        ax.plot(elapsed, best, color=colour, label=label)
    ax.axhline(5e-3, color="#999999", linewidth=0.8, linestyle="--")
    ax.set(xlabel="seconds", xscale="log", yscale="log", title=f"d = {d}", ylim=(1e-11, 1e2))
axes[0].set_ylabel("relative residual")
axes[0].text(0.02, 7e-3, "5e-3", color="#777777", transform=axes[0].get_yaxis_transform())
axes[1].legend(fontsize=8, loc="lower left")
plt.show()

# %%
# The dashed line is a tolerance that stands in a comment of the authors' code, beside its 1e-8.
#
# Maps in the plane
# -----------------
#
# What the map of the solution does with the samples, and what that of a default fit does. A solver
# does its work on any problem. Whether the *map* is any good is decided by kernel, weights and
# filling points: two hundred points in a cube of four dimensions rarely lie where the mass is, the
# constraint is not felt there, and the images fall far outside.


def drawn_map(ax, title, x, y, images):
    """Draw where a map takes the first sample."""
    ax.plot(*y.T, ".", color="#E69F00", markersize=4, label="second sample")
    arrows = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.002, "color": "#999999"}
    ax.quiver(*x.T, *(images - x).T, **arrows)
    ax.plot(*x.T, ".", color="#0072B2", markersize=4, label="first sample")
    ax.plot(*images.T, ".", color="#009E73", markersize=5, label="its images")
    ax.set(title=title, aspect="equal")


problem = papers_problem(200, 2)
x, y = papers_samples(200, 2)
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 5.2), layout="constrained")
potentials = problem.potentials(solve(problem).gamma)
drawn_map(left, "the paper's problem", x, y, potentials.transport(x))
drawn_map(right, "a default fit", x, y, KernelOT().fit(x, y).transform(x))
left.legend()
plt.show()

# %%
# Cells
# -----
#
# The paper's last experiment is on the 4i cells of Bunne et al. (2023). Set ``KERNEL_OT_4I`` to a
# folder with the ``data`` of the authors' code to see them; else 48 features are drawn. With the
# paper's bandwidth no two cells would be neighbours, so it is the median distance here, and filling
# points are pairs of cells, since no sequence fills 96 dimensions. The weights are the paper's,
# under which the map hardly moves the cells.

folder = os.environ.get("KERNEL_OT_4I")
rng = np.random.default_rng(0)


def cells_after(*names):
    """Return the cells of the first of the names that the folder has, in random order."""
    files = {file.stem.removeprefix("X_perturbed_perturbed-drug-"): file for file in found}
    name = next(name for name in names if name in files)
    return rng.permutation(loadmat(files[name])["X"]), name


if folder:
    found = sorted(Path(folder).glob("*.mat"))
    before, before_name = cells_after("X_unperturbed", "erlotinib")
    after, after_name = cells_after("trametinib")
else:
    scales = np.linspace(1.5, 0.3, 48)
    before_name, after_name = "drawn, untreated", "drawn, treated"
    before = scales * rng.normal(size=(1200, 48))
    after = scales * rng.normal(size=(1200, 48)) + np.where(np.arange(48) < 6, 0.8, 0)
print(f"from {before_name} ({len(before)} cells) to {after_name} ({len(after)} cells)")

x, y = before[:500], after[:500]
gaps = np.linalg.norm(x[:250, None] - x[None, 250:], axis=2)
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
taken = {name: [] for name in methods}
for size in sizes:
    problem = Problem.from_samples(
        *(x, y, *filling_points(x, y, size, rng=np.random.default_rng(1))),
        kernel=Gaussian(np.median(gaps)),
        reg_sos=1 / size,
        reg_potential=1 / np.sqrt(size),
    )
    for name in methods:
        taken[name].append(timed(problem, name)[1])
for name, (label, colour, style) in methods.items():
    left.plot(sizes, taken[name], style, color=colour, label=label)
left.set(xlabel="filling points", ylabel="processor seconds", xscale="log", yscale="log")
left.set_xticks(sizes, map(str, sizes))
left.xaxis.set_minor_locator(plt.NullLocator())
left.legend(fontsize=8)
kept_out = before[500:1000]
images = problem.potentials(solve(problem).gamma).transport(kept_out)
goal = after[500:1000]
plots.principal_components(kept_out, goal, images, right)
apart = {"before": kept_out, "mapped": images, "real": y}
far = [f"{name} {energy_distance(cells, goal):.3f}" for name, cells in apart.items()]
right.set_title("energy distance to kept out cells: " + ", ".join(far), fontsize=9)
plt.show()

# %%
# What differs
# ------------
#
# * The residual is ours: relative, and recomputed from the returned point. The authors' code has an
#   absolute one of its own.
# * The paper draws ten problems of each size, this page one; the random numbers are NumPy's.
# * The paper's own figures were not at hand, so no time of theirs is drawn but the stars.
# * A default :class:`~kernel_ot.KernelOT` solves none of these problems: it chooses kernel, weights
#   and filling points. :ref:`sphx_glr_gallery_plot_04_treated_cells.py` shows what that gives.
