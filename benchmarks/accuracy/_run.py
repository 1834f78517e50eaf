"""Run the grid of cases, one row of a table a result, so that an interrupted run goes on."""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from time import process_time

from benchmarks._tables import write_table
from benchmarks.accuracy._families import Case, make_case
from benchmarks.accuracy._methods import METHODS, VARIANTS, Estimate, uvp
from benchmarks.accuracy._pairs import FAMILY, pair_case, pairs_directory

LIBRARIES = "numpy scipy scikit-learn POT"
ROWS_TITLE = (
    "Every fit: uvp is E|T_hat - T|^2 / Var(T) at 2000 fresh points, low to high the 95 % "
    "interval of the cost. entropic (best): the best of 4 or 5 regularisations by the truth."
)


@dataclass(frozen=True)
class Result:
    """One method on one case; `cost` is None where the method has none.

    `seconds` is processor time, summed over threads: other programs on the machine do not count.
    `low` and `high` are the 95 % interval of the cost, where a method says one.
    """

    family: str
    d: int
    n: int
    seed: int
    method: str
    uvp: float
    cost: float | None
    true_cost: float
    seconds: float
    low: float | None = None
    high: float | None = None


def read_results(path: Path) -> list[Result]:
    """Return the results in `path`, none if there is no such file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        table = csv.DictReader(line for line in file if not line.startswith("#"))
        return [_parsed(row) for row in table]


def _parsed(row: dict[str, str]) -> Result:
    cost, low, high = (float(row[name]) if row[name] else None for name in ("cost", "low", "high"))
    return Result(
        family=row["family"],
        d=int(row["d"]),
        n=int(row["n"]),
        seed=int(row["seed"]),
        method=row["method"],
        uvp=float(row["uvp"]),
        cost=cost,
        true_cost=float(row["true_cost"]),
        seconds=float(row["seconds"]),
        low=low,
        high=high,
    )


def _append(path: Path, result: Result) -> None:
    """Add a row to the table in `path`, which begins with a head if it is new."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = [field.name for field in fields(Result)]
        write_table(path, ROWS_TITLE, columns, [], LIBRARIES)
    with path.open("a", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerow(astuple(result))


def run(
    cells: Iterable[tuple[str, int, int, int]],
    methods: Iterable[str],
    path: Path,
    on_case: Callable[[list[Result]], None] | None = None,
) -> list[Result]:
    """Run what `path` does not hold yet of all (family, d, n, seed) and methods.

    `on_case` is told all results so far after each case, so that a part can be used.
    """
    done = {(r.family, r.d, r.n, r.seed, r.method) for r in read_results(path)}
    methods = [m for m in methods if m != "OTT entropic (best)" or _has_ott()]
    for family, d, n, seed in cells:
        missing = [m for m in methods if (family, d, n, seed, m) not in done]
        if not missing:
            continue
        case = _case(family, d, n, seed)
        for method in missing:
            began = process_time()
            best: tuple[float, Estimate] | None = None
            for estimate in {**METHODS, **VARIANTS}[method](case):
                error = uvp(estimate.transport(case.test), case.truth)
                if best is None or error < best[0]:
                    best = error, estimate
            assert best is not None
            error, estimate = best
            result = Result(
                family,
                d,
                n,
                seed,
                method,
                error,
                estimate.cost,
                case.cost,
                process_time() - began,
                *(estimate.interval or ()),
            )
            _append(path, result)
            print(
                f"{family:14s} d={d:<3d} n={n:<5d} seed={seed} {method:20s} "
                f"UVP {result.uvp:.4f}  {result.seconds:6.1f} s",
                flush=True,
            )
        if on_case is not None:
            on_case(read_results(path))
    return read_results(path)


def _case(family: str, d: int, n: int, seed: int) -> Case:
    if family != FAMILY:
        return make_case(family, d, n, seed)
    directory = pairs_directory()
    if directory is None:
        raise SystemExit("The pairs were not found; set KERNEL_OT_W2 to the folder of .npz files.")
    return pair_case(directory, d, n, seed)


def _has_ott() -> bool:
    if importlib.util.find_spec("ott") is not None:
        return True
    print("OTT-JAX is not installed (pip install ott-jax): its entropic map is left out.")
    return False
