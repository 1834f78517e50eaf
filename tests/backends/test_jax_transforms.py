"""jit, vmap and grad of functions from samples to what was estimated."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest

from helpers import Backend
from kernel_ot import Problem, kernels, solve
from kernel_ot.solvers import InteriorPoint

N = 14
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(N, 2)), RNG.normal(size=(N, 2)) + [1.0, 0.5]
WEIGHTS = RNG.uniform(0.5, 1.5, size=N)
POINT: dict[str, Any] = {
    "x": X,
    "weights": WEIGHTS / WEIGHTS.sum(),
    "bandwidth": 0.8,
    "reg_sos": 1e-2,
    "reg_potential": 1e-2,
}


def _problem(
    x: Any, weights: Any, bandwidth: Any, reg_sos: Any, reg_potential: Any, y: Any = Y
) -> Problem:
    return Problem.from_samples(
        x,
        y,
        x,
        y,
        kernel=kernels.Gaussian(bandwidth),
        reg_sos=reg_sos,
        reg_potential=reg_potential,
        weights_x=weights,
        jitter=1e-8,
    )


def _outputs(point: dict[str, Any], tol: float = 1e-11) -> Any:
    """Return what is differentiated, as one vector: objective, cost, u, T and X."""
    from jax import numpy as jnp

    problem = _problem(**point)
    solution = solve(problem, InteriorPoint(), tol=tol)
    potentials = problem.potentials(solution.gamma)
    at = jnp.asarray([[0.3, -0.2], [0.9, 0.4]])
    parts = (
        jnp.atleast_1d(solution.objective),
        jnp.atleast_1d(solution.cost),
        potentials.u(at),
        potentials.transport(at).ravel(),
        jnp.atleast_1d(jnp.trace(solution.multiplier)),
    )
    return jnp.concatenate(parts)


@cache
def _outputs_and_jacobian() -> Any:
    """Return one compiled function for all tests: compiling takes longer than they do."""
    import jax

    return jax.jit(lambda point: (_outputs(point), jax.jacrev(_outputs)(point)))


def _point() -> dict[str, Any]:
    from jax import numpy as jnp

    # Of one type each, strong, so that no value is compiled anew.
    return {name: jnp.asarray(value, jnp.float64) for name, value in POINT.items()}


def test_derivatives_are_finite_differences(jax_backend: Backend) -> None:
    import jax

    function = _outputs_and_jacobian()
    point = _point()
    _, jacobian = function(point)
    forward = jax.jit(lambda point, tangent: jax.jvp(_outputs, (point,), (tangent,))[1])
    rng = np.random.default_rng(1)
    for name, value in point.items():
        direction = rng.normal(size=value.shape) * (np.asarray(value) if value.ndim < 2 else 1)
        step = 1e-4
        ends = [
            np.asarray(function(point | {name: value + sign * step * direction})[0])
            for sign in (1, -1)
        ]
        expected = (ends[0] - ends[1]) / (2 * step)
        axes = jacobian[name].ndim - 1
        reverse = np.tensordot(np.asarray(jacobian[name]), direction, axes=axes)
        np.testing.assert_allclose(reverse, expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())
        tangent = {n: jax.numpy.zeros_like(v) for n, v in point.items()} | {name: direction}
        np.testing.assert_allclose(forward(point, tangent), reverse, rtol=1e-6, atol=1e-8)


def test_a_known_problem_may_have_one_traced_part(jax_backend: Backend) -> None:
    import jax

    known = _problem(**_point())

    def cost(scale: Any) -> Any:
        return solve(replace(known, linear=scale * known.linear), tol=1e-9).cost

    assert float(jax.jit(cost)(1.01)) == pytest.approx(float(cost(1.01)), rel=1e-7)


def test_the_derivative_of_the_cost_is_that_of_numpys_costs(jax_backend: Backend) -> None:
    _, jacobian = _outputs_and_jacobian()(_point())
    slope = jacobian["bandwidth"][1]
    differences = []
    for step in (4e-4, 2e-4):
        ends = [
            solve(_problem(**POINT | {"bandwidth": POINT["bandwidth"] + d}), tol=1e-12).cost
            for d in (step, -step)
        ]
        differences.append((ends[0] - ends[1]) / (2 * step))
    extrapolated = (4 * differences[1] - differences[0]) / 3
    assert float(slope) == pytest.approx(extrapolated, rel=1e-5)


def test_hessian_vector_products(jax_backend: Backend) -> None:
    import jax

    point = _point()

    def gradients(bandwidth: Any) -> Any:
        jacobian = jax.jacrev(lambda b: _outputs(point | {"bandwidth": b}, tol=1e-9)[:2])
        return jacobian(bandwidth)

    at = point["bandwidth"]
    second = jax.jit(lambda b: jax.jvp(gradients, (b,), (1.0,))[1])(at)
    compiled = jax.jit(gradients)
    expected = (compiled(at + 1e-4) - compiled(at - 1e-4)) / 2e-4
    np.testing.assert_allclose(second, expected, rtol=1e-4)


def test_nothing_is_traced_twice_and_batches_agree(jax_backend: Backend) -> None:
    import jax
    from jax import numpy as jnp

    traces = []

    def cost(x: Any, y: Any, bandwidth: Any) -> Any:
        traces.append(x)
        problem = Problem.from_samples(
            x,
            y,
            x,
            y,
            kernel=kernels.Gaussian(bandwidth),
            reg_sos=1e-2,
            reg_potential=1e-2,
            rank=10,
        )
        solution = solve(problem)
        return solution.cost, solution.converged

    compiled = jax.jit(cost)
    rng = np.random.default_rng(2)
    xs, ys = jnp.asarray(rng.normal(size=(3, N, 2))), jnp.asarray(rng.normal(size=(3, N, 2)) + 1)
    loop = [compiled(x, y, 0.9) for x, y in zip(xs, ys, strict=True)]
    compiled(xs[0], ys[1], 0.7)
    assert len(traces) == 1
    costs, converged = jax.jit(jax.vmap(cost, in_axes=(0, 0, None)))(xs, ys, 0.9)
    assert converged.all()
    np.testing.assert_allclose(costs, [value for value, _ in loop], rtol=1e-9)
    gradients = jax.jit(jax.vmap(jax.grad(lambda *a: cost(*a)[0]), in_axes=(0, 0, None)))
    assert np.isfinite(gradients(xs, ys, 0.9)).all()


def test_a_second_solve_of_the_same_shapes_is_not_compiled(jax_backend: Backend) -> None:
    from kernel_ot.solvers.jax._solve import solve_traced

    problems = [_problem(**_point() | {"bandwidth": b}) for b in (0.8, 0.9)]
    solve(problems[0], "interior_point")
    before = solve_traced._cache_size()
    assert solve(problems[1], "interior_point").converged
    assert solve_traced._cache_size() == before


def test_what_is_not_finite_ends_with_a_status(jax_backend: Backend) -> None:
    import jax
    from jax import numpy as jnp

    solution = jax.jit(lambda x: solve(_problem(**_point() | {"x": x})))
    bad = jnp.asarray(X).at[2, 1].set(jnp.nan)
    result = solution(bad)
    assert not bool(result.converged)
    assert not result.residual <= 1e-8
    assert np.isfinite(result.gamma).all()
    assert solution(jnp.asarray(X)).converged  # the same compiled code


def test_a_status_is_for_one_problem_outside_of_traced_code(jax_backend: Backend) -> None:
    import jax

    problem = _problem(**_point())
    for name, instead in (("status", "use converged"), ("history", "use records")):

        def asked(problem: Problem, name: str = name) -> Any:
            return getattr(solve(problem, max_iter=0), name)

        with pytest.raises(ValueError, match=f"{name} is made of Python objects.*{instead}"):
            jax.jit(asked)(problem)


def test_a_solution_goes_into_compiled_functions_and_out_again(jax_backend: Backend) -> None:
    import jax

    problem = _problem(**_point())
    solution = jax.jit(lambda p: solve(p, "interior_point"))(problem)
    assert solution.converged
    assert solution.status.name == "CONVERGED"
    assert len(solution.history) == int(solution.iterations) + 1
    again = jax.jit(lambda p, s: solve(p, "interior_point", init=s).iterations)(problem, solution)
    assert int(again) == 0
    batch = jax.tree.map(lambda leaf: jax.numpy.stack([leaf, leaf]), solution)
    assert repr(batch) == (
        f"Solution(gamma of shape (2, {N}), multiplier of (2, {N}, {N}), method='interior_point')"
    )
    with pytest.raises(ValueError, match="use converged"):
        _ = batch.status
    # One of NumPy is the same tree of other leaves.
    onhost = solve(_problem(**POINT), "interior_point")
    assert jax.tree.structure(onhost) == jax.tree.structure(solution)


def test_potentials_and_kernels_are_arguments_of_compiled_functions(jax_backend: Backend) -> None:
    import jax
    from jax import numpy as jnp

    problem = _problem(**_point())
    potentials = problem.potentials(jnp.ones(N) / N)
    moved = jax.jit(lambda p, x: p.transport(x))(potentials, jnp.asarray(X))
    np.testing.assert_allclose(moved, potentials.transport(jnp.asarray(X)), rtol=1e-12)
    kernel = kernels.Gaussian(1.0) + 2.0 * kernels.Matern(1.5, 0.5)
    values = jax.jit(lambda k, x: k(x, x))(kernel, jnp.asarray(X))
    np.testing.assert_allclose(values, kernel(X, X), rtol=1e-12)


WITHOUT_X64 = """
import warnings
import jax.numpy as jnp, numpy as np
from kernel_ot import Problem, kernels
x = jnp.asarray(np.random.default_rng(0).normal(size=(10, 2)))
def make(**options):
    return Problem.from_samples(
        x, x + 1, x, x, kernel=kernels.Gaussian(1.0), reg_sos=1e-3, reg_potential=1e-3, **options
    )
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    make()
assert any("float64 switched off" in str(w.message) for w in caught), caught
with warnings.catch_warnings():
    warnings.simplefilter("error")
    assert make(dtype="float32").features.dtype == np.float32
try:
    make(dtype="float64")
except ValueError as error:
    assert "jax_enable_x64" in str(error)
else:
    raise AssertionError("float64 was not refused")
"""


def test_float64_that_is_off_is_said_loudly(jax_backend: Backend) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_X64], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_page_on_jax_runs(jax_backend: Backend) -> None:
    page = (Path(__file__).parents[2] / "docs" / "guide" / "jax.rst").read_text()
    block = page.split(".. code-block:: python\n")[1].split("\n\n\n")[0]
    lines = [line for line in block.splitlines() if line.startswith("   ") or not line]
    code = dedent("\n".join(lines)).replace("rank=50", "rank=10")
    rng = np.random.default_rng(5)
    xs, ys = rng.normal(size=(2, N, 2)), rng.normal(size=(2, N, 2)) + 1
    names: dict[str, Any] = {
        "xs": jax_backend.array(xs),
        "ys": jax_backend.array(ys),
        "x": jax_backend.array(xs[0]),
        "y": jax_backend.array(ys[0]),
    }
    exec(code.split("jax.grad(cost)")[0], names)
    grad, vmap = "jax.grad(cost)(x, y, 1.0)", "jax.vmap(cost, (0, 0, None))(xs, ys, 1.0)"
    names |= {"slope": eval(grad, names), "costs": eval(vmap, names)}
    assert names["slope"].shape == (N, 2)
    assert names["costs"].shape == (2,)
    assert np.isfinite(names["slope"]).all()
    np.testing.assert_allclose(names["costs"][0], names["cost"](names["x"], names["y"], 1.0))
