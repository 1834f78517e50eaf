"""Default fits of this version against an older one, interleaved, in processor seconds.

``python -m benchmarks.fit --peers --out fit.csv``: each case is fitted by either version in a
process of its own, in turn, with one BLAS thread; ratios are of pairs of one run. The older version
is a commit of this repository (a9f94e7 by default) or any checkout. With `--peers`, POT's and
OTT-JAX's Sinkhorn at one regularisation (1 % of the mean cost, marginals to 1e-6 or until
their own limit of iterations) run beside them.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TypeAlias

import numpy as np

Case: TypeAlias = tuple[str, int, int]
"""Family, dimension, points of a sample."""

CASES: tuple[Case, ...] = (
    ("logcosh", 1, 300),
    ("logcosh", 2, 300),
    ("softmax", 5, 300),
    ("softmax", 8, 300),
    ("logcosh", 2, 1000),
    ("softmax", 5, 1000),
)
LARGE_CASES: tuple[Case, ...] = (("logcosh", 2, 2000), ("softmax", 5, 2000), ("logcosh", 2, 3000))
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


# Sinkhorn at one regularisation, which nobody chose: what a user would run otherwise, at its least.
_PEER_PROGRAM = """
import json, sys, time
import numpy as np
from benchmarks.accuracy._families import make_case
from benchmarks.accuracy._methods import uvp
peer, family, d, n, seed = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
case = make_case(family, d, n, seed)
half_squares = ((case.x[:, None] - case.y) ** 2).sum(axis=2) / 2
reg = .01 * half_squares.mean()

def by_pot():
    import ot
    a = np.full(len(case.x), 1 / len(case.x)); b = np.full(len(case.y), 1 / len(case.y))
    _, log = ot.bregman.sinkhorn_log(
        a, b, half_squares, reg, stopThr=1e-6, log=True, warn=False
    )
    return reg * log["log_v"]

def by_ott():
    import jax
    jax.config.update("jax_enable_x64", True)
    from ott.geometry import pointcloud
    from ott.problems.linear import linear_problem
    from ott.solvers.linear import sinkhorn
    geometry = pointcloud.PointCloud(case.x, case.y, epsilon=2 * reg)  # its cost is |x - y|^2
    solver = jax.jit(sinkhorn.Sinkhorn(threshold=1e-6))
    problem = linear_problem.LinearProblem(geometry)
    solver(problem)  # compiled, not counted
    global began
    began = time.process_time()
    return np.asarray(solver(problem).g) / 2

began = time.process_time()
potential = {"pot": by_pot, "ott": by_ott}[peer]()
seconds = time.process_time() - began
from scipy.special import softmax
cost = ((case.test[:, None] - case.y) ** 2).sum(axis=2) / 2
images = softmax((potential - cost) / reg, axis=1) @ case.y
print(json.dumps(dict(seconds=seconds, uvp=float(uvp(images, case.truth)))))
"""
_PEERS, _PEER_LIMIT = ("pot", "ott"), 120.0
_BASE_COMMIT = "a9f94e7"


def _run(program: str, checkout: Path, arguments: list[str], limit: float | None = None) -> str:
    """Return what a program printed, run in a process of its own with one BLAS thread."""
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    paths = os.pathsep.join([str(checkout / "src"), str(checkout)])
    # XLA counts cores by itself; one core is what the others have.
    command = [sys.executable, "-W", "ignore", "-c", program, *arguments]
    return subprocess.run(
        command,
        cwd=checkout,
        env={**os.environ, **threads, "PYTHONPATH": paths, "XLA_FLAGS": _ONE_CORE},
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        text=True,
        check=True,
        timeout=limit,
    ).stdout


_ONE_CORE = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def fit_once(checkout: Path, case: Case, seed: int) -> dict[str, float]:
    """Return what one default fit of that checkout gave."""
    family, d, n = case
    found: dict[str, float] = json.loads(
        _run(_PROGRAM, checkout, [family, f"{d}", f"{n}", f"{seed}"])
    )
    return found


def peer_once(peer: str, case: Case, seed: int) -> dict[str, float]:
    """Return what Sinkhorn took and gave; infinitely long where it was stopped."""
    family, d, n = case
    here = Path(__file__).parents[1]
    arguments = [peer, family, f"{d}", f"{n}", f"{seed}"]
    try:
        found: dict[str, float] = json.loads(_run(_PEER_PROGRAM, here, arguments, _PEER_LIMIT))
    except subprocess.TimeoutExpired:
        return {"seconds": float("inf"), "uvp": float("nan")}
    return found


def checkout_of(base: str) -> Path:
    """Return the folder of the older version; a commit is unpacked under `benchmark-output/`."""
    if Path(base).is_dir():
        return Path(base).resolve()
    root = Path(__file__).parents[1]
    target = root / "benchmark-output" / f"version-{base}"
    if not target.exists():
        archive = subprocess.run(
            ["git", "archive", base], cwd=root, capture_output=True, check=True
        ).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(target, filter="data")
    return target


def main() -> None:
    """Fit every case with both versions, and with peers if asked, in turn; print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default=_BASE_COMMIT, help="commit or checkout to compare with")
    parser.add_argument("--seeds", type=int, nargs="+", default=[41, 42, 43])
    parser.add_argument("--peers", action="store_true", help="Sinkhorn beside, until 120 s each")
    parser.add_argument("--large", action="store_true", help="n = 2000 and 3000 alone")
    parser.add_argument("--out", type=Path, help="CSV with every fit")
    options = parser.parse_args()
    versions = {"base": checkout_of(options.base), "this": Path(__file__).parents[1]}
    names = (*versions, *(_PEERS if options.peers else ()))
    rows: list[dict[str, object]] = []
    print(
        f"case | seconds {', '.join(names)} | ratio | UVP {', '.join(names)} | mean log UVP ratio"
    )
    for case in LARGE_CASES if options.large else CASES:
        found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
        for seed in options.seeds:
            for name in names:
                one = (
                    fit_once(versions[name], case, seed)
                    if name in versions
                    else peer_once(name, case, seed)
                )
                found[name].append(one)
                key = dict(zip(_FIELDS[:5], (*case, seed, name), strict=True))
                rows.append({**key, **one})
        print(_line(case, found), flush=True)
    if options.out is not None:
        with options.out.open("w", newline="") as file:
            writer = csv.DictWriter(file, _FIELDS)
            writer.writeheader()
            writer.writerows(rows)


def _line(case: Case, found: dict[str, list[dict[str, float]]]) -> str:
    """Return a row of the printed table: medians of times, means of errors."""
    seconds = {name: np.array([one["seconds"] for one in ones]) for name, ones in found.items()}
    errors = {name: np.array([one["uvp"] for one in ones]) for name, ones in found.items()}
    cells = (
        f"{case[0]} d={case[1]} n={case[2]}",
        ", ".join(f"{np.median(each):.2f}" for each in seconds.values()),
        f"{np.median(seconds['this'] / seconds['base']):.2f}",
        ", ".join(f"{each.mean():.4f}" for each in errors.values()),
        f"{np.log(errors['this'] / errors['base']).mean():+.3f}",
    )
    return " | ".join(cells)


if __name__ == "__main__":
    main()
