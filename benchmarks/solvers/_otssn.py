"""The authors' MATLAB code from a checkout of github.com/tyDLin/OTSSN, through GNU Octave."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import scipy.io

from benchmarks.solvers._outcome import Outcome, Start
from benchmarks.solvers._processes import run_process
from benchmarks.solvers._records import CUT_OFF
from kernel_ot._arrays import Array
from kernel_ot.problem import Problem

FUNCTIONS = ("SSN", "IPM", "EG", "AGD")
_SCRIPT = Path(__file__).with_name("run_otssn.m")
# Where their iterations end of themselves.
_THEIR_TOL = 1e-8


@dataclass(frozen=True)
class Otssn:
    """One function of the authors' code: SSN, IPM, EG or AGD.

    It returns gamma without a multiplier, so that no KKT residual can be recomputed. The time is
    what the code itself measures.
    """

    function: str
    checkout: Path | None
    threads: int
    is_ours: bool = False

    @property
    def name(self) -> str:
        """As in the tables."""
        return f"OTSSN {self.function}"

    def unavailable(self) -> str | None:
        """Return what is missing: Octave or the checkout."""
        if self.checkout is None:
            return "no checkout of github.com/tyDLin/OTSSN given; use --otssn PATH"
        if not (self.checkout / f"{self.function}.m").exists():
            return f"{self.checkout} holds no {self.function}.m; is it a checkout of OTSSN?"
        if shutil.which("octave-cli") is None:
            return "octave-cli is not on the PATH; install GNU Octave"
        return None

    def run(self, problem: Problem, budget: float, start: Start = None) -> Outcome:
        """Write the problem as their `kernel_make` would, and solve it in Octave."""
        assert self.checkout is not None
        with TemporaryDirectory() as folder:
            source, target = Path(folder, "problem.mat"), Path(folder, "result.mat")
            scipy.io.savemat(source, as_matlab(problem), oned_as="column")
            command = ["octave-cli", "--no-init-file", str(_SCRIPT), str(self.checkout.resolve())]
            ended = run_process(
                [*command, self.function, str(source), str(target)],
                budget=budget,
                threads=self.threads,
            )
            if not ended.in_time:
                return Outcome(CUT_OFF, budget)
            if ended.error is not None or not target.exists():
                return Outcome("FAILED", np.nan, note=ended.error or "no result")
            return _outcome(scipy.io.loadmat(target))


def _outcome(result: dict[str, Any]) -> Outcome:
    times, residuals = (np.ravel(result[name]).astype(float) for name in ("res_time", "res_norm"))
    last = float(residuals[-1]) if residuals.size else np.nan
    gamma = np.ravel(result["gamma"])
    if np.isfinite(gamma).all():
        status = "OWN_TOLERANCE" if last < _THEIR_TOL else "RETURNED"
    else:
        status = "NON_FINITE"
    return Outcome(
        status=status,
        seconds=float(result["seconds"].item()),
        gamma=gamma,
        own_residual=last,
        history=tuple(zip(times.tolist(), residuals.tolist(), strict=True)),
        note=f"one eig in Octave {float(result['eig_seconds'].item()):.3g} s",
    )


def as_matlab(problem: Problem) -> dict[str, Any]:
    """Return the problem in the names of the authors' `kernel_make.m`.

    Their code takes Phi for square: features of a K of lower rank are filled up with rows of
    zeros, which change nothing.

    Raises
    ------
    ValueError
        The problem was made from arrays, not from samples.
    """
    s = problem.provenance
    if s is None:
        raise ValueError("This problem has no samples; make it with Problem.from_samples.")
    features: Array = np.zeros((problem.n_fill, problem.n_fill))
    features[: problem.rank] = problem.features
    data = {
        "M": ((s.x_fill - s.y_fill) ** 2).sum(axis=1, keepdims=True) / 2,
        "Phi": features,
        "KX1": s.kernel_x(s.x_fill, s.x_fill),
        "KY1": s.kernel_y(s.y_fill, s.y_fill),
        "KX2": s.kernel_x(s.x, s.x_fill),
        "KY2": s.kernel_y(s.y, s.y_fill),
        "KX3": s.kernel_x(s.x, s.x),
        "KY3": s.kernel_y(s.y, s.y),
    }
    return {"data": data, "reg1": problem.reg_sos, "reg2": problem.reg_potential}
