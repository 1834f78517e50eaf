"""Samples far from the origin: the same answer, or a refusal, never one that rounding made."""

from __future__ import annotations

import numpy as np
import pytest

from kernel_ot import KernelOT, Problem, solve
from kernel_ot._arrays import Array
from kernel_ot.kernels import Anisotropic, Gaussian, Kernel, Linear, Matern, Polynomial

GROWING = [Linear(), Polynomial(2), Gaussian(1.0) + Linear(), Anisotropic(Linear(), np.eye(2))]


def samples(offset: float, n: int = 20) -> tuple[Array, Array]:
    """Return samples whose coordinates are exact at every offset tried."""
    x, y = (np.random.default_rng(seed).normal(size=(n, 2)) for seed in (0, 1))
    return np.round(x * 2**20) / 2**20 + offset, np.round(y * 2**20) / 2**20 + 1 + offset


def problem(kernel: Kernel, offset: float) -> Problem:
    x, y = samples(offset)
    return Problem.from_samples(x, y, x, y, kernel=kernel, reg_sos=1e-3, reg_potential=1e-3)


@pytest.mark.parametrize("kernel", GROWING, ids=repr)
@pytest.mark.parametrize("offset", [3e4, 1e6, 1e9])
def test_fits_are_refused_where_rounding_hides_the_spread(kernel: Kernel, offset: float) -> None:
    with pytest.raises(ValueError, match=r"x lies .* from the origin .* Subtract its mean"):
        KernelOT(kernel, reg_potential=1e-3, preconditioner=None).fit(*samples(offset))


@pytest.mark.parametrize("kernel", GROWING, ids=repr)
@pytest.mark.parametrize("offset", [3e4, 1e6, 1e9])
@pytest.mark.parametrize("method", ["auto", "ssn", "accelerated_gradient"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_no_solve_converges_where_rounding_hides_the_spread(
    kernel: Kernel, offset: float, method: str, dtype: str
) -> None:
    x, y = samples(offset)
    far = Problem.from_samples(
        x, y, x, y, kernel=kernel, reg_sos=1e-3, reg_potential=1e-3, dtype=dtype
    )
    assert not solve(far, method, tol=1e-4, max_iter=30).converged


def test_samples_of_any_size_are_refused_alike() -> None:
    x, y = samples(0.0, n=5500)
    with pytest.raises(ValueError, match=r"y lies 1e\+06 from the origin"):
        KernelOT(Linear(), reg_potential=1e-3, preconditioner=None).fit(x, y + 1e6)


@pytest.mark.parametrize("kernel", [Linear(), Gaussian(1.0) + Linear()], ids=repr)
@pytest.mark.parametrize("tol", [3e-5, 1e-10])
@pytest.mark.parametrize("offset", [1e2, 1e3])
def test_what_is_near_enough_has_one_optimum(kernel: Kernel, tol: float, offset: float) -> None:
    found = solve(problem(kernel, offset), tol=tol, time_limit=2.0)
    # u = v = 0 with the matrix of the cost is feasible for the linear kernel, of cost zero, and the
    # functions of the sum are nearly the same at every offset.
    near = solve(problem(kernel, 0.0))
    assert not found.converged or abs(found.cost - near.cost) < 0.05 + 0.2 * abs(near.cost)


@pytest.mark.parametrize("kernel", [Gaussian(1.5), Matern(1.5, 2.0)], ids=repr)
@pytest.mark.parametrize("offset", [1e6, 2.0**30])
def test_kernels_of_the_difference_do_not_see_the_origin(kernel: Kernel, offset: float) -> None:
    costs = [solve(problem(kernel, at), tol=1e-10).cost for at in (0.0, offset)]
    assert costs[1] == pytest.approx(costs[0], rel=1e-8)


@pytest.mark.parametrize("preconditioner", ["gaussian", None])
@pytest.mark.parametrize("offset", [1e6, 2.0**30])
def test_fits_do_not_see_the_origin(preconditioner: str | None, offset: float) -> None:
    model = KernelOT(Gaussian(1.5), reg_potential=1e-3, preconditioner=preconditioner)
    (x, y), (far_x, far_y) = samples(0.0, 100), samples(offset, 100)
    cost, images = model.fit(x, y).cost_, model.transform(x)
    model.fit(far_x, far_y)
    assert model.cost_ == pytest.approx(cost, rel=1e-6)
    np.testing.assert_allclose(model.transform(far_x) - offset, images, atol=1e-5)


def test_the_jitter_is_of_the_size_of_what_tells_points_apart() -> None:
    x, y = samples(100.0)
    centred, far = problem(Linear(), 0.0), problem(Linear(), 100.0)
    exact = Linear()(x, x) + Linear()(y, y)
    added = np.diagonal(far.quadratic) - np.diagonal(exact)
    assert added.max() < 3e-10 * np.diagonal(centred.quadratic).max()
