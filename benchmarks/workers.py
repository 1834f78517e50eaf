"""What many workers would give: computed from the costs of one block, measured here.

``python -m benchmarks.workers --figure docs/_static/workers.png`` times the work on one block (the
sum over landmarks, the certificate's evaluation of both potentials) and the rounds of the driver in
processor seconds, takes a millisecond a task for the scheduler, which is what Dask's documentation
gives, and draws time against points and workers.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks.scale import map_of
from kernel_ot import KernelOT
from kernel_ot._arrays import Array
from kernel_ot.cutting_planes import scan_pairs

_BLOCK = 25_000
_POINTS_OF_A_TASK = 200_000
_SECONDS_OF_A_TASK = 1e-3
_ROWS = 3000
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Costs:
    """Processor seconds: of the driver's rounds, and of a point in either pass."""

    driver: float
    embedding: float
    certificate: float

    def seconds(self, n: Array | float, workers: float) -> Array | float:
        """Return how long a fit of n + n points takes on so many workers."""
        points = 2 * np.asarray(n, dtype=np.float64)
        tasks = 2 * points / _POINTS_OF_A_TASK
        busy = points * (self.embedding + self.certificate) / workers
        # The scheduler hands out tasks one by one, whatever the workers do.
        return np.asarray(self.driver + np.maximum(busy, tasks * _SECONDS_OF_A_TASK))


def measure(d: int = 5, n: int = 40_000) -> Costs:
    """Return the costs of a default fit of the family logcosh."""
    transport, rng = map_of("logcosh", d), np.random.default_rng(n)
    x, y = rng.normal(size=(n, d)), transport(rng.normal(size=(n, d)))
    driver, model = _timed(lambda: KernelOT(verdict=False).fit(x, y))
    made_of = model.problem_.provenance
    assert made_of is not None
    block = model.conjugation_.forward_x(x[:_BLOCK])
    masses = np.ones(len(block))
    embedding, _ = _timed(lambda: model.kernel_.apply(made_of.x, block, masses))
    potentials = model.problem_.potentials(model.solution_.gamma)
    values, here = _timed(lambda: potentials.u(block))
    rows = block[:_ROWS]
    scan, _ = _timed(lambda: scan_pairs(rows, block, here[:_ROWS], here))
    # Rows meet the blocks of one sample only.
    certificate = (values + scan / 2) / len(block)
    passes = 2 * n * (embedding / len(block) + certificate)
    return Costs(max(driver - passes, 0.0), embedding / len(block), certificate)


def _timed(work: Callable[[], _Result]) -> tuple[float, _Result]:
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def draw(costs: Costs, path: Path) -> None:
    """Draw time against points for several numbers of workers."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    n = np.logspace(5, 10, 101)
    figure, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    for workers in (1, 2, 10, 100):
        ax.loglog(n, costs.seconds(n, workers), label=f"{workers} worker{'s' * (workers > 1)}")
    ax.axhline(costs.driver, color="0.6", linestyle=":", label="rounds of the driver")
    ax.set_xlabel("points of a sample")
    ax.set_ylabel("seconds (computed)")
    ax.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figure", type=Path, help="where to draw it")
    parser.add_argument("--costs", type=float, nargs=3, help="measured before; in seconds")
    arguments = parser.parse_args()
    costs = Costs(*arguments.costs) if arguments.costs else measure()
    print(
        f"driver {costs.driver:.1f} s; a point {1e6 * costs.embedding:.2f} us embedded, "
        f"{1e6 * costs.certificate:.2f} us certified"
    )
    for n in (1e6, 1e7, 1e8, 1e9):
        times = ", ".join(f"{w}: {float(costs.seconds(n, w)):.0f} s" for w in (1, 10, 100))
        print(f"n = {n:.0e}: {times}")
    if arguments.figure is not None:
        draw(costs, arguments.figure)


if __name__ == "__main__":
    main()
