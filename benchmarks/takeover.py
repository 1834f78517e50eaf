"""Fits by batches and by all pairs where they meet; `python -m benchmarks.takeover --help`.

Both ways fit the same samples with all defaults, in turn, in one process. Time is the processor's,
with one BLAS thread. `agreement` is the mean squared distance between both maps at fresh points as
a part of the variance of the true map.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path

import numpy as np

import kernel_ot.estimator._large as large
from benchmarks._tables import write_table
from benchmarks.scale import map_of, uvp
from kernel_ot import KernelOT

_WAYS = {"batches": 0, "all pairs": 10**9}
COLUMNS = ("n", "d", "seed", "way", "seconds", "uvp", "agreement", "kernel", "lambda_2")


def compare(n: int, d: int, seed: int) -> list[tuple[object, ...]]:
    """Return a row for either way."""
    transport, rng = map_of("logcosh", d, seed), np.random.default_rng([n, d, seed])
    x, y = rng.normal(size=(n, d)), transport(rng.normal(size=(n, d)))
    test = rng.normal(size=(4000, d))
    truth, found, images = transport(test), [], []
    for way, takes_over in _WAYS.items():
        large.TAKES_OVER = takes_over
        began = time.process_time()
        model = KernelOT().fit(x, y)
        seconds = time.process_time() - began
        images.append(model.transform(test))
        error = uvp(images[-1], truth)
        found.append((way, round(seconds, 2), error, str(model.kernel_), model.reg_potential_))
    agreement = uvp(images[0], images[1])
    return [
        (n, d, seed, way, seconds, error, agreement, kernel, f"{reg:.2g}")
        for way, seconds, error, kernel, reg in found
    ]


def main() -> None:
    """Compare at the sizes, features and seeds that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[2000, 4000, 6000, 8000])
    parser.add_argument("--features", type=int, nargs="*", default=[2, 5])
    parser.add_argument("--seeds", type=int, nargs="*", default=[31, 32])
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # the table says how good they are
    rows: list[tuple[object, ...]] = []
    for n in arguments.sizes:
        for d in arguments.features:
            for seed in arguments.seeds:
                rows += compare(n, d, seed)
                print(*rows[-2:], sep="\n", flush=True)
                title = "Default fits by batches and by all pairs of the same samples."
                write_table(arguments.out, title, COLUMNS, rows, "kernel-ot numpy scipy")


if __name__ == "__main__":
    main()
