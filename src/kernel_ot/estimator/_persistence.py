"""Fitted models to arrays and a header without code, and back with every claim checked."""

from __future__ import annotations

import dataclasses
import math
import warnings
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from kernel_ot._arrays import Array, MemoryLimitError, check_positive
from kernel_ot._version import __version__
from kernel_ot.cutting_planes import (
    Certificate,
    ContactPoints,
    Embeddings,
    FillingRound,
    Settings,
    make_problem,
)
from kernel_ot.diagnostics import FittedTransport, Gain, Verdict
from kernel_ot.estimator._checks import check_parameters
from kernel_ot.estimator._combination_file import (
    combination_in,
    entropic_arrays,
    entropic_parts,
)
from kernel_ot.estimator._derived import set_derived
from kernel_ot.estimator._header import (
    CandidateEntry,
    GainEntry,
    Header,
    LargeEntry,
    RoundEntry,
    SolutionEntry,
    VerdictEntry,
    decoded,
    decoded_kernel,
    encoded,
)
from kernel_ot.estimator._large import Summary, set_large
from kernel_ot.estimator._model_file import (
    ModelFileError,
    damaged,
    read_archive,
    rows_below,
    rows_without_mass,
    write_archive,
)
from kernel_ot.large_samples import landmark_problem
from kernel_ot.preconditioning import Conjugation
from kernel_ot.problem import Problem, accurate_cost, accurate_objective, check_optimality
from kernel_ot.samples import Samples, in_own_order
from kernel_ot.selection import Candidate
from kernel_ot.solvers import Progress, Records, Solution, Status

if TYPE_CHECKING:
    from kernel_ot.estimator._kernel_ot import KernelOT

# How far what is recomputed may be from what was saved: other machines round otherwise.
_ROUNDING = 1e-7
_RESIDUAL_FACTOR = 10.0
# What files whose residual was another one may be off by: they claimed 1e-8 of another norm.
_LARGEST_OLD_RESIDUAL = 1e-4


class Saves:
    """`save` and `load` of a fitted transport."""

    def save(self: FittedTransport, path: str | Path) -> None:
        """Write the fitted model to one file, which appears only once it is whole.

        The file is a zip archive of arrays and a JSON header; it holds no code. `callback` is not
        saved.

        Raises
        ------
        ValueError
            A kernel that is not one of `kernel_ot.kernels`.
        """
        check_is_fitted(self)
        save_state(self, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a model that `save` wrote.

        Raises
        ------
        ValueError
            The file is truncated, is no kernel-ot model, or was written by a newer version.
        FileNotFoundError
        """
        kind: Any = cls  # `KernelOT`: a mixin has no type for what it is mixed into
        loaded: Any = load_state(kind, Path(path))
        model: Self = loaded
        return model


def save_state(model: FittedTransport, path: Path) -> None:
    """Write `model` to `path` whole or not at all."""
    solution, samples, change = model.solution_, model.samples_, model.conjugation_
    header = {
        "parameters": {
            name: encoded(value)
            for name, value in model.get_params(deep=False).items()
            if name not in ("callback", "filling", "random_state")
        },
        "filling": model.filling if isinstance(model.filling, str) else None,
        "random_state": _seed(model.random_state),
        "kernel": encoded(model.kernel_),
        "reg_sos": model.reg_sos_,
        "reg_potential": model.reg_potential_,
        "scale": change.scale,
        "combination": dataclasses.asdict(model.combination_),
        "entropic_parts": entropic_parts(model.combination_, model.entropic_),
        "outliers": [rows.tolist() for rows in model.outliers_],
        "feature_names": [str(name) for name in getattr(model, "feature_names_in_", [])],
        "candidates": [
            {field: encoded(value) for field, value in vars(candidate).items()}
            for candidate in model.candidates_
        ],
        "verdict": None if model.verdict_ is None else dataclasses.asdict(model.verdict_),
        "rounds": [dataclasses.asdict(step) for step in model.rounds_],
        "solution": {
            "status": solution.status.name,
            "objective": solution.objective,
            "cost": solution.cost,
            "iterations": solution.iterations,
            "method": solution.method,
            "seconds": solution.seconds,
            "timings": solution.timings,
            "residual": solution.residual,
            "history": [dataclasses.astuple(record) for record in solution.history],
        },
    }
    made_of = model.problem_.provenance
    assert made_of is not None  # of a problem that was made from samples
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
    summary = getattr(model, "summary_of_all_", None)
    if summary is not None:
        header["large"] = dataclasses.asdict(summary)
        arrays["landmarks_x"], arrays["landmarks_y"] = made_of.x, made_of.y
        arrays["masses_x"], arrays["masses_y"] = made_of.weights_x, made_of.weights_y
    if model.entropic_:
        arrays |= entropic_arrays(model.combination_, model.entropic_)
    if np.any(solution.multiplier):
        arrays["multiplier"] = solution.multiplier
    write_archive(path, header, {name: np.asarray(array) for name, array in arrays.items()})


def load_state(cls: type[KernelOT], path: Path) -> KernelOT:
    """Return the model in `path`; refuse anything else with a sentence."""
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist.")
    if not path.is_file():
        raise ModelFileError(f"{path} is no file, so it is no kernel-ot model.")
    with path.open("rb"):
        pass  # what the system refuses is no damage
    try:
        # What is computed from forged numbers may overflow; it is refused for it, not warned of.
        with np.errstate(all="ignore"):
            header, arrays = read_archive(path)
            model = _rebuilt(cls, path, header, arrays)
    except (ModelFileError, MemoryLimitError):
        raise
    except Exception as error:  # a damaged file can make every part below fail in any way
        reason = " ".join(str(error).split()).rstrip(".")[:300]
        raise damaged(path, f"{type(error).__name__}: {reason}") from error
    if header["kernel_ot_version"] != __version__:
        warnings.warn(
            f"{path} was written by kernel-ot {header['kernel_ot_version']}, "
            f"this is {__version__}.",
            UserWarning,
            stacklevel=3,
        )
    return model


def _rebuilt(cls: type[KernelOT], path: Path, header: Header, arrays: dict[str, Array]) -> KernelOT:
    parameters = {name: decoded(value) for name, value in header["parameters"].items()}
    if header["filling"] is None:
        parameters["filling"] = None  # set below from the points themselves
    else:
        parameters["filling"] = header["filling"]
        if not isinstance(header["filling"], str):
            raise damaged(path, f"its filling is {header['filling']!r}")
    model: KernelOT = cls(random_state=header["random_state"]).set_params(**parameters)
    check_parameters(model)
    change = Conjugation(
        mean_x=arrays["mean_x"],
        mean_y=arrays["mean_y"],
        root=arrays["root"],
        inverse_root=arrays["inverse_root"],
        scale=check_positive(header["scale"], "scale"),
    )
    if not np.abs(change.root @ change.inverse_root - np.eye(len(change.root))).max() < _ROUNDING:
        raise damaged(path, "its inverse_root is not the inverse of its root")
    samples = Samples(*(arrays[name] for name in ("x", "y", "weights_x", "weights_y")))
    settings = Settings(
        decoded_kernel(header["kernel"]), header["reg_sos"], header["reg_potential"]
    )
    x_fill, y_fill = arrays["x_fill"], arrays["y_fill"]
    if "large" in header:
        places = (arrays[name] for name in ("landmarks_x", "landmarks_y", "masses_x", "masses_y"))
        embeddings = Embeddings(Samples(*places), settings.kernel)
        problem = landmark_problem(ContactPoints.at(embeddings, x_fill, y_fill), settings)
    else:
        fitted = in_own_order(samples.with_mass()).distinct()
        problem = make_problem(change.changed(fitted), x_fill, y_fill, settings)
    model.conjugation_ = change
    model.combination_, model.entropic_ = combination_in(path, header, arrays)
    none: list[list[int]] = [[], []]
    left_out = header.get("outliers", none)
    model.kernel_ = settings.kernel
    model.reg_sos_, model.reg_potential_ = settings.reg_sos, settings.reg_potential
    model.candidates_ = tuple(_candidate(entry) for entry in header["candidates"])
    model.verdict_ = _verdict(header.get("verdict"), model.preconditioner)
    model.rounds_ = tuple(_round(entry) for entry in header["rounds"])
    multiplier = arrays.get("multiplier", np.zeros((problem.rank, problem.rank)))
    if len(multiplier) != problem.rank:
        raise damaged(path, f"its multiplier has {len(multiplier)} rows, not {problem.rank}")
    solution = header["solution"]
    if header["format_version"] < 3:
        solution = _with_todays_residual(solution, problem, arrays["gamma"], multiplier, model.tol)
    model.solution_ = _checked_solution(
        path, solution, problem, arrays["gamma"], multiplier, model.tol
    )
    model.n_features_in_ = samples.x.shape[1]
    if header["feature_names"]:
        if len(header["feature_names"]) != model.n_features_in_:
            raise damaged(path, "it does not have one name a feature")
        model.feature_names_in_ = np.array(header["feature_names"], dtype=object)
    if "large" in header:
        summary = _summary(path, header["large"])
        set_large(model, problem, samples, summary)
        model.outliers_ = rows_below(path, left_out, summary.sizes)
    else:
        model.outliers_ = rows_without_mass(path, left_out, samples)
        set_derived(model, samples, problem)
    if header["filling"] is None:
        model.filling = (model.x_fill_, model.y_fill_)
    return model


def _with_todays_residual(
    entry: SolutionEntry, problem: Problem, gamma: Array, multiplier: Array, tol: float
) -> SolutionEntry:
    """Return what a file of format 1 or 2 claims, whose residual was another one.

    An answer that had converged by that one may miss `tol` by today's, and then says so.
    """
    residual = float(check_optimality(problem, gamma, multiplier).residual)
    had_converged = entry["status"] == Status.CONVERGED.name
    if not had_converged or residual <= tol or not residual <= _LARGEST_OLD_RESIDUAL:
        return {**entry, "residual": tol if had_converged else math.inf}
    return {**entry, "residual": residual, "status": Status.NO_PROGRESS.name}


def _checked_solution(
    path: Path,
    entry: SolutionEntry,
    problem: Problem,
    gamma: Array,
    multiplier: Array,
    tol: float,
) -> Solution:
    """Return the solution with everything that can be computed from its point computed again."""
    optimality = check_optimality(problem, gamma, multiplier)
    status = Status[entry["status"]]
    residual, saved = float(optimality.residual), float(entry["residual"])
    limits = [saved] if status is not Status.CONVERGED else [saved, tol]
    if not all(residual <= _RESIDUAL_FACTOR * limit + _ROUNDING for limit in limits):
        raise damaged(
            path,
            f"it claims {status.name} with a residual of {saved:.1e}, which is {residual:.1e}",
        )
    objective = float(accurate_objective(problem, gamma))
    cost = float(accurate_cost(problem, gamma))
    for name, claim, value in (
        ("objective", entry["objective"], objective),
        ("cost", entry["cost"], cost),
    ):
        if not abs(float(claim) - value) <= _ROUNDING * (1 + abs(value)):
            raise damaged(path, f"it claims the {name} {claim}, which is {value:.6g}")
    return Solution(
        code=status.code,
        gamma=gamma,
        multiplier=multiplier,
        objective=objective,
        cost=cost,
        optimality=optimality,
        iterations=index(entry["iterations"]),
        method=str(entry["method"]),
        seconds=float(entry["seconds"]),
        timings={str(phase): float(value) for phase, value in entry["timings"].items()},
        records=Records.of(
            [Progress(index(number), *map(float, rest)) for number, *rest in entry["history"]]
        ),
    )


def _summary(path: Path, entry: LargeEntry) -> Summary:
    """Return what passes over all points said; the points are not in the file to say it again."""
    found = entry["certificate"]
    if found["kind"] not in ("exact", "sampled"):
        raise damaged(path, f"its certificate is of the kind {found['kind']!r}")
    certificate = Certificate(
        lower_bound=float(found["lower_bound"]),
        largest_violation=float(found["largest_violation"]),
        n_pairs=index(found["n_pairs"]),
        kind=found["kind"],
        n_rows=index(found["n_rows"]),
        violated_rows=index(found["violated_rows"]),
        violated_share=float(found["violated_share"]),
    )
    n, m = map(index, entry["sizes"])
    claimed = entry["offset"], certificate.largest_violation, certificate.violated_share
    if not all(map(np.isfinite, claimed)) or np.isnan(certificate.lower_bound):
        raise damaged(path, "its certificate holds NaN or infinity")
    return Summary((n, m), float(entry["offset"]), certificate)


def _candidate(entry: CandidateEntry) -> Candidate:
    return Candidate(
        bandwidth_factor=float(entry["bandwidth_factor"]),
        reg_potential=float(entry["reg_potential"]),
        semi_dual=tuple(map(float, entry["semi_dual"])),
        energy=tuple(map(float, entry["energy"])),
        kernel=None if entry["kernel"] is None else decoded_kernel(entry["kernel"]),
        reg_sos=float(entry["reg_sos"]),
        rough=entry.get("rough", False) is True,
    )


def _verdict(entry: VerdictEntry | None, preconditioner: str | None) -> Verdict | None:
    if entry is None:
        return None
    semi_dual = entry["semi_dual"]
    return Verdict(
        preconditioner,
        energy=_gain(entry["energy"]),
        identity=_gain(entry["identity"]),
        semi_dual=None if semi_dual is None else _gain(semi_dual),
        n_x=index(entry["n_x"]),
        n_y=index(entry["n_y"]),
        fresh=entry["fresh"] is True,
    )


def _gain(entry: GainEntry) -> Gain:
    return Gain(value=float(entry["value"]), error=float(entry["error"]))


def _round(entry: RoundEntry) -> FillingRound:
    return FillingRound(
        n_fill=index(entry["n_fill"]),
        violation=float(entry["violation"]),
        dual=float(entry["dual"]),
        seconds=float(entry["seconds"]),
    )


def _seed(random_state: int | np.integer | np.random.Generator | None) -> int | None:
    """Return a seed that a header can hold; a generator's state is not saved."""
    return int(random_state) if isinstance(random_state, (int, np.integer)) else None
