"""Default fits of this version against another checkout, interleaved, in processor seconds.

``python -m benchmarks.fit --base ../old-checkout --out fit.csv``: each case is fitted by either
version in a process of its own, in turn, with one BLAS thread; ratios are of pairs of one run.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

CASES = (
    ("logcosh", 1, 300),
    ("logcosh", 2, 300),
    ("softmax", 5, 300),
    ("softmax", 8, 300),
    ("logcosh", 2, 1000),
    ("softmax", 5, 1000),
)
LARGE_CASES = (("logcosh", 2, 2000), ("softmax", 5, 2000), ("logcosh", 2, 3000))
_FIELDS = (
    "family",
    "d",
    "n",
    "seed",
    "version",
    "seconds",
    "uvp",
    "contacts",
    "residual",
    "rounds",
)
# Runs in either version, so only of what both have.
_PROGRAM = """
import json, sys, time
import numpy as np
from benchmarks.accuracy._families import make_case
from benchmarks.accuracy._methods import uvp
from kernel_ot import KernelOT
family, d, n, seed = sys.argv[1], *map(int, sys.argv[2:])
case = make_case(family, d, n, seed)
KernelOT().fit(case.x[:20], case.y[:20])
began = time.process_time()
model = KernelOT().fit(case.x, case.y)
seconds = time.process_time() - began
print(json.dumps(dict(
    seconds=seconds, uvp=float(uvp(model.transform(case.test), case.truth)),
    contacts=len(model.x_fill_), residual=float(model.solution_.optimality.residual),
    rounds=len(model.rounds_),
)))
"""


def fit_once(checkout: Path, case: tuple[str, int, int], seed: int) -> dict[str, float]:
    """Return what one default fit of that checkout gave, in a process of its own."""
    family, d, n = case
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    paths = os.pathsep.join([str(checkout / "src"), str(checkout)])
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _PROGRAM, family, str(d), str(n), str(seed)],
        cwd=checkout,
        env={**os.environ, **threads, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(ended.stdout)
    return found


def main() -> None:
    """Fit every case with both versions in turn and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, required=True, help="checkout to compare with")
    parser.add_argument("--seeds", type=int, nargs="+", default=[41, 42, 43])
    parser.add_argument("--large", action="store_true", help="n = 2000 and 3000 too")
    parser.add_argument("--out", type=Path, help="CSV with every fit")
    options = parser.parse_args()
    versions = {"this": Path(__file__).parents[1], "base": options.base.resolve()}
    rows: list[dict[str, object]] = []
    print("case | seconds base, this | ratio | UVP base, this | mean log UVP ratio")
    for case in CASES + (LARGE_CASES if options.large else ()):
        found: dict[str, list[dict[str, float]]] = {name: [] for name in versions}
        for seed in options.seeds:
            for name, checkout in versions.items():
                found[name].append(fit_once(checkout, case, seed))
                key = dict(
                    zip(("family", "d", "n", "seed", "version"), (*case, seed, name), strict=True)
                )
                rows.append({**key, **found[name][-1]})
        seconds, errors = (
            {name: np.array([one[what] for one in ones]) for name, ones in found.items()}
            for what in ("seconds", "uvp")
        )
        ratio = np.median(seconds["this"] / seconds["base"])
        print(
            f"{case[0]} d={case[1]} n={case[2]} | {np.median(seconds['base']):.2f}, "
            f"{np.median(seconds['this']):.2f} | {ratio:.2f} | "
            f"{errors['base'].mean():.4f}, {errors['this'].mean():.4f} | "
            f"{np.log(errors['this'] / errors['base']).mean():+.3f}",
            flush=True,
        )
    if options.out is not None:
        with options.out.open("w", newline="") as file:
            writer = csv.DictWriter(file, _FIELDS)
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
