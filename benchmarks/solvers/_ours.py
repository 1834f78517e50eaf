"""The library's own methods."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.solvers._outcome import Outcome, Start
from kernel_ot.problem import Problem
from kernel_ot.solvers import METHODS, Status, solve


@dataclass(frozen=True)
class OwnMethod:
    """One name that `kernel_ot.solvers.solve` knows, to a relative KKT residual of `tol`."""

    name: str
    tol: float = 1e-8
    is_ours: bool = True

    def unavailable(self) -> str | None:
        """Return None: they are always there."""
        return None

    def run(self, problem: Problem, budget: float, start: Start = None) -> Outcome:
        """Solve in this process; a step that has begun is finished.

        Raises
        ------
        KeyboardInterrupt
            Ctrl-C, which `solve` itself would turn into a status.
        """
        solution = solve(problem, self.name, tol=self.tol, init=start, time_limit=budget)
        if solution.status is Status.INTERRUPTED:
            raise KeyboardInterrupt
        return Outcome(
            status=solution.status.name,
            seconds=solution.seconds,
            gamma=solution.gamma,
            multiplier=solution.multiplier,
            iterations=solution.iterations,
            own_residual=float(solution.history[-1].residual),
            history=tuple((p.elapsed, p.residual) for p in solution.history),
            note=solution.method if solution.method != self.name else "",
        )


def own_methods() -> list[OwnMethod]:
    """Return "auto" and every method that `solve` knows."""
    return [OwnMethod(name) for name in ("auto", *METHODS)]
