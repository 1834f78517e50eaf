"""What each command does, free of the command line: files in, files and a summary out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np

from kernel_ot._arrays import Array, counted
from kernel_ot._files import ARCHIVE, PAGE, check_destination
from kernel_ot.cli._options import TableOptions
from kernel_ot.cli._reporting import Result
from kernel_ot.diagnostics import Diagnostics
from kernel_ot.distances import energy_distance
from kernel_ot.divergences import two_sample_test
from kernel_ot.estimator import KernelOT
from kernel_ot.io import check_table_destination, split_variable, write_table
from kernel_ot.progress import fit_goal, fit_progress, map_with_progress
from kernel_ot.samples import LAZY_SUFFIXES, Sliceable, open_points

# Above, files that can be are read by blocks; names of features are then not read.
_MOST_BYTES_IN_MEMORY = 2**26


def fit(
    source: str,
    target: str,
    out: Path,
    parameters: Mapping[str, object],
    tables: TableOptions,
    *,
    progress: bool | None = None,
) -> tuple[Result, int]:
    """Fit, save, and return the summary and the exit code."""
    _check_no_input(out, source, target)
    check_destination(out, ARCHIVE)
    began = perf_counter()
    (x, names_x), (y, names_y) = (_points(file, tables) for file in (source, target))
    _check_same_features(names_x, names_y, source, target)
    model: KernelOT = KernelOT().set_params(**parameters)
    with fit_progress(progress, fit_goal(model)) as callback:
        model.set_params(callback=callback).fit(x, y)
    model.set_params(callback=None)  # the bar is no part of the model
    if names_x is not None:
        model.feature_names_in_ = np.array(names_x, dtype=object)
    model.save(out)
    solution = model.solution_
    result = {"model": str(out), **describe(model), "seconds": perf_counter() - began}
    return result, 130 if solution.status.name == "INTERRUPTED" else 0


def _points(source: str, tables: TableOptions) -> tuple[Sliceable, tuple[str, ...] | None]:
    """Return points and their features' names; what is large is left in its file."""
    if _is_large(source):
        return open_points(source), None
    table = tables.read(source)
    return table.values, table.feature_names


def _is_large(source: str) -> bool:
    """Return whether a file is one that can be read by blocks, and worth it."""
    path, _ = split_variable(source)
    if path.suffix.lower() not in LAZY_SUFFIXES or not path.exists():
        return False
    return path.is_dir() or path.stat().st_size > _MOST_BYTES_IN_MEMORY


def transform(
    model_file: Path,
    points: str,
    out: str,
    tables: TableOptions,
    *,
    inverse: bool,
    progress: bool | None = None,
    overwrite: bool = False,
) -> Result:
    """Map the points of a file into another file and return the summary."""
    file, _ = check_table_destination(out, points)
    if not (overwrite and _adds_to_input(out, points)):
        _check_no_input(file, points, model_file)
    if file.exists() and not overwrite:
        raise ValueError(f"{file} exists; give another --out, or --overwrite to replace it.")
    began = perf_counter()
    model = KernelOT.load(model_file)
    function = model.inverse_transform if inverse else model.transform
    if file.suffix == ".npy" and _is_large(points):
        shape = function(points, out=file).shape
        return _mapped(file, shape, inverse, began)
    table = tables.read(points)
    names = getattr(model, "feature_names_in_", None)
    _check_same_features(names, table.feature_names, str(model_file), points)
    images = map_with_progress(function, table.values, desc="map", shown=progress)
    file = write_table(out, replace(table, values=images), like=points)
    return _mapped(file, table.shape, inverse, began)


def _mapped(file: Path, shape: tuple[int, int], inverse: bool, began: float) -> Result:
    return {
        "out": str(file),
        "points": shape[0],
        "features": shape[1],
        "direction": "target to source" if inverse else "source to target",
        "seconds": perf_counter() - began,
    }


def info(model_file: Path) -> Result:
    """Return what a saved model says of itself."""
    return {"model": str(model_file), **describe(KernelOT.load(model_file))}


def summary(
    model_file: Path, source: str | None, target: str | None, tables: TableOptions
) -> Diagnostics:
    """Return what a saved model says of itself, judged by fresh samples if there are any."""
    model = KernelOT.load(model_file)
    return model.summary(*_fresh(model, model_file, source, target, tables))


def report(
    model_file: Path, source: str | None, target: str | None, out: Path, tables: TableOptions
) -> str:
    """Write the report of a model and return where it is."""
    _check_no_input(out, model_file, *filter(None, (source, target)))
    check_destination(out, PAGE)
    model = KernelOT.load(model_file)
    return str(model.report(out, *_fresh(model, model_file, source, target, tables)))


def _fresh(
    model: KernelOT,
    model_file: Path,
    source: str | None,
    target: str | None,
    tables: TableOptions,
) -> tuple[Array | None, Array | None]:
    if (source is None) != (target is None):
        raise ValueError("Fresh samples come in pairs; give both, or none.")
    if source is None or target is None:
        return None, None
    x, y = tables.read(source), tables.read(target)
    _check_same_features(x.feature_names, y.feature_names, source, target)
    names = getattr(model, "feature_names_in_", None)
    for table, file in ((x, source), (y, target)):
        _check_same_features(names, table.feature_names, str(model_file), file)
    return x.values, y.values


def distance(
    first: str,
    second: str,
    tables: TableOptions,
    *,
    transport: bool,
    seed: int,
    progress: bool | None = None,
) -> Result:
    """Return distances between the samples of two files."""
    x, y = tables.read(first), tables.read(second)
    _check_same_features(x.feature_names, y.feature_names, first, second)
    result: dict[str, object] = {"n_first": x.shape[0], "n_second": y.shape[0]}
    if transport:
        model = KernelOT(random_state=seed)
        with fit_progress(progress, fit_goal(model)) as callback:
            model.set_params(callback=callback).fit(x.values, y.values)
        result |= {"wasserstein": float(model.wasserstein_), "cost": float(model.cost_)}
        result["converged"] = bool(model.solution_.converged)
    return result | {"energy_distance": energy_distance(x.values, y.values)}


def compare(
    first: str,
    second: str,
    tables: TableOptions,
    *,
    permutations: int,
    seed: int,
    n_jobs: int | None,
) -> Result:
    """Return the p-value of the samples of two files being of one distribution."""
    x, y = tables.read(first), tables.read(second)
    _check_same_features(x.feature_names, y.feature_names, first, second)
    found = two_sample_test(
        x.values, y.values, n_permutations=permutations, random_state=seed, n_jobs=n_jobs
    )
    return {
        "p_value": found.p_value,
        "standard_error": found.standard_error,
        "statistic": found.statistic,
        "permutations": found.n_permutations,
        "exact": found.exact,
        "n_first": x.shape[0],
        "n_second": y.shape[0],
    }


def describe(model: KernelOT) -> Result:
    """Return the facts of a fitted model as plain numbers and strings."""
    solution = model.solution_
    return {
        "verdict": None if model.verdict_ is None else model.verdict_.sentence,
        "cost": float(model.cost_),
        "wasserstein": float(model.wasserstein_),
        "converged": bool(solution.converged),
        "status": solution.status.name,
        "message": solution.status.message,
        "residual": float(solution.residual),
        "method": solution.method,
        "iterations": int(solution.iterations),
        "solver_seconds": float(solution.seconds),
        "sample_cost_lower_bound": float(model.certificate_.lower_bound),
        "sample_cost_lower_bound_proven": model.certificate_.proven,
        "features": int(model.n_features_in_),
        "filling_points": len(model.x_fill_),
        "kernel": str(model.kernel_),
        "reg_sos": float(model.reg_sos_),
        "reg_potential": float(model.reg_potential_),
    }


def _adds_to_input(out: str, points: str) -> bool:
    """Return whether `out` is an entry of obsm beside what is read from the same .h5ad file."""
    (file, entry), (source, read) = split_variable(out), split_variable(points)
    same = file.exists() and source.exists() and file.samefile(source)
    if not same or entry is None or file.suffix.lower() != ".h5ad":
        return False
    folder, _, key = entry.rpartition("/")
    return folder in ("", "obsm") and key not in ("X", (read or "X").rpartition("/")[2])


def _check_no_input(out: Path, *inputs: str | Path) -> None:
    """Raise ValueError if `out` is one of the inputs, under whatever name."""
    for source in inputs:
        path, _ = split_variable(source)
        if out.exists() and path.exists() and out.samefile(path):
            raise ValueError(f"--out {out} is the input {path}; inputs are never written over.")


def _check_same_features(
    first: tuple[str, ...] | None, second: tuple[str, ...] | None, name: str, other: str
) -> None:
    if first is None or second is None or tuple(first) == tuple(second):
        return
    if len(first) != len(second):
        raise ValueError(
            f"{name} has {counted(len(first), 'feature')} and {other} has {len(second)}; "
            "both must be measured in the same features."
        )
    a, b = next((a, b) for a, b in zip(first, second, strict=True) if a != b)
    raise ValueError(
        f"{name} has the feature {a!r} where {other} has {b!r}; "
        "bring the columns of both into the same order."
    )
