"""Single cells (4i) of one drug mapped onto another's, judged on held-out cells.

The cells are those that Bunne et al. (Nature Methods 2023) measured, one `.mat` file a drug, with
the variable X: one cell a row, 48 features.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import permutations, product
from pathlib import Path
from time import process_time

import numpy as np
from scipy.io import loadmat
from scipy.spatial.distance import cdist, pdist

from benchmarks._tables import mean_and_error
from benchmarks.accuracy._families import Case
from benchmarks.accuracy._methods import entropic_path, gaussian
from kernel_ot import KernelOT
from kernel_ot._arrays import Array
from kernel_ot.distances import energy_distance
from kernel_ot.kernels import Gaussian

Map = Callable[[Array], Array]
FIT_FRACTION = 0.6
# Relative to the mean cost of a pair.
_ENTROPIC_GRID = (0.001, 0.003, 0.01, 0.03)


@dataclass(frozen=True)
class CellResult:
    """One method on one ordered pair of drugs and one split; distances of T(x_test) to y_test.

    The last three are the metrics of CellOT (Bunne et al. 2023): the squared MMD averaged over 50
    bandwidths, and the distance and squared correlation of the features' means.
    """

    source: str
    target: str
    split: int
    method: str
    energy: float
    mmd: float
    seconds: float
    setting: str = ""
    mmd_many: float = float("nan")
    l2_means: float = float("nan")
    r2_means: float = float("nan")


def cells_directory() -> Path | None:
    """Return where the cells are: KERNEL_OT_4I, else beside the repository; None if nowhere."""
    given = os.environ.get("KERNEL_OT_4I")
    places = [Path(given)] if given else [Path(__file__).parents[3] / "shared" / "data" / "4i"]
    return next((place for place in places if any(place.glob("*.mat"))), None)


def read_cells(directory: Path) -> dict[str, Array]:
    """Return the cells of every drug, (cells, features)."""
    return {
        file.stem: np.asarray(loadmat(file)["X"], np.float64)
        for file in sorted(directory.glob("*.mat"))
    }


def _split(points: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    order = rng.permutation(len(points))
    n_fit = round(FIT_FRACTION * len(points))
    return points[order[:n_fit]], points[order[n_fit:]]


def mmd(x: Array, y: Array, bandwidth: float) -> float:
    """Return the squared maximum mean discrepancy (biased) for a Gaussian kernel."""
    kernel = Gaussian(bandwidth)
    return float(kernel(x, x).mean() + kernel(y, y).mean() - 2 * kernel(x, y).mean())


def cellot_metrics(x: Array, y: Array) -> tuple[float, float, float]:
    """Return CellOT's MMD, l2 and r2 of the means between two samples."""
    squares = [cdist(a, b, "sqeuclidean") for a, b in ((x, x), (y, y), (x, y))]
    values = []
    for gamma in np.logspace(1, -3, 50):
        xx, yy, xy = (float(np.exp(-gamma * square).mean()) for square in squares)
        values.append(xx + yy - 2 * xy)
    means = x.mean(axis=0), y.mean(axis=0)
    r2 = float(np.corrcoef(*means)[0, 1] ** 2)
    return float(np.mean(values)), float(np.linalg.norm(means[0] - means[1])), r2


def _default(x: Array, y: Array) -> tuple[str, Map]:
    """Return what `KernelOT()` chose and its map."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = KernelOT().fit(x, y)
    setting = f"{model.kernel_}, {model.reg_potential_:g}, {len(model.x_fill_)} points"
    return setting, model.transform


def _maps(x: Array, y: Array) -> Iterator[tuple[str, str, Map]]:
    """Yield name, setting and map of every method; a name that comes again is one more setting."""
    yield "identity", "", lambda points: points
    shift = y.mean(axis=0) - x.mean(axis=0)
    yield "mean shift", "", lambda points: np.asarray(points + shift)
    case = Case("cells", x, y, x, x, 0.0)
    yield "Gaussian map", "", next(gaussian(case)).transport
    yield "kernel-ot", *_default(x, y)
    for relative, estimate in zip(_ENTROPIC_GRID, entropic_path(case, _ENTROPIC_GRID), strict=True):
        yield "entropic (best)", f"{relative:g} x mean cost", estimate.transport


def run_cells(directory: Path, splits: Iterable[int], path: Path) -> list[CellResult]:
    """Run what `path` does not hold yet of all ordered pairs of drugs and splits.

    Of several settings of one method the one with the smallest energy distance on the held-out
    cells counts: its best, chosen with the truth.
    """
    cells = read_cells(directory)
    done = {(r.source, r.target, r.split) for r in read_cell_results(path)}
    path.parent.mkdir(parents=True, exist_ok=True)
    for split, (source, target) in product(splits, permutations(cells, 2)):
        if (source, target, split) in done:
            continue
        rng = np.random.default_rng([split, *(sorted(cells).index(d) for d in (source, target))])
        (x, x_test), (y, y_test) = _split(cells[source], rng), _split(cells[target], rng)
        bandwidth = float(np.median(pdist(y_test)))
        best: dict[str, CellResult] = {}
        began = process_time()
        for method, setting, transport in _maps(x, y):
            images = transport(x_test)
            distances = energy_distance(images, y_test), mmd(images, y_test, bandwidth)
            seconds = process_time() - began
            result = CellResult(
                source,
                target,
                split,
                method,
                *distances,
                seconds,
                setting,
                *cellot_metrics(images, y_test),
            )
            if method not in best or result.energy < best[method].energy:
                best[method] = result
            began = process_time()
        with path.open("a") as file:
            file.writelines(json.dumps(asdict(result)) + "\n" for result in best.values())
        energies = ", ".join(f"{m} {r.energy:.4f}" for m, r in best.items())
        print(f"{source} to {target}, split {split}: {energies}", flush=True)
    return read_cell_results(path)


def read_cell_results(path: Path) -> list[CellResult]:
    """Return the results in `path`, none if there is no such file."""
    if not path.exists():
        return []
    return [CellResult(**json.loads(line)) for line in path.read_text().splitlines()]


def cell_table(results: Iterable[CellResult]) -> str:
    """Return a Markdown table: mean over pairs and splits, standard error over them, by method."""
    methods: dict[str, list[CellResult]] = {}
    for result in results:
        methods.setdefault(result.method, []).append(result)
    lines = [
        "| method | pairs x splits | energy distance | MMD^2 | CellOT's MMD | l2 | r2 | seconds |",
        "|---" * 8 + "|",
    ]
    for method, found in methods.items():
        entries = [
            _mean(np.array([getattr(r, name) for r in found]), digits)
            for name, digits in (
                ("energy", 5),
                ("mmd", 6),
                ("mmd_many", 6),
                ("l2_means", 4),
                ("r2_means", 4),
                ("seconds", 1),
            )
        ]
        lines.append(f"| {method} | {len(found)} | {' | '.join(entries)} |")
    return "\n".join(lines)


def paired_table(results: Iterable[CellResult], ours: str = "kernel-ot") -> str:
    """Return a Markdown table of our distance minus theirs on the same pair and split."""
    by_case: dict[tuple[str, str, int], dict[str, CellResult]] = {}
    for result in results:
        by_case.setdefault((result.source, result.target, result.split), {})[result.method] = result
    others = dict.fromkeys(m for case in by_case.values() for m in case if m != ours)
    lines = ["| kernel-ot minus | energy distance | MMD^2 | better on |", "|---" * 4 + "|"]
    for method in others:
        pairs = [(c[ours], c[method]) for c in by_case.values() if ours in c and method in c]
        energy = np.array([mine.energy - other.energy for mine, other in pairs])
        squares = np.array([mine.mmd - other.mmd for mine, other in pairs])
        better = f"{np.sum(energy < 0)} of {len(pairs)}"
        lines.append(f"| {method} | {_mean(energy, 5)} | {_mean(squares, 6)} | {better} |")
    return "\n".join(lines)


def _mean(values: Array, digits: int) -> str:
    mean, error = mean_and_error(values)
    return f"{mean:.{digits}f} ± {error:.{digits}f}"
