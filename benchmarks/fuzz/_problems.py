"""Random problems for every method: what says CONVERGED is right."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from benchmarks.fuzz._judge import Array, clarabel_objective, fault
from benchmarks.fuzz._record import Record, refusal, warnings_as_list
from kernel_ot import Problem, solve
from kernel_ot.kernels import Anisotropic, Gaussian, Kernel, Linear, Matern, median_distance
from kernel_ot.solvers import METHODS

# Steps, not seconds: the same cases end alike on every machine. First-order methods that need more
# are counted as not done.
_MOST_STEPS = {"extragradient": 800, "accelerated_gradient": 500, "ssn_extragradient": 150}
_NAMES = ("x ", "y ", "x_fill ", "y_fill ", "weights", "bandwidth", "reg_", "linear of the problem")
_TAME_METHODS = ("auto", "interior_point", "ssn")


def random_problem(rng: np.random.Generator) -> tuple[Problem, str]:
    """Return a problem from the whole range that is promised, and its description."""
    n, m, n_fill = (int(count) for count in rng.integers(2, 31, 3))
    d = int(rng.integers(1, 5))
    x, y = rng.normal(size=(n, d)), rng.normal(size=(m, d)) + rng.normal(size=d)
    shape = str(rng.choice(["normal", "normal", "duplicates", "collinear", "integer"]))
    if shape == "duplicates":
        x, y = x[rng.integers(0, max(1, n // 2), n)], y[rng.integers(0, max(1, m // 2), m)]
    elif shape == "collinear":
        direction = rng.normal(size=(1, d))
        x, y = x[:, :1] * direction, y[:, :1] * direction
    elif shape == "integer":
        x, y = np.round(2 * x), np.round(2 * y)
    scale = 10.0 ** rng.uniform(-9, 11) if rng.random() < 0.3 else 1.0
    offset = 1e6 * scale if rng.random() < 0.1 else 0.0
    x, y = scale * x + offset, scale * y + offset
    x_fill, y_fill = x[rng.integers(0, n, n_fill)], y[rng.integers(0, m, n_fill)]
    kernel, name = random_kernel(rng, x, y)
    tame_scale = scale if rng.random() < 0.5 else 1.0
    weights_x = rng.random(n) * (rng.random(n) < 0.7) if rng.random() < 0.2 else None
    if weights_x is not None and not weights_x.any():
        weights_x = None
    regularisation = 10.0 ** rng.uniform([-9, -9], [3, 3]) * tame_scale**2
    options: dict[str, Any] = {"weights_x": weights_x}
    if rng.random() < 0.2:
        options["rank"] = int(rng.integers(1, n_fill + 1))
    if rng.random() < 0.1:
        options["dtype"] = "float32"
    text = (
        f"{shape} n={n} m={m} d={d} l={n_fill} scale={scale:.1e} offset={offset:.1e} {name} "
        f"reg={regularisation[0]:.1e},{regularisation[1]:.1e} "
        f"{' '.join(f'{key}={value}' for key, value in options.items() if key != 'weights_x')}"
    )
    problem = Problem.from_samples(
        x,
        y,
        x_fill,
        y_fill,
        kernel=kernel,
        reg_sos=float(regularisation[0]),
        reg_potential=float(regularisation[1]),
        **options,
    )
    return problem, text


def random_kernel(rng: np.random.Generator, x: Array, y: Array) -> tuple[Kernel, str]:
    """Return a kernel with a bandwidth around the samples' median distance."""
    try:
        median = median_distance(x, y, rng)
    except ValueError:
        median = 1.0
    bandwidth = median * 10.0 ** rng.uniform(-3, 3)
    kind = str(rng.choice(["gaussian", "matern", "sum", "linear", "anisotropic"]))
    d = x.shape[1]
    kernels: dict[str, Kernel] = {
        "gaussian": Gaussian(bandwidth),
        "matern": Matern(float(rng.choice([0.5, 1.5, 2.5])), bandwidth),
        "sum": Gaussian(bandwidth) + 0.5 * Matern(1.5, 0.3 * bandwidth),
        "linear": (1 / median**2) * Linear() + 0.1 * Gaussian(bandwidth),
        "anisotropic": Anisotropic(Gaussian(bandwidth), np.diag(10.0 ** rng.uniform(-1, 1, d))),
    }
    return kernels[kind], f"{kind} {bandwidth / median:.1e}"


def tame_problem(rng: np.random.Generator) -> tuple[Problem, str]:
    """Return a problem of normal samples with settings that a user would take."""
    n, n_fill, d = int(rng.integers(10, 41)), int(rng.integers(5, 41)), int(rng.integers(1, 6))
    x, y = rng.normal(size=(n, d)), rng.normal(size=(n, d)) + rng.normal(size=d)
    factor = 10.0 ** rng.uniform(np.log10(0.3), np.log10(5))
    reg_sos, reg_potential = 10.0 ** rng.uniform(-5, 0, 2)
    problem = Problem.from_samples(
        x,
        y,
        x[rng.integers(0, n, n_fill)],
        y[rng.integers(0, n, n_fill)],
        kernel=Gaussian(factor * median_distance(x, y, rng)),
        reg_sos=float(reg_sos),
        reg_potential=float(reg_potential),
    )
    text = f"n={n} d={d} l={n_fill} bandwidth {factor:.2g} reg={reg_sos:.1e},{reg_potential:.1e}"
    return problem, text


def problems(seeds: Iterable[int], clarabel_every: int = 20) -> Record:
    """Solve each problem with one method after the other; judge what says CONVERGED."""
    record = Record("Problems", "What says CONVERGED is within ten times tol of the optimum.")
    names = [*sorted(METHODS), "auto"]
    for seed in seeds:
        rng = np.random.default_rng([1, seed])
        method = names[seed % len(names)]
        tol = float(10.0 ** rng.uniform(-10, -4))
        case = f"problem {seed} {method} tol={tol:.0e}"
        with warnings_as_list() as told:
            try:
                problem, text = random_problem(rng)
                solution = solve(problem, method, tol=tol, max_iter=_MOST_STEPS.get(method))
            except Exception as error:
                fault_ = refusal(error, _NAMES)
                record.ended(f"{method}: refused", case, fault_)
                continue
        case = f"{case}: {text}"
        found = "; ".join(message for message in told if message.startswith("RuntimeWarning"))
        if solution.converged and not found:
            found = fault(problem, solution, tol)
            if not found and seed % clarabel_every == 0:
                found = _against_clarabel(problem, solution.objective, tol)
        dtype = " in float32" if problem.features.dtype == np.float32 else ""
        record.ended(f"{method}{dtype}: {solution.status.name}", case, found)
    return record


def _against_clarabel(problem: Problem, objective: float, tol: float) -> str:
    reference = clarabel_objective(problem)
    # Only what is below our objective contradicts it: Clarabel's points are not the best either.
    error = 0.0 if reference is None else (objective - reference) / (1 + abs(objective))
    # Clarabel's own accuracy is 1e-8 of its own scale, which is not ours; bounds are the judge.
    return f"Clarabel finds {reference:.8g}, not {objective:.8g}" if error > 10 * tol + 1e-4 else ""


def tame(seeds: Iterable[int]) -> Record:
    """Solve tame problems with the methods that are to solve them, at the default tolerance."""
    record = Record(
        "Tame problems", "auto and interior_point solve all of them, ssn 99.5 %, and rightly."
    )
    for seed in seeds:
        problem, text = tame_problem(np.random.default_rng([2, seed]))
        for method in _TAME_METHODS:
            with warnings_as_list() as told:
                solution = solve(problem, method, tol=1e-8)
            found = "; ".join(told)
            if solution.converged:
                found = found or fault(problem, solution, 1e-8)
            elif method != "ssn":
                found = f"{solution.status.name}, residual {solution.residual:.1e}"
            case = f"tame {seed} {method}: {text}"
            record.ended(f"{method}: {solution.status.name}", case, found)
    return record
