"""What is compiled for an NVIDIA GPU, seen without one: lowering needs no device."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from helpers import Backend
from kernel_ot import Problem, kernels, solve
from kernel_ot.solvers import InteriorPoint, SemismoothNewton


@pytest.mark.parametrize("method", [InteriorPoint(), SemismoothNewton()])
def test_batched_gradients_lower_to_cusolver(
    jax_backend: Backend, monkeypatch: pytest.MonkeyPatch, method: Any
) -> None:
    import jax
    from jax import numpy as jnp

    def cost(x: Any, y: Any) -> Any:
        problem = Problem.from_samples(
            x,
            y,
            x,
            y,
            kernel=kernels.Gaussian(1.0),
            reg_sos=1e-3,
            reg_potential=1e-3,
            rank=6,
        )
        return solve(problem, method).cost

    def stand_in(function: Any, shapes: Any, *args: Any, **options: Any) -> Any:
        return tuple(jnp.zeros(shape.shape, shape.dtype) for shape in shapes)

    # The guard's way back to the CPU is the one part that asks for a device.
    monkeypatch.setattr(jax, "pure_callback", stand_in)
    rng = np.random.default_rng(0)
    x, y = (jnp.asarray(rng.normal(size=(3, 8, 2)) + shift) for shift in (0, 1))
    traced = jax.jit(jax.vmap(jax.grad(cost))).trace(x, y)
    program = traced.lower(lowering_platforms=("cuda",)).as_text()
    assert "cusolver_syevd" in program
    assert "cusolver_potrf" in program
    assert "lapack" not in program
    # All problems at once, not one by one as on a CPU.
    assert "tensor<3x6x6xf64>" in program
