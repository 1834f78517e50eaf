"""Fitted models in one file without code: arrays and a JSON header in a zip archive."""

from __future__ import annotations

import dataclasses
import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from kernel_ot import kernels
from kernel_ot._arrays import Array
from kernel_ot._files import atomic_path
from kernel_ot._version import __version__
from kernel_ot.cutting_planes import FillingRound
from kernel_ot.kernels import Kernel
from kernel_ot.preconditioning import Conjugation
from kernel_ot.problem import OptimalityReport
from kernel_ot.samples import Samples
from kernel_ot.selection import Candidate, Settings, make_problem
from kernel_ot.solvers import Progress, Solution, Status

FORMAT = "kernel-ot model"
FORMAT_VERSION = 1
_KERNELS: dict[str, type[Kernel]] = {
    name: getattr(kernels, name)
    for name in kernels.__all__
    if isinstance(getattr(kernels, name), type) and dataclasses.is_dataclass(getattr(kernels, name))
}


def save_state(model: Any, path: Path) -> None:
    """Write `model` to `path` whole or not at all."""
    solution, samples, change = model.solution_, model.samples_, model.conjugation_
    header = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "kernel_ot_version": __version__,
        "parameters": {
            name: _encode(value)
            for name, value in model.get_params(deep=False).items()
            if name not in ("callback", "filling", "random_state")
        },
        "filling": model.filling if isinstance(model.filling, str) else None,
        "random_state": model.random_state if isinstance(model.random_state, int) else None,
        "kernel": _encode(model.kernel_),
        "reg_sos": model.reg_sos_,
        "reg_potential": model.reg_potential_,
        "scale": change.scale,
        "feature_names": [str(name) for name in getattr(model, "feature_names_in_", [])],
        "candidates": [
            {field: _encode(value) for field, value in vars(candidate).items()}
            for candidate in model.candidates_
        ],
        "rounds": [dataclasses.asdict(step) for step in model.rounds_],
        "solution": {
            "status": solution.status.name,
            "objective": solution.objective,
            "cost": solution.cost,
            "iterations": solution.iterations,
            "method": solution.method,
            "seconds": solution.seconds,
            "timings": solution.timings,
            "optimality": {
                field.name: float(getattr(solution.optimality, field.name))
                for field in dataclasses.fields(solution.optimality)
            },
            "history": [dataclasses.astuple(record) for record in solution.history],
        },
    }
    made_of = model.problem_.provenance
    arrays = {
        "x": samples.x,
        "y": samples.y,
        "weights_x": samples.weights_x,
        "weights_y": samples.weights_y,
        "x_fill": made_of.x_fill,
        "y_fill": made_of.y_fill,
        "gamma": solution.gamma,
        "mean_x": change.mean_x,
        "mean_y": change.mean_y,
        "root": change.root,
        "inverse_root": change.inverse_root,
    }
    if np.any(solution.multiplier):
        arrays["multiplier"] = solution.multiplier
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, header=np.array(json.dumps(header)), **arrays)


def load_state(cls: type, path: Path) -> Any:
    """Return the model in `path`; refuse anything else with a sentence."""
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist.")
    header, arrays = _read(path)
    parameters = {name: _decode(value) for name, value in header["parameters"].items()}
    if header["filling"] is None:
        parameters["filling"] = None  # set below from the points themselves
    else:
        parameters["filling"] = header["filling"]
    model = cls(**parameters, random_state=header["random_state"])
    change = Conjugation(
        mean_x=arrays["mean_x"],
        mean_y=arrays["mean_y"],
        root=arrays["root"],
        inverse_root=arrays["inverse_root"],
        scale=header["scale"],
    )
    samples = Samples(*(arrays[name] for name in ("x", "y", "weights_x", "weights_y")))
    settings = Settings(_decode(header["kernel"]), header["reg_sos"], header["reg_potential"])
    problem = make_problem(change.changed(samples), arrays["x_fill"], arrays["y_fill"], settings)
    model.conjugation_ = change
    model.kernel_ = settings.kernel
    model.reg_sos_, model.reg_potential_ = settings.reg_sos, settings.reg_potential
    model.candidates_ = tuple(
        Candidate(**{field: _decode(value) for field, value in entry.items()})
        for entry in header["candidates"]
    )
    model.rounds_ = tuple(FillingRound(**entry) for entry in header["rounds"])
    multiplier = arrays.get("multiplier", np.zeros((problem.rank, problem.rank)))
    model.solution_ = _solution(header["solution"], arrays["gamma"], multiplier)
    model.n_features_in_ = samples.x.shape[1]
    if header["feature_names"]:
        model.feature_names_in_ = np.array(header["feature_names"], dtype=object)
    model._set_derived(samples, problem)
    if header["filling"] is None:
        model.filling = (model.x_fill_, model.y_fill_)
    return model


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    unreadable = (
        f"{path} is not a whole kernel-ot model: it is truncated, damaged, or another file."
    )
    if not zipfile.is_zipfile(path):
        raise ValueError(unreadable)
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        header = json.loads(str(arrays.pop("header")))
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(unreadable) from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ValueError(unreadable)
    if header["format_version"] > FORMAT_VERSION:
        raise ValueError(
            f"{path} was written by kernel-ot {header['kernel_ot_version']} in format "
            f"{header['format_version']}; this is {__version__}, which reads up to "
            f"{FORMAT_VERSION}. Upgrade kernel-ot."
        )
    if header["kernel_ot_version"] != __version__:
        warnings.warn(
            f"{path} was written by kernel-ot {header['kernel_ot_version']}, "
            f"this is {__version__}.",
            UserWarning,
            stacklevel=4,
        )
    return header, arrays


def _solution(entry: dict[str, Any], gamma: Array, multiplier: Array) -> Solution:
    return Solution(
        status=Status[entry["status"]],
        gamma=gamma,
        multiplier=multiplier,
        objective=entry["objective"],
        cost=entry["cost"],
        optimality=OptimalityReport(
            **{name: np.float64(value) for name, value in entry["optimality"].items()}
        ),
        iterations=entry["iterations"],
        method=entry["method"],
        seconds=entry["seconds"],
        timings=entry["timings"],
        history=tuple(Progress(*record) for record in entry["history"]),
    )


def _encode(value: Any) -> Any:
    """Return plain JSON for a number, string, None, array or kernel."""
    if isinstance(value, Kernel):
        name = type(value).__name__
        if _KERNELS.get(name) is not type(value):
            raise ValueError(
                f"kernel = {value!r} cannot be saved: only kernels of kernel_ot.kernels can be."
            )
        fields = {
            field.name: _encode(getattr(value, field.name))
            for field in dataclasses.fields(value)  # type: ignore[arg-type]  # checked above
        }
        return {"kernel": name, "fields": fields}
    if isinstance(value, tuple):
        return [_encode(entry) for entry in value]
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return value


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_decode(entry) for entry in value)
    if isinstance(value, dict):
        if value.get("kernel") not in _KERNELS:
            raise ValueError(f"The model uses the kernel {value.get('kernel')!r}, unknown here.")
        fields = {name: _decode(entry) for name, entry in value["fields"].items()}
        return _KERNELS[value["kernel"]](**fields)
    return value
