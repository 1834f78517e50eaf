"""CVXPY with a generic conic solver, on `Problem.to_cvxpy()`."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.solvers._outcome import Outcome, Start
from benchmarks.solvers._processes import run_process
from benchmarks.solvers._records import CUT_OFF
from kernel_ot.problem import Problem

# What a problem is without the samples that it was made of.
_ARRAYS = [f.name for f in fields(Problem) if f.name != "provenance"]


@dataclass(frozen=True)
class Cvxpy:
    """One of CVXPY's solvers. The time is that of compiling and solving, not of importing."""

    solver: str
    tol: float
    threads: int
    is_ours: bool = False

    @property
    def name(self) -> str:
        """As in the tables."""
        return f"CVXPY {self.solver} {self.tol:.0e}".replace("e-0", "e-")

    def unavailable(self) -> str | None:
        """Return which package is missing."""
        missing = [
            package
            for package in ("cvxpy", self.solver.lower())
            if importlib.util.find_spec(package) is None
        ]
        if not missing:
            return None
        return f"{' and '.join(missing)} missing; pip install 'kernel-ot[benchmark]'"

    def run(self, problem: Problem, budget: float, start: Start = None) -> Outcome:
        """Solve in another process."""
        with TemporaryDirectory() as folder:
            source, target = Path(folder, "problem.npz"), Path(folder, "result.npz")
            np.savez(source, **{name: getattr(problem, name) for name in _ARRAYS})
            module = "benchmarks.solvers._cvxpy_process"
            options = [self.solver, str(self.tol), str(budget), str(self.threads)]
            command = [sys.executable, "-m", module, str(source), str(target), *options]
            ended = run_process(command, budget=budget, threads=self.threads)
            if not ended.in_time:
                return Outcome(CUT_OFF, budget)
            if ended.error is not None or not target.exists():
                return Outcome("FAILED", np.nan, note=ended.error or "no result")
            with np.load(target) as result:
                return Outcome(
                    status=str(result["status"]),
                    seconds=float(result["seconds"]),
                    gamma=result["gamma"] if result["gamma"].size else None,
                    multiplier=result["multiplier"] if result["multiplier"].size else None,
                    iterations=int(result["iterations"]),
                    note=f"{float(result['solver_seconds']):.3g} s of it in the solver",
                )


def read_problem(path: str) -> Problem:
    """Read what `Cvxpy.run` wrote."""
    with np.load(path) as arrays:
        given: dict[str, Any] = {name: arrays[name][()] for name in _ARRAYS}
    return Problem(**given)
