"""Pairs of distributions with a known optimal map, drawn from a published benchmark.

The pairs "Mix3 -> Mix10" of Korotin et al., Do Neural Optimal Transport Solvers Work? (NeurIPS
2021): files `mix3_mix10_d{d}_n{N}.npz` with samples `x`, `y`, fresh points `x_test` and their true
images `map_test`.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from benchmarks.accuracy._families import Case

FAMILY = "w2"


def pairs_directory() -> Path | None:
    """Return where the pairs are: KERNEL_OT_W2, else beside the repository; None if nowhere."""
    given = os.environ.get("KERNEL_OT_W2")
    places = [Path(given)] if given else [Path(__file__).parents[3] / "shared" / "data" / "w2"]
    return next((place for place in places if any(place.glob("*.npz"))), None)


def pair_case(directory: Path, d: int, n: int, seed: int) -> Case:
    """Return a case of `n` points a sample, drawn without replacement from the smallest file."""
    files = sorted(directory.glob(f"mix3_mix10_d{d}_n*.npz"), key=lambda f: f.stat().st_size)
    with np.load(files[0]) as stored:
        x, y, test, truth = (
            stored[name].astype(np.float64) for name in ("x", "y", "x_test", "map_test")
        )
    rng = np.random.default_rng([seed, d, n])
    rows, columns = rng.permutation(len(x))[:n], rng.permutation(len(y))[:n]
    cost = float(np.mean(np.sum(np.square(truth - test), axis=1)) / 2)
    return Case(FAMILY, x[rows], y[columns], test, truth, cost)
