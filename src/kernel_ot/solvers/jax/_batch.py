"""Solve many problems in one call, those of unequal size padded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kernel_ot._arrays import Array, check_positive, namespace_of
from kernel_ot.problem import Problem
from kernel_ot.solvers._choice import METHODS, check_method_name
from kernel_ot.solvers._method import AnyMethod
from kernel_ot.solvers._solution import Solution
from kernel_ot.solvers._solve import solve
from kernel_ot.solvers.interior_point._general import InteriorPoint


def solve_batch(
    problems: Sequence[Problem],
    method: str | AnyMethod = "auto",
    tol: float = 1e-8,
    max_iter: int | None = None,
) -> list[Solution]:
    """Solve every problem, on JAX in one compiled call by `jax.vmap`.

    Parameters
    ----------
    problems : sequence of Problem
        All of NumPy arrays, or all of JAX arrays of one precision. Their sizes may differ: smaller
        ones are padded to the largest with filling points that no feature sees, whose multipliers
        are 0. Each costs as much as the largest, and off the CPU, where all are solved at once, as
        the hardest; so problems of very different sizes are better solved in several batches.
    method : str or Method, default "auto"
        As for `solve`. On JAX "auto" and "interior_point" take the interior point method in the
        form that is safe for every K.
    tol : float, default 1e-8
    max_iter : int, optional

    Returns
    -------
    list of Solution
        In the order of `problems`, without padding. Reported errors are those of the padded
        problem, which are at least as large.

    Raises
    ------
    ValueError
        No problems, mixed array libraries or precisions, or what `solve` raises.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import Problem, kernels
    >>> rng = np.random.default_rng(0)
    >>> problems = [
    ...     Problem.from_samples(
    ...         x, x + 1, x, x, kernel=kernels.Gaussian(1.0), reg_sos=1e-3, reg_potential=1e-3
    ...     )
    ...     for x in (rng.normal(size=(20, 1)), rng.normal(size=(30, 1)))
    ... ]
    >>> [solution.converged for solution in solve_batch(problems)]
    [True, True]
    """
    problems = list(problems)
    if not problems:
        raise ValueError("problems is empty; pass at least one problem.")
    kinds = {(namespace_of(p.features).__name__, str(p.features.dtype)) for p in problems}
    if len(kinds) > 1:
        raise ValueError(
            f"problems are of several kinds, {sorted(kinds)}; make all of one array library and "
            "precision."
        )
    if namespace_of(problems[0].features) is np:
        return [solve(problem, method, tol, max_iter) for problem in problems]
    chosen = _batch_method(method, problems[0])
    n_fill = max(problem.n_fill for problem in problems)
    rank = max(problem.rank for problem in problems)
    import jax
    import jax.numpy as jnp

    padded = [pad_problem(problem, n_fill, rank) for problem in problems]
    batch = jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(a) for a in leaves]), *padded)
    tol = check_positive(tol, "tol")
    solved = jax.vmap(lambda problem: solve(problem, chosen, tol, max_iter))(batch)
    return [_unpadded(solved, i, problem) for i, problem in enumerate(problems)]


def pad_problem(problem: Problem, n_fill: int, rank: int) -> Problem:
    """Return the problem with idle filling points and features added; without its samples.

    The constraint is lambda_1 I on the new features, and the objective asks for 0 at the new
    points, so that the solution is the old one with zeros.
    """
    xp = namespace_of(problem.features)
    points, rows = n_fill - problem.n_fill, rank - problem.rank
    level = xp.mean(xp.diagonal(problem.quadratic))
    idle = xp.concatenate([xp.zeros(problem.n_fill), xp.full(points, 1.0)]).astype(
        problem.quadratic.dtype
    )
    return replace(
        problem,
        quadratic=xp.pad(problem.quadratic, (0, points)) + level * xp.diag(idle),
        linear=xp.pad(problem.linear, (0, points)),
        embedding=xp.pad(problem.embedding, (0, points)),
        features=xp.pad(problem.features, ((0, rows), (0, points))),
        provenance=None,
    )


def _batch_method(method: str | AnyMethod, problem: Problem) -> AnyMethod:
    if not isinstance(method, str):
        return method
    check_method_name(method)
    # A padded K is singular: only this form of the interior point method is for such.
    return InteriorPoint() if method in ("auto", "interior_point") else METHODS[method](problem)


def _unpadded(solved: Solution, index: int, problem: Problem) -> Solution:
    import jax

    solution: Solution = jax.tree.map(lambda leaf: leaf[index], solved)
    gamma: Array = solution.gamma[: problem.n_fill]
    multiplier: Array = solution.multiplier[: problem.rank, : problem.rank]
    return replace(solution, gamma=gamma, multiplier=multiplier)
