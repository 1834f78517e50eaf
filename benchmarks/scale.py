"""Time, memory and error of fits of many points; `python -m benchmarks.scale --help`.

Every case runs in a process of its own. Time is the processor's, with one BLAS thread; memory is
the largest anonymous resident memory (of a memory map the system may drop what is in memory, so
that does not count), sampled every 20 ms, less what there was before the fit.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat

from benchmarks.accuracy import _families
from kernel_ot import KernelOT
from kernel_ot._arrays import Array
from kernel_ot.distances import energy_distance
from kernel_ot.estimator import certify
from kernel_ot.kernels import Gaussian

_DATA = Path(__file__).parents[2] / "shared" / "data"
_RESULTS = Path(__file__).parent / "results"
_BLOCK = 500_000
Row = dict[str, Any]


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
def measured(row: Row, name: str) -> Iterator[None]:
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
        row[f"{name} s"] = round(time.process_time() - began, 1)
        done.set()
        thread.join()
        row[f"{name} MiB"] = round(peak - before)


def _anonymous_mib() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    return 0.0


def uvp(model: KernelOT, points: Array, truth: Array) -> float:
    """Return the unexplained variance of the map."""
    missed = np.sum(np.square(model.transform(points) - truth), axis=1)
    return float(missed.mean() / np.sum(np.var(truth, axis=0)))


def described(model: KernelOT) -> Row:
    """Return what a fitted model says of itself."""
    certificate = model.certificate_
    return {
        "status": model.solution_.status.name,
        "kernel": str(model.kernel_),
        "lambda_2": float(f"{model.reg_potential_:.2g}"),
        "contacts": len(model.x_fill_),
        "certificate": certificate.kind,
        "rows": certificate.n_rows,
        "violated share <=": float(f"{certificate.violated_share:.2g}"),
        "cost": float(f"{model.cost_:.6g}"),
        "lower bound": float(f"{certificate.lower_bound:.6g}"),
    }


def fixed_settings(n: int = 10_000) -> Row:
    """N = 1e4, d = 5, Gaussian(2.0), lambda_2 = 1e-3; all pairs certified."""
    transport, rng = map_of("softmax", 5), np.random.default_rng(n)
    x, y = rng.normal(size=(n, 5)), transport(rng.normal(size=(n, 5)))
    row: Row = {}
    with measured(row, "fit"):
        model = KernelOT(Gaussian(2.0), reg_potential=1e-3).fit(x, y)
    with measured(row, "certify"):
        certificate = certify(model, x, y, exact=True, progress=False)
    row["violation / mean cost"] = float(
        f"{certificate.largest_violation / model.samples_.mean_cost():.2g}"
    )
    test = rng.normal(size=(2000, 5))
    return row | {"uvp": uvp(model, test, transport(test))} | described(model)


def defaults(n: int, d: int = 5, dtype: str = "float64") -> Row:
    """All defaults, logcosh, from memory maps."""
    rng = np.random.default_rng(n + 1)
    row: Row = {}
    with tempfile.TemporaryDirectory() as folder:
        paths = write_samples(Path(folder), n, d, dtype)
        x, y = (np.load(path, mmap_mode="r") for path in paths)
        with measured(row, "fit"):
            model = KernelOT().fit(x, y)
        test = rng.normal(size=(4000, d))
        truth = map_of("logcosh", d)(test)
        row["uvp"] = uvp(model, test, truth)
        gaussian = KernelOT(Gaussian(1.0), reg_potential=1e6).fit(x[:4000], y[:4000])
        row["uvp of the Gaussian map"] = uvp(gaussian, test, truth)
        if n == 10**6:
            with measured(row, "transform of 1e6"):
                model.transform(x)
    return row | described(model)


def cells(n: int = 100_000, d: int = 48) -> Row:
    """Cells of the 4i data, drawn again with a tenth of each feature's spread as noise."""
    rng = np.random.default_rng(0)
    clouds = []
    for drug in ("trametinib", "erlotinib"):
        points = np.asarray(loadmat(_DATA / "4i" / f"{drug}.mat")["X"], dtype=np.float64)[:, :d]
        drawn = points[rng.integers(len(points), size=n + 2000)]
        clouds.append(drawn + 0.1 * points.std(axis=0) * rng.normal(size=drawn.shape))
    x, y = clouds
    row: Row = {}
    with measured(row, "fit"):
        model = KernelOT().fit(x[:n], y[:n])
    gaussian = KernelOT(Gaussian(1.0), reg_potential=1e6).fit(x[:4000], y[:4000])
    row["energy distance"] = energy_distance(model.transform(x[n:]), y[n:])
    row["energy distance of the Gaussian map"] = energy_distance(gaussian.transform(x[n:]), y[n:])
    return row | described(model)


def known_pairs(d: int, n: int = 20_000) -> Row:
    """Fit the pairs Mix3 -> Mix10 of Korotin et al. (2021)."""
    size = max(n, 20_000)
    data = np.load(_DATA / "w2" / f"mix3_mix10_d{d}_n{size}.npz")
    x, y, test, truth = (data[name].astype(np.float64) for name in ("x", "y", "x_test", "map_test"))
    row: Row = {}
    with measured(row, "fit"):
        model = KernelOT().fit(x[:n], y[:n])
    return row | {"uvp": uvp(model, test, truth)} | described(model)


CASES: dict[str, tuple[Callable[[], Row], str]] = {
    "1e4, Gaussian(2.0), 1e-3": (fixed_settings, "5 s + 10 s"),
    "1e5, defaults": (lambda: defaults(10**5), "15 s, uvp .0010"),
    "w2 d=2, 2e4": (lambda: known_pairs(2), "uvp .004"),
    "w2 d=4, 2e4": (lambda: known_pairs(4), "uvp .012"),
    "w2 d=8, 2e4": (lambda: known_pairs(8), "uvp .05"),
    "1e6, memory maps": (lambda: defaults(10**6), "60 s, 1 GiB, uvp .0008; transform 10 s"),
    "w2 d=8, 1e5": (lambda: known_pairs(8, 10**5), "uvp .035"),
    "1e5, d=20": (lambda: defaults(10**5, 20), "180 s, not worse than the Gaussian map"),
    "1e5, cells d=48": (cells, "180 s, not worse than the Gaussian map"),
    "1e4, defaults": (lambda: defaults(10**4), ""),
    "3e4, defaults": (lambda: defaults(3 * 10**4), ""),
    "3e5, defaults": (lambda: defaults(3 * 10**5), ""),
    "1e7, float32 memory maps": (lambda: defaults(10**7, dtype="float32"), "600 s, 2 GiB"),
}


def report(rows: dict[str, Row], path: Path, command: str) -> None:
    """Write the rows as a page."""
    lines = [
        f"# Fits of many points, {date.today()}",
        "",
        f"`{command}`, {platform.machine()}, Python {platform.python_version()}, one BLAS thread; "
        "processor seconds, MiB beyond the samples. Other work ran on the machine.",
        "",
        "| case | wanted | measured |",
        "|---|---|---|",
    ]
    for name, row in rows.items():
        found = ", ".join(
            f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}"
            for key, value in row.items()
        )
        lines.append(f"| {name} | {CASES[name][1]} | {found} |")
    path.write_text("\n".join(lines) + "\n")


def main() -> None:
    """Run the cases that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=list(CASES))
    parser.add_argument("--timeout", type=float, default=1800, help="seconds for a case")
    parser.add_argument("--out", type=Path, default=_RESULTS / f"{date.today()}-scale.md")
    parser.add_argument("--one", choices=list(CASES), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(CASES[arguments.one][0]()))
        return
    kept = arguments.out.with_suffix(".json")
    rows: dict[str, Row] = json.loads(kept.read_text()) if kept.exists() else {}
    for name in arguments.cases:
        try:
            process = subprocess.run(
                [sys.executable, "-m", "benchmarks.scale", "--one", name],
                capture_output=True,
                text=True,
                timeout=arguments.timeout,
                check=True,
            )
            rows[name] = json.loads(process.stdout.splitlines()[-1])
        except subprocess.TimeoutExpired:
            rows[name] = {"ended": f"not within {arguments.timeout:g} s of the clock"}
        except subprocess.CalledProcessError as error:
            rows[name] = {"failed": error.stderr.strip().splitlines()[-1][:200]}
        print(name, rows[name], flush=True)
        kept.write_text(json.dumps(rows, indent=1) + "\n")
        report(rows, arguments.out, "python -m benchmarks.scale")


if __name__ == "__main__":
    main()
