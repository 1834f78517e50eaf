"""What `_cvxpy.Cvxpy` runs: solve one stored problem with CVXPY and store the result."""

from __future__ import annotations

import resource
import sys
from time import perf_counter
from typing import Any

import numpy as np
import threadpoolctl

from benchmarks.solvers._cvxpy import read_problem
from kernel_ot._arrays import available_bytes

# Of the memory that is free; the compiled problem of l = 400 alone may take several GiB.
_MEMORY_SHARE = 0.6


def main(source: str, target: str, solver: str, tol: str, budget: str, threads: str) -> None:
    """Solve the problem in the file `source` and write the result to `target`."""
    import cvxpy

    free = available_bytes()
    if free is not None:
        resource.setrlimit(resource.RLIMIT_AS, (int(_MEMORY_SHARE * free),) * 2)
    threadpoolctl.threadpool_limits(int(threads))
    problem = read_problem(source)
    began = perf_counter()
    try:
        program = problem.to_cvxpy()
        program.solve(solver=solver, **_options(solver, float(tol), float(budget)))
        status = str(program.status).upper()
    except MemoryError:
        sys.exit("out of memory")
    except cvxpy.SolverError as error:
        sys.exit(" ".join(str(error).split()))
    seconds = perf_counter() - began
    if status == "USER_LIMIT" or (status != "OPTIMAL" and seconds > float(budget)):
        status = "TIME_LIMIT"
    gamma, multiplier = program.variables()[0].value, program.constraints[0].dual_value
    stats = program.solver_stats
    np.savez(
        target,
        status=status,
        seconds=seconds,
        gamma=np.zeros(0) if gamma is None else gamma,
        multiplier=np.zeros(0) if multiplier is None else (multiplier + multiplier.T) / 2,
        iterations=-1 if stats.num_iters is None else stats.num_iters,
        solver_seconds=np.nan if stats.solve_time is None else stats.solve_time,
    )


def _options(solver: str, tol: float, budget: float) -> dict[str, Any]:
    if solver == "CLARABEL":
        return {
            "tol_gap_abs": tol,
            "tol_gap_rel": tol,
            "tol_feas": tol,
            "time_limit": budget,
        }
    return {"eps_abs": tol, "eps_rel": tol, "time_limit_secs": budget, "max_iters": 10**6}


if __name__ == "__main__":
    main(*sys.argv[1:])
