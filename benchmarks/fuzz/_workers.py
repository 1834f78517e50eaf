"""Threads, fork, spawn, forkserver and joblib: the same bits as one call after the other."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor

from benchmarks.fuzz._record import Record
from kernel_ot import KernelOT


def fit_bits(seed: int) -> bytes:
    """Return the bits of a default fit."""
    rng = np.random.default_rng([8, seed])
    x, y = rng.normal(size=(24, 1)), np.exp(0.5 * rng.normal(size=(30, 1)))
    model = KernelOT(random_state=seed, verdict=False).fit(x, y)
    return bytes(model.transform(x).tobytes() + np.float64(model.cost_).tobytes())


def workers(count: int = 4) -> Record:
    """Fit the same samples in every kind of worker."""
    record = Record("Workers", "Every kind of worker gives the bits of one call after the other.")
    seeds = list(range(count))
    expected = [fit_bits(seed) for seed in seeds]
    found = {"again": [fit_bits(seed) for seed in seeds]}
    with ThreadPoolExecutor(4) as threads:
        found["threads"] = list(threads.map(fit_bits, seeds))
    for method in multiprocessing.get_all_start_methods():
        with multiprocessing.get_context(method).Pool(min(count, 2)) as pool:
            found[method] = pool.map(fit_bits, seeds)
    found["joblib"] = Parallel(n_jobs=min(count + 1, 2))(delayed(fit_bits)(seed) for seed in seeds)
    get_reusable_executor().shutdown(wait=True)
    for kind, bits in found.items():
        for seed, (one, other) in enumerate(zip(bits, expected, strict=True)):
            record.ended(kind, f"{kind} {seed}", "" if one == other else "other bits")
    return record
