"""The entry point: from a problem to a solution."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np

from kernel_ot._arrays import Array, check_positive, namespace_of, shown
from kernel_ot.problem import Problem
from kernel_ot.solvers._choice import check_method, choose_method
from kernel_ot.solvers._loop import Callback, run
from kernel_ot.solvers._method import AnyMethod, StartingPoint
from kernel_ot.solvers._solution import Solution

Start: TypeAlias = Solution | tuple[Array, Array | None]


def solve(
    problem: Problem,
    method: str | AnyMethod = "auto",
    tol: float = 1e-8,
    max_iter: int | None = None,
    init: Start | None = None,
    callback: Callback | None = None,
    time_limit: float | None = None,
) -> Solution:
    """Solve the problem and report how it went.

    Parameters
    ----------
    problem : Problem
    method : str or Method, default "auto"
        The name of a method, "auto" to have one chosen, or a `Method` object with settings of
        your own.
    tol : float, default 1e-8
        Bound on the relative error of the objective and what else
        `kernel_ot.problem.OptimalityReport` counts in its residual.
    max_iter : int, optional
        Budget of steps; by default the method's own. 0 only checks the starting point.
    init : Solution or (gamma, multiplier), optional
        Where to start. Any gamma of shape (l,) and any symmetric multiplier of shape (r, r) (or
        None) do; they need not be feasible.
    callback : callable, optional
        Called with a `Progress` at the start and after each step. Returning True stops the solve
        with `Status.CALLBACK_STOPPED`; any other value is ignored. An exception raised in it is
        not caught.
    time_limit : float, optional
        Seconds after which no further step is begun.

    Returns
    -------
    Solution
        Whatever happened, its status says how it ended. `solve` does not raise for a solve that
        failed, nor for Ctrl-C during the steps; one that comes while the answer is put together
        leaves as KeyboardInterrupt, and nothing has changed. Of a problem of JAX arrays its
        numbers are JAX arrays.

    Raises
    ------
    ValueError
        An unknown method, a tolerance or limit out of range, an `init` of the wrong shape; a
        callback or a time limit with JAX arrays.

    Notes
    -----
    On JAX arrays the whole solve is one compiled function: it composes with `jax.jit`, `jax.vmap`
    and `jax.grad`, does not compile again for the same shapes and method, and
    derivatives in everything that the problem was made of come from the implicit function theorem.
    Inside of traced code "auto" cannot look at values and takes the interior point method in the
    form that is safe for every K.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import Problem, kernels, solve
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(40, 1)), rng.normal(size=(40, 1)) + 1
    >>> problem = Problem.from_samples(
    ...     x, y, x[:20], y[:20], kernel=kernels.Gaussian(2.0), reg_sos=1e-3, reg_potential=1e-3
    ... )
    >>> solution = solve(problem)
    >>> solution.status.name, solution.residual <= 1e-8
    ('CONVERGED', True)
    """
    if not isinstance(problem, Problem):
        raise ValueError(
            f"problem = {shown(problem)} is no Problem; make one by Problem.from_samples(x, y, "
            "...)."
        )
    check_method(method)
    if namespace_of(problem.features) is not np:
        return _solve_jax(problem, method, tol, max_iter, init, callback, time_limit)
    start = _starting_point(problem, init)
    chosen = choose_method(method, problem, start) if isinstance(method, str) else method
    tol = check_positive(tol, "tol")
    max_iter = chosen.max_iter if max_iter is None else _as_count(max_iter)
    return run(
        problem,
        chosen,
        tol=tol,
        max_iter=max_iter,
        start=start,
        callback=callback,
        time_limit=math.inf if time_limit is None else check_positive(time_limit, "time_limit"),
    )


def _solve_jax(
    problem: Problem,
    method: str | AnyMethod,
    tol: float,
    max_iter: int | None,
    init: Start | None,
    callback: Callback | None,
    time_limit: float | None,
) -> Solution:
    from kernel_ot.solvers.jax._solve import solve_traced

    for name, value in (("callback", callback), ("time_limit", time_limit)):
        if value is not None:
            raise ValueError(
                f"{name} cannot be used with JAX arrays, whose solve is one compiled function: "
                "bound it with max_iter, look at records, or pass NumPy arrays."
            )
    start = _traced_start(problem, init)
    chosen = choose_method(method, problem, start) if isinstance(method, str) else method
    max_iter = chosen.max_iter if max_iter is None else _as_count(max_iter)
    longest = max(max_iter, chosen.max_iter)
    tol = check_positive(tol, "tol")
    solution: Solution = solve_traced(problem, chosen, tol, max_iter, start, longest)
    return solution


def _traced_start(problem: Problem, init: Start | None) -> StartingPoint | None:
    if init is None:
        return None
    gamma, multiplier = _checked_pair(init)
    xp, dtype = namespace_of(problem.features), problem.features.dtype
    gamma = xp.asarray(gamma, dtype)
    multiplier = None if multiplier is None else xp.asarray(multiplier, dtype)
    _check_shapes(problem, gamma, multiplier)
    return StartingPoint(gamma, multiplier)


def _starting_point(problem: Problem, init: Start | None) -> StartingPoint | None:
    if init is None:
        return None
    given = _checked_pair(init)
    gamma = _as_real(given[0])
    multiplier = None if given[1] is None else _as_real(given[1])
    _check_shapes(problem, gamma, multiplier)
    for name, array in (("gamma", gamma), ("multiplier", multiplier)):
        if array is not None and not np.isfinite(array).all():
            raise ValueError(f"init has a {name} with NaN or infinity.")
    return StartingPoint(gamma, multiplier)


def _checked_pair(init: object) -> tuple[Array, Array | None]:
    if isinstance(init, Solution):
        return init.gamma, init.multiplier
    if not isinstance(init, (tuple, list)) or len(init) != 2 or init[0] is None:
        raise ValueError(
            f"init is {type(init).__name__}; it must be a Solution or a pair (gamma, multiplier), "
            "of which only the multiplier may be None."
        )
    gamma, multiplier = init
    return gamma, multiplier


def _check_shapes(problem: Problem, gamma: Array, multiplier: Array | None) -> None:
    if gamma.shape != (problem.n_fill,):
        raise ValueError(
            f"init has gamma of shape {gamma.shape}; this problem needs ({problem.n_fill},)."
        )
    if multiplier is not None and multiplier.shape != (problem.rank, problem.rank):
        raise ValueError(
            f"init has a multiplier of shape {multiplier.shape}; this problem needs "
            f"({problem.rank}, {problem.rank}), or None."
        )


def _as_real(value: object) -> Array:
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"init holds entries of type {array.dtype}; they must be real numbers.")
    return array.astype(np.float64)


def _as_count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
        raise ValueError(f"max_iter = {shown(value)} must be a non-negative integer.")
    return int(value)
