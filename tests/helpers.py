"""What several tests share: reference problems, problems like them, conditions recomputed."""

from __future__ import annotations

import importlib
import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist
from scipy.stats import qmc

from kernel_ot import Problem, Solution, Status
from kernel_ot._arrays import Array
from kernel_ot.estimator import _model_file
from kernel_ot.kernels import Gaussian
from kernel_ot.problem import check_optimality
from kernel_ot.samples import Samples
from kernel_ot.solvers.published._safeguarded_newton import residual_point


@dataclass(frozen=True)
class Backend:
    """An array library."""

    name: str
    namespace: Any

    def array(self, values: Any) -> Any:
        """Return `values` as one of its arrays."""
        return self.namespace.asarray(values)

    def owns(self, value: Any) -> bool:
        """Return whether `value` is one of its arrays; a Python or NumPy scalar is NumPy's."""
        if self.name == "numpy":
            return isinstance(value, (np.ndarray, np.generic, float, int, bool))
        array_type = "ndarray" if self.name == "jax" else "Tensor"
        return isinstance(value, getattr(self.namespace, array_type))

    def numbers(self, value: Any) -> Array:
        """Return what one of its arrays holds as a NumPy array."""
        return np.asarray(value.detach() if self.name == "torch" else value)


def load_backend(name: str) -> Backend:
    """Return a backend, JAX with float64; one that is missing fails in CI and skips elsewhere."""
    if name == "numpy":
        return Backend(name, np)
    try:
        library = importlib.import_module(name)
    except ImportError as error:
        if os.environ.get("CI"):
            pytest.fail(f"{name} is expected in CI and cannot be imported: {error}")
        pytest.skip(f"{name} is not installed; pip install 'kernel-ot[{name}]'")
    if name == "torch":
        return Backend(name, library)
    library.config.update("jax_enable_x64", True)
    return Backend(name, library.numpy)


REFERENCE = Path(__file__).parent / "reference"
OPTIMA: dict[str, dict[str, float]] = json.loads((REFERENCE / "optimum.json").read_text())

Family = Literal["narrow", "wide"]


@dataclass(frozen=True, eq=False)
class Case:
    """The numbers a problem is made of; every kernel is `exp(-|a - b|^2 / sigma)`."""

    x: Array
    y: Array
    x_fill: Array
    y_fill: Array
    sigma: float
    reg_sos: float
    reg_potential: float

    def problem(self, **options: Any) -> Problem:
        """Return the library's problem."""
        arguments: dict[str, Any] = {
            "kernel": Gaussian(float(np.sqrt(self.sigma / 2))),
            "reg_sos": self.reg_sos,
            "reg_potential": self.reg_potential,
        }
        return Problem.from_samples(
            self.x, self.y, self.x_fill, self.y_fill, **(arguments | options)
        )


def fill_size(name: str) -> int:
    """Return the number of filling points of a reference problem."""
    return int(name.rsplit("_n", 1)[1])


def reference_names(largest: int) -> list[str]:
    """Return the reference problems with at most `largest` filling points."""
    return sorted(name for name in OPTIMA if fill_size(name) <= largest)


def reference_case(name: str) -> Case:
    """Return a reference problem's numbers."""
    with np.load(REFERENCE / f"{name}.npz") as data:
        assert data["jitter"] == 0
        return Case(
            *(data[key] for key in ("x", "y", "x_fill", "y_fill")),
            *(float(data[key]) for key in ("sigma", "lambda_1", "lambda_2")),
        )


def similar_case(family: Family, d: int, n: int, seed: int) -> Case:
    """Return numbers of the reference problems' kind: two Gaussian mixtures in the unit cube."""
    rng = np.random.default_rng(seed)
    x, y = (_mixture(rng, d, n) for _ in range(2))
    # A power of two is drawn, since that is what a Sobol sequence is balanced for.
    fill = qmc.Sobol(2 * d, seed=rng).random_base2(int(np.ceil(np.log2(max(n, 2)))))[:n]
    sigma = (
        0.005 if family == "narrow" else float(np.median(pdist(np.concatenate([x, y]))) ** 2 / 2)
    )
    return Case(x, y, fill[:, :d], fill[:, d:], sigma, 1 / n, 1 / float(np.sqrt(n)))


def _mixture(rng: np.random.Generator, d: int, n: int) -> Array:
    centres = rng.uniform(0.2, 0.8, size=(3, d))
    points = centres[rng.integers(3, size=max(n, 2))] + 0.1 * rng.normal(size=(max(n, 2), d))
    return np.clip(points, 0.0, 1.0)


@dataclass(frozen=True)
class Verdict:
    """What is true of a point, recomputed from a case's numbers by the textbook formulas."""

    objective: float
    cost: float
    stationarity: float
    stationarity_gap: float
    constraint_violation: float
    multiplier_violation: float
    complementarity: float
    cost_mismatch: float
    min_eigenvalue: float

    @property
    def residual(self) -> float:
        """The bound on the relative error of the objective, and the mismatch of the cost."""
        gap = self.stationarity_gap + self.multiplier_violation + self.complementarity
        others = self.constraint_violation, self.cost_mismatch, self.stationarity
        return float(np.max([gap, *others]))


def judge(
    case: Case,
    features: Array,
    gamma: Array,
    multiplier: Array,
    *,
    potential_jitter: float = 1e-10,
) -> Verdict:
    """Judge a point of `case` with nothing of the library but its features, themselves checked.

    `potential_jitter` is what `Problem.from_samples` adds to Q by default; 0 judges the point as
    one of the problem without it.
    """

    def kernel(a: Array, b: Array) -> Array:
        return np.asarray(np.exp(-cdist(a, b, "sqeuclidean") / case.sigma))

    pairs = np.hstack([case.x_fill, case.y_fill])
    np.testing.assert_allclose(features.T @ features, kernel(pairs, pairs), atol=1e-12)
    quadratic = kernel(case.x_fill, case.x_fill) + kernel(case.y_fill, case.y_fill)
    quadratic += 2 * potential_jitter * np.eye(len(quadratic))
    embedding = kernel(case.x_fill, case.x).mean(axis=1) + kernel(case.y_fill, case.y).mean(axis=1)
    constant = kernel(case.x, case.x).mean() + kernel(case.y, case.y).mean()
    twice = 2 * case.reg_potential
    linear = embedding - twice * ((case.x_fill - case.y_fill) ** 2).sum(axis=1) / 2

    def objective_at(gamma: Array) -> float:
        return float((gamma @ quadratic @ gamma - 2 * gamma @ linear + constant) / (2 * twice))

    objective, cost = objective_at(gamma), float((constant - embedding @ gamma) / twice)
    scale = 1 + abs(objective)
    constraint = features @ np.diag(gamma) @ features.T + case.reg_sos * np.eye(len(features))
    lowest = float(np.linalg.eigvalsh((constraint + constraint.T) / 2)[0])
    violation = max(0.0, -lowest)
    shift = max(0.0, -float(np.linalg.eigvalsh((multiplier + multiplier.T) / 2)[0]))

    def error(multiplier: Array) -> Array:
        values = np.einsum("ri,rs,si->i", features, multiplier, features, optimize=True)
        return np.asarray((quadratic @ gamma - linear) / twice - values)

    def energy(multiplier: Array) -> float:
        r = error(multiplier)
        return float(case.reg_potential * r @ np.linalg.solve(quadratic, r))

    lifted = multiplier + shift * np.eye(len(features))
    moved = np.linalg.solve(quadratic, error(multiplier))
    feasible = case.reg_sos / (case.reg_sos + violation) * gamma
    return Verdict(
        objective=objective,
        cost=cost,
        stationarity=float(
            np.linalg.norm(error(multiplier)) / (1 + np.linalg.norm(linear) / twice)
        ),
        stationarity_gap=energy(multiplier) / scale,
        constraint_violation=abs(objective_at(feasible) - objective) / scale,
        multiplier_violation=(
            abs(shift * np.trace(constraint)) + abs(energy(lifted) - energy(multiplier))
        )
        / scale,
        complementarity=float(abs(np.sum(constraint * multiplier)) / scale),
        cost_mismatch=float(abs(embedding @ moved) / (1 + max(abs(cost), abs(objective)))),
        min_eigenvalue=lowest,
    )


def residual_map(problem: Problem, gamma: Array, multiplier: Array) -> tuple[Array, Array]:
    """Return both blocks of R(gamma, X) of Lin, Cuturi and Jordan (2024), equation (3.1)."""
    point = residual_point(problem, gamma, multiplier)
    return point.r_gamma, point.r_multiplier


def assert_honest(problem: Problem, solution: Solution) -> None:
    """Check what every solution promises, however it ended."""
    report = check_optimality(problem, solution.gamma, solution.multiplier)
    assert solution.residual == pytest.approx(float(report.residual), rel=1e-9, nan_ok=True)
    assert solution.converged == (solution.status is Status.CONVERGED)
    if solution.converged:
        assert np.isfinite(solution.gamma).all()
        assert np.isfinite(solution.multiplier).all()
        assert math.isfinite(solution.objective)
        assert math.isfinite(solution.cost)
        assert solution.residual <= 1e-8
    assert solution.gamma.shape == (problem.n_fill,)
    assert solution.multiplier.shape == (problem.rank, problem.rank)
    assert solution.history[0].iteration == 0
    assert len(solution.history) in (solution.iterations + 1, solution.iterations)
    assert [p.iteration for p in solution.history] == list(range(len(solution.history)))
    assert solution.seconds >= 0
    assert all(seconds >= 0 for seconds in solution.timings.values())


def assert_best_so_far(problem: Problem, solution: Solution) -> None:
    """Check that the returned point is the one of the history with the smallest residual."""
    assert np.isfinite(solution.gamma).all()
    assert math.isfinite(solution.residual)
    best = min((p for p in solution.history if math.isfinite(p.residual)), key=lambda p: p.residual)
    assert solution.objective == pytest.approx(best.objective, rel=1e-12)


def equally_weighted(x: Array, y: Array) -> Samples:
    """Return two samples of equal masses."""
    return Samples(x, y, np.full(len(x), 1 / len(x)), np.full(len(y), 1 / len(y)))


def run_on_cluster(script: str, folder: Path, *arguments: str) -> dict[str, Any]:
    """Run a script that starts a cluster, in a process of its own; return the JSON it ends with.

    Its arguments are `folder`, where it is written, and those given.
    """
    path = folder / "on_cluster.py"
    path.write_text(script)
    process = subprocess.run(
        [sys.executable, str(path), str(folder), *arguments],
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert process.returncode == 0, process.stderr[-2000:]
    found: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return found


def read_model_file(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return header and arrays of a model's file, to be changed."""
    header, arrays = _model_file.read_archive(path)
    return dict(header), arrays


def rewrite_header(path: Path, **changes: object) -> None:
    """Write a model file again, with other entries in its header and a right digest."""
    header, arrays = read_model_file(path)
    for name in ("format", "format_version", "kernel_ot_version", "arrays"):
        header.pop(name)
    _model_file.write_archive(path, header | changes, arrays)
