"""Time, memory and error of fits of many points; `python -m benchmarks.scale --help`.

Every case runs in a process of its own. Time is the processor's, with one BLAS thread; memory is
the largest anonymous resident memory (of a memory map the system may drop what is in memory, so
that does not count), sampled every 20 ms, less what there was before the fit. A case ends at the
limit of processor seconds or of memory, and its row says so. Cases are written to the table as they
end, beside those that are in it.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TypeAlias

import numpy as np
from scipy.io import loadmat

from benchmarks._tables import write_table
from benchmarks.accuracy import _families
from kernel_ot import KernelOT
from kernel_ot._arrays import Array
from kernel_ot.distances import energy_distance
from kernel_ot.estimator import certify
from kernel_ot.kernels import Gaussian
from kernel_ot.potentials import EntropicPotential

_DATA = Path(__file__).parents[2] / "shared" / "data"
_RESULTS = Path(__file__).parent / "results"
_BLOCK = 500_000
Row: TypeAlias = dict[str, float | str]
COLUMNS = (
    *(
        "case",
        "method",
        "family",
        "n",
        "d",
        "wanted",
        "seconds",
        "mib",
        "uvp",
        "gaussian_uvp",
        "energy",
    ),
    *("gaussian_energy", "certify_seconds", "transform_seconds", "compile_seconds", "kernel"),
    *("lambda_2", "contacts", "certificate", "rows", "violated_share", "cost", "lower_bound"),
    *("status",),
)
# Of a peer's Sinkhorn: of the mean cost, and of the marginals.
_EPSILON, _PEER_TOL = 0.01, 1e-3


def map_of(family: str, d: int, seed: int = 21) -> _families.Map:
    """Return the optimal map of a family: that of `make_case` with 1e5 points."""
    make = {"logcosh": _families._logcosh, "softmax": _families._softmax}[family]
    return make(d, np.random.default_rng([seed, d, 10**5, _families.FAMILIES.index(family)]))


def _same(points: Array) -> Array:
    return points


def write_samples(folder: Path, n: int, d: int, dtype: str) -> tuple[Path, Path]:
    """Write two samples of the family logcosh to .npy files, block by block."""
    transport, rng = map_of("logcosh", d), np.random.default_rng(n)
    paths = folder / "x.npy", folder / "y.npy"
    for path, function in zip(paths, (_same, transport), strict=True):
        out = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=(n, d))
        for start in range(0, n, _BLOCK):
            rows = min(_BLOCK, n - start)
            out[start : start + rows] = function(rng.normal(size=(rows, d)))
        out.flush()
    return paths


@contextmanager
def measured(row: Row, name: str = "") -> Iterator[None]:
    """Put processor seconds and the growth of memory of what is inside into the row."""
    before = _anonymous_mib()
    peak, done = before, threading.Event()

    def sample() -> None:
        nonlocal peak
        while not done.wait(0.02):
            peak = max(peak, _anonymous_mib())

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    began = time.process_time()
    try:
        yield
    finally:
        row[f"{name}seconds"] = round(time.process_time() - began, 1)
        done.set()
        thread.join()
        if not name:
            row["mib"] = round(peak - before)


def _anonymous_mib() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    return 0.0


def uvp(images: Array, truth: Array) -> float:
    """Return the unexplained variance of a map, from images of points and those they should be."""
    missed = np.sum(np.square(images - truth), axis=1)
    return _rounded(missed.mean() / np.sum(np.var(truth, axis=0)))


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def gaussian_map(model: KernelOT, points: Array) -> Array:
    """Return the images by the Gaussian map, in whose coordinates a model was fitted."""
    change = model.conjugation_
    return change.backward_y(change.forward_x(points))


def described(model: KernelOT) -> Row:
    """Return what a fitted model says of itself."""
    certificate = model.certificate_
    return {
        "kernel": str(model.kernel_),
        "lambda_2": _rounded(model.reg_potential_),
        "contacts": len(model.x_fill_),
        "certificate": certificate.kind,
        "rows": certificate.n_rows,
        "violated_share": _rounded(certificate.violated_share),
        "cost": float(f"{model.cost_:.6g}"),
        "lower_bound": float(f"{certificate.lower_bound:.6g}"),
        "status": model.solution_.status.name,
    }


def errors(model: KernelOT, test: Array, truth: Array) -> Row:
    """Return the errors of a model's map and of the Gaussian map."""
    return {
        "uvp": uvp(model.transform(test), truth),
        "gaussian_uvp": uvp(gaussian_map(model, test), truth),
    }


def fixed_settings(n: int = 10_000) -> Row:
    """N = 1e4, d = 5, Gaussian(2.0), lambda_2 = 1e-3; all pairs certified."""
    transport, rng = map_of("softmax", 5), np.random.default_rng(n)
    x, y = rng.normal(size=(n, 5)), transport(rng.normal(size=(n, 5)))
    row: Row = {}
    with measured(row):
        model = KernelOT(Gaussian(2.0), reg_potential=1e-3).fit(x, y)
    with measured(row, "certify_"):
        certify(model, x, y, exact=True, progress=False)
    test = rng.normal(size=(2000, 5))
    return row | errors(model, test, transport(test)) | described(model)


def defaults(n: int, d: int = 5, dtype: str = "float64") -> Row:
    """All defaults, logcosh, from memory maps."""
    rng = np.random.default_rng(n + 1)
    row: Row = {}
    with tempfile.TemporaryDirectory() as folder:
        paths = write_samples(Path(folder), n, d, dtype)
        x, y = (np.load(path, mmap_mode="r") for path in paths)
        with measured(row):
            model = KernelOT().fit(x, y)
        test = rng.normal(size=(4000, d))
        row |= errors(model, test, map_of("logcosh", d)(test))
        if n == 10**6:
            with measured(row, "transform_"):
                model.transform(x)
    return row | described(model)


def cells(n: int = 100_000, d: int = 48) -> Row:
    """Cells of the 4i data; of some 2500 a sample, n are made, every fifth is kept out.

    Those that are left are drawn with repetition, each with a tenth of every feature's spread as
    noise; the cells that were kept out stay as they were measured.
    """
    rng = np.random.default_rng(0)
    clouds, kept_out = [], []
    for drug in ("trametinib", "erlotinib"):
        points = np.asarray(loadmat(_DATA / "4i" / f"{drug}.mat")["X"], dtype=np.float64)[:, :d]
        points = rng.permutation(points)
        kept_out.append(points[::5])
        seen = np.delete(points, np.s_[::5], axis=0)
        drawn = seen[rng.integers(len(seen), size=n)]
        clouds.append(drawn + 0.1 * seen.std(axis=0) * rng.normal(size=drawn.shape))
    (x, y), (test_x, test_y) = clouds, kept_out
    row: Row = {}
    with measured(row):
        model = KernelOT().fit(x, y)
    row["energy"] = _rounded(energy_distance(model.transform(test_x), test_y))
    row["gaussian_energy"] = _rounded(energy_distance(gaussian_map(model, test_x), test_y))
    return row | described(model)


def known_pairs(d: int, n: int = 20_000) -> Row:
    """Fit the pairs Mix3 -> Mix10 of Korotin et al. (2021)."""
    size = max(n, 20_000)
    data = np.load(_DATA / "w2" / f"mix3_mix10_d{d}_n{size}.npz")
    x, y, test, truth = (data[name].astype(np.float64) for name in ("x", "y", "x_test", "map_test"))
    row: Row = {}
    with measured(row):
        model = KernelOT().fit(x[:n], y[:n])
    return row | errors(model, test, truth) | described(model)


def _peer_samples(n: int, d: int) -> tuple[Array, Array, Array, Array, float]:
    transport, rng = map_of("logcosh", d), np.random.default_rng(n)
    x, y = rng.normal(size=(n, d)), transport(rng.normal(size=(n, d)))
    test = rng.normal(size=(2000, d))
    mean_cost = (x.var(axis=0).sum() + y.var(axis=0).sum()) / 2
    mean_cost += np.square(x.mean(axis=0) - y.mean(axis=0)).sum() / 2
    return x, y, test, transport(test), _EPSILON * float(mean_cost)


def _entropic_errors(g: Array, y: Array, epsilon: float, test: Array, truth: Array) -> Row:
    potential = EntropicPotential(y, g.astype(np.float64), epsilon)  # equal masses do not matter
    return {"uvp": uvp(test - potential.gradient(test), truth)}


def by_ott(n: int, d: int = 5) -> Row:
    """OTT-JAX's Sinkhorn at 1 % of the mean cost, jitted; compile time apart."""
    import jax
    from ott.geometry import pointcloud
    from ott.problems.linear import linear_problem
    from ott.solvers.linear import sinkhorn

    x, y, test, truth, epsilon = _peer_samples(n, d)
    batch = None if n <= 10_000 else 1000
    solver = sinkhorn.Sinkhorn(threshold=_PEER_TOL, max_iterations=2000)

    def potential(a: Array, b: Array) -> tuple[Array, Array]:
        # Its cost is twice ours.
        geometry = pointcloud.PointCloud(a, b, epsilon=2 * epsilon, batch_size=batch)
        found = solver(linear_problem.LinearProblem(geometry))
        return found.g / 2, found.converged

    arrays = [jax.numpy.asarray(points, dtype="float32") for points in (x, y)]
    row: Row = {}
    with measured(row, "compile_"):
        compiled = jax.jit(potential).lower(*arrays).compile()
    with measured(row):
        g, converged = jax.block_until_ready(compiled(*arrays))
    row["status"] = "CONVERGED" if converged else "MAX_ITERATIONS"
    return row | _entropic_errors(np.asarray(g), y, epsilon, test, truth)


def by_geomloss(n: int, backend: str, d: int = 5) -> Row:
    """GeomLoss's Sinkhorn with a blur of the same epsilon; KeOps compiles its loops before."""
    import torch
    from geomloss import SamplesLoss

    torch.set_num_threads(1)
    x, y, test, truth, epsilon = _peer_samples(n, d)
    loss = SamplesLoss(
        "sinkhorn", p=2, blur=epsilon**0.5, debias=False, potentials=True, backend=backend
    )
    arrays = [torch.tensor(points, dtype=torch.float32) for points in (x, y)]
    row: Row = {}
    with measured(row, "compile_"):
        loss(*(points[:100] for points in arrays))
    with measured(row):
        _, g = loss(*arrays)
    row["status"] = f"ENDED, {backend}"
    return row | _entropic_errors(g.numpy().ravel(), y, epsilon, test, truth)


Case: TypeAlias = tuple[str, str, int, int, Callable[[], Row], str]
"""Method, family of maps, n, d, what measures it, what is wanted."""
_OURS = "kernel-ot"
CASES: dict[str, Case] = {
    "fixed settings": (_OURS, "softmax", 10**4, 5, fixed_settings, "5 s, 10 s to certify"),
    "defaults 1e4": (_OURS, "logcosh", 10**4, 5, lambda: defaults(10**4), ""),
    "defaults 1e5": (_OURS, "logcosh", 10**5, 5, lambda: defaults(10**5), "15 s, uvp .0010"),
    "defaults 1e6": (
        *(_OURS, "logcosh", 10**6, 5, lambda: defaults(10**6)),
        "60 s, 1 GiB, uvp .0008, transform 10 s",
    ),
    "w2 d=2": (_OURS, "w2", 20_000, 2, lambda: known_pairs(2), "uvp .004"),
    "w2 d=4": (_OURS, "w2", 20_000, 4, lambda: known_pairs(4), "uvp .012"),
    "w2 d=8": (_OURS, "w2", 20_000, 8, lambda: known_pairs(8), "uvp .05"),
    "w2 d=16": (_OURS, "w2", 20_000, 16, lambda: known_pairs(16), ""),
    "w2 d=32": (_OURS, "w2", 20_000, 32, lambda: known_pairs(32), ""),
    "GeomLoss 1e4": (
        *("GeomLoss", "logcosh", 10**4, 5, lambda: by_geomloss(10**4, "tensorized")),
        "",
    ),
    "GeomLoss KeOps 1e4": (
        *("GeomLoss, KeOps", "logcosh", 10**4, 5, lambda: by_geomloss(10**4, "online")),
        "",
    ),
    "OTT-JAX 1e4": ("OTT-JAX", "logcosh", 10**4, 5, lambda: by_ott(10**4), ""),
    "defaults d=20": (
        *(_OURS, "logcosh", 10**5, 20, lambda: defaults(10**5, 20)),
        "180 s, not worse than the Gaussian map",
    ),
    "defaults d=50": (
        *(_OURS, "logcosh", 10**5, 50, lambda: defaults(10**5, 50)),
        "180 s, not worse than the Gaussian map",
    ),
    "cells 4i": (_OURS, "cells", 10**5, 48, cells, "180 s, not worse than the Gaussian map"),
    "defaults 1e7 float32": (
        *(_OURS, "logcosh", 10**7, 5, lambda: defaults(10**7, dtype="float32")),
        "600 s, 2 GiB",
    ),
    "w2 d=8 1e5": (_OURS, "w2", 10**5, 8, lambda: known_pairs(8, 10**5), "uvp .035"),
    "OTT-JAX 1e5": ("OTT-JAX", "logcosh", 10**5, 5, lambda: by_ott(10**5), ""),
    "GeomLoss 1e5": (
        *("GeomLoss", "logcosh", 10**5, 5, lambda: by_geomloss(10**5, "tensorized")),
        "",
    ),
    "GeomLoss KeOps 1e5": (
        *("GeomLoss, KeOps", "logcosh", 10**5, 5, lambda: by_geomloss(10**5, "online")),
        "",
    ),
}


def read(path: Path) -> dict[str, Row]:
    """Return the rows of a table by their case."""
    if not path.exists():
        return {}
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return {row["case"]: dict(row) for row in csv.DictReader(lines)}


def run_alone(name: str, seconds: int, gib: float) -> Row:
    """Run a case in a process of its own, within processor seconds and memory."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
        # What is mapped from files does not count.
        resource.setrlimit(resource.RLIMIT_DATA, (int(gib * 2**30),) * 2)

    command = [sys.executable, "-m", "benchmarks.scale", "--one", name]
    # The last line of an error is then the error.
    settings = {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false", "JAX_TRACEBACK_FILTERING": "off"}
    process = subprocess.run(
        command, capture_output=True, text=True, preexec_fn=limit, env=os.environ | settings
    )
    if process.returncode == 0:
        return dict(json.loads(process.stdout.splitlines()[-1]))
    if process.returncode == -signal.SIGXCPU:
        return {"status": f"not within {seconds} processor seconds"}
    said = process.stderr.strip().splitlines() or [f"ended by signal {-process.returncode}"]
    return {"status": f"failed with {gib:g} GiB: " + said[-1][:120]}


def main() -> None:
    """Run the cases that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=list(CASES))
    parser.add_argument("--seconds", type=int, default=600, help="processor seconds a case")
    parser.add_argument("--gib", type=float, default=16, help="memory of a case")
    parser.add_argument("--out", type=Path, default=_RESULTS / f"{date.today()}-scale.csv")
    parser.add_argument("--one", choices=list(CASES), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(CASES[arguments.one][4]()))
        return
    for name in arguments.cases:
        method, family, n, d, _, wanted = CASES[name]
        row: Row = {"case": name, "method": method, "family": family, "wanted": wanted}
        row |= {"n": n, "d": d} | run_alone(name, arguments.seconds, arguments.gib)
        print(row, flush=True)
        rows = read(arguments.out) | {name: row}
        write_table(
            arguments.out,
            "Fits of many points: processor seconds, MiB beyond the samples, error of the map.",
            COLUMNS,
            [[rows[case].get(key, "") for key in COLUMNS] for case in CASES if case in rows],
            "kernel-ot numpy scipy ott-jax jax geomloss torch",
        )


if __name__ == "__main__":
    main()
