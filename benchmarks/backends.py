"""NumPy against JAX on this machine: `python -m benchmarks.backends`.

Both solve the same problem in turns, in one process; JAX's compile time is reported apart. On an
accelerator NumPy runs on the CPU beside it, up to `--numpy-limit` filling points.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.solvers._problems import FAMILIES, Case, make_problem
from kernel_ot import Problem, kernels, solve, solve_batch
from kernel_ot.solvers import FullRankInteriorPoint, InteriorPoint, SemismoothNewton
from kernel_ot.solvers._choice import choose_method

METHODS = {"ssn": SemismoothNewton(), "interior_point": None}


def seconds(action: Callable[[], Any]) -> float:
    began = perf_counter()
    jax.block_until_ready(action())
    return perf_counter() - began


def on_jax(problem: Problem) -> Problem:
    moved: Problem = jax.tree.map(jnp.asarray, replace(problem, provenance=None))
    return moved


def compare(case: Case, name: str, repeats: int, numpy_limit: int) -> str:
    problem = make_problem(case)
    method: Any = METHODS[name] or choose_method(name, problem, None)
    device_problem = on_jax(problem)
    first = seconds(lambda: solve(device_problem, method))
    on_device, on_host = [], []
    for _ in range(repeats):
        on_device.append(seconds(lambda: solve(device_problem, method)))
        if case.l <= numpy_limit:
            on_host.append(seconds(lambda: solve(problem, method)))
    solution: Any = solve(device_problem, method)
    spectrum = jax.jit(jnp.linalg.eigh)
    matrix = device_problem.quadratic
    jax.block_until_ready(spectrum(matrix))
    eigh = median(seconds(lambda: spectrum(matrix)) for _ in range(repeats))
    product = median(seconds(lambda: matrix @ matrix) for _ in range(repeats + 1))
    mine, numpys = median(on_device), median(on_host) if on_host else np.nan
    form = "full rank" if isinstance(method, FullRankInteriorPoint) else ""
    return (
        f"| {case.family} | {case.l} | {problem.rank} | {name} {form} | {solution.status.name} "
        f"| {int(solution.iterations)} | {numpys:.2f} | {mine:.2f} | {mine / numpys:.2f} "
        f"| {first - mine:.1f} | {mine / eigh:.0f} | {2 * case.l**3 / product / 1e9:.0f} |"
    )


def problem_of(x: Any, y: Any, **options: Any) -> Problem:
    """Return the problem on all pairs of equal index, of which a batch is made."""
    kernel = kernels.Gaussian(1.0)
    return Problem.from_samples(
        x, y, x, y, kernel=kernel, reg_sos=1e-3, reg_potential=1e-3, **options
    )


def compare_batches(size: int, batch: int, repeats: int) -> str:
    """Return a row on a batch of problems by `vmap` against a loop over a compiled function."""

    def cost(x: Any, y: Any) -> Any:
        return solve(problem_of(x, y, rank=min(size, 60)), InteriorPoint()).cost

    rng = np.random.default_rng(0)
    x, y = (jnp.asarray(rng.normal(size=(batch, size, 2)) + shift) for shift in (0, 1))
    single, batched = jax.jit(cost), jax.jit(jax.vmap(cost))

    def loop() -> Any:
        return [single(x[i], y[i]) for i in range(batch)]

    jax.block_until_ready((loop(), batched(x, y)))
    times = [(seconds(loop), seconds(lambda: batched(x, y))) for _ in range(repeats)]
    one_by_one, together = (median(column) for column in zip(*times, strict=True))
    return (
        f"| {batch} | {size} | {1e3 * one_by_one:.0f} | {1e3 * together:.0f} "
        f"| {one_by_one / together:.2f} |"
    )


def compare_ragged(smallest: int, batch: int, repeats: int) -> str:
    """Return a row on problems of unequal size by `solve_batch` against one `solve` each."""
    rng = np.random.default_rng(0)
    problems = []
    for size in range(smallest, smallest + batch):
        x, y = (jnp.asarray(rng.normal(size=(size, 2)) + shift) for shift in (0, 1))
        problems.append(problem_of(x, y, jitter=1e-8))

    def loop() -> Any:
        return [solve(problem, InteriorPoint()).gamma for problem in problems]

    def together() -> Any:
        return [solution.gamma for solution in solve_batch(problems, InteriorPoint())]

    first = seconds(loop), seconds(together)
    times = [(seconds(loop), seconds(together)) for _ in range(repeats)]
    later = [1e3 * median(column) for column in zip(*times, strict=True)]
    return (
        f"| {batch} | {smallest} to {smallest + batch - 1} | {first[0]:.1f} | {first[1]:.1f} "
        f"| {later[0]:.0f} | {later[1]:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[200, 400, 800])
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=["wide", "narrow"])
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--rank-tol", type=float, default=0.0)
    parser.add_argument("--dimension", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="of NumPy's BLAS")
    parser.add_argument("--numpy-limit", type=int, default=2000)
    parser.add_argument("--batches", type=int, nargs="*", default=[8, 32])
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    kind = jax.devices()[0].device_kind
    print(f"jax {jax.__version__} on {kind}, {options.threads} BLAS threads for NumPy")
    print(
        "| family | l | r | method | status | steps | NumPy s | JAX s | ratio | compile s "
        "| JAX in its eigh(l) | matmul GFLOP/s |"
    )
    print("|" + "---|" * 12)
    with threadpool_limits(options.threads):
        for size in options.sizes:
            for family in options.families:
                for name in options.methods:
                    case = Case(family, options.dimension, size, 0, options.rank_tol)
                    row = compare(case, name, options.repeats, options.numpy_limit)
                    print(row, flush=True)
        if options.batches:
            print("\n| problems | l | loop ms | vmap ms | loop / vmap |\n" + "|---" * 5 + "|")
        for batch in options.batches:
            print(compare_batches(50, batch, options.repeats), flush=True)
        if options.batches:
            print("\n| problems | l | loop: first s | batch: first s | loop ms | batch ms |")
            print("|---" * 6 + "|")
            print(compare_ragged(40, 8, options.repeats), flush=True)


if __name__ == "__main__":
    main()
