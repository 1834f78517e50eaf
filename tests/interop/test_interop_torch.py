from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from helpers import load_backend
from kernel_ot import DivergenceSettings, KernelOT
from kernel_ot._arrays import Array
from kernel_ot.divergences import divergence
from kernel_ot.estimator import cost_gradients
from kernel_ot.kernels import Gaussian, Matern

torch: Any = load_backend("torch").namespace
interop: Any = importlib.import_module("kernel_ot.interop.torch")


def pair(seed: int, n: int = 5, d: int = 2) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), 1.5 * rng.normal(size=(n + 3, d)) + 1


def tensors(*arrays: Array, dtype: Any = None) -> list[Any]:
    return [torch.tensor(a, dtype=dtype or torch.float64, requires_grad=True) for a in arrays]


@pytest.fixture(scope="module")
def model() -> KernelOT:
    return KernelOT(Gaussian(2.0), reg_potential=1e-2).fit(*pair(0, 40))


def test_gradcheck_of_the_divergence_passes() -> None:
    x, y = pair(1)
    settings = DivergenceSettings.from_samples(x, y, tol=1e-10)

    def value(*points: Any) -> Any:
        return divergence(*points, settings=settings).value

    assert torch.autograd.gradcheck(value, tensors(x, y), eps=1e-5, rtol=1e-5, atol=1e-8)


def test_gradcheck_of_potentials_maps_and_cost_passes(model: KernelOT) -> None:
    (points,) = tensors(np.random.default_rng(2).normal(size=(5, 2)))
    potentials = interop.potentials(model)
    for function in (potentials.u, potentials.v, potentials.transport):
        assert torch.autograd.gradcheck(function, (points,), rtol=1e-5, atol=1e-7)
    assert torch.autograd.gradgradcheck(potentials.u, (points,), rtol=1e-5, atol=1e-6)
    assert torch.autograd.gradcheck(lambda p: interop.inverse_transport(model, p), (points,))
    assert torch.autograd.gradcheck(lambda p: interop.cost(model, p, p), (points,))


def test_values_are_those_of_the_model(model: KernelOT) -> None:
    x, y = tensors(*pair(0, 40))
    assert interop.cost(model, x, y).item() == pytest.approx(model.cost_, rel=1e-9)
    interop.cost(model, x, y).backward()
    for tensor, gradient in zip((x, y), cost_gradients(model), strict=True):
        np.testing.assert_allclose(tensor.grad.numpy(), gradient, atol=1e-10)
    points = x.detach()
    np.testing.assert_allclose(interop.transport(model, points), model.transform(points.numpy()))


def test_settings_are_chosen_from_tensors_in_a_graph() -> None:
    x, y = pair(8)
    settings = DivergenceSettings.from_samples(*tensors(x, y))
    assert settings == DivergenceSettings.from_samples(x, y)


def test_single_precision_and_the_graph_are_kept(model: KernelOT) -> None:
    x, y = tensors(*pair(3, 12), dtype=torch.float32)
    value = divergence(x, y).value
    assert value.dtype == torch.float32
    value.backward()
    assert x.grad.dtype == torch.float32
    assert bool(torch.isfinite(x.grad).all())
    assert interop.transport(model, x).dtype == torch.float32


def test_images_and_gradients_of_the_result_are_constants() -> None:
    found: Any = divergence(*tensors(*pair(4)))
    for tensor in (found.forward.images, found.gradient_x, found.gradient_y):
        assert not tensor.requires_grad
    assert found.value.requires_grad


def test_second_derivatives_of_the_divergence_are_refused() -> None:
    (x, y) = tensors(*pair(5))
    (gradient,) = torch.autograd.grad(divergence(x, y).value, x, create_graph=True)
    with pytest.raises(RuntimeError, match="second derivatives"):
        gradient.sum().backward()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_linear_map_is_recovered_from_batches(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 150
    source = torch.tensor(rng.normal(size=(n, 2)))
    target = torch.tensor(rng.normal(size=(n, 2)) * [2.0, 0.5])
    matrix = torch.eye(2, dtype=torch.float64, requires_grad=True)
    loss = interop.DivergenceLoss(DivergenceSettings.from_samples(source, target, tol=1e-4))
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(source, target),
        batch_size=75,
        shuffle=True,
        generator=torch.Generator().manual_seed(seed),
    )
    optimiser = torch.optim.Adam([matrix], lr=0.1)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimiser, 0.9)
    for _ in range(30):
        for batch, wanted in loader:
            optimiser.zero_grad()
            loss(batch @ matrix, wanted).backward()
            optimiser.step()
        schedule.step()
    # Both samples' standard deviations have an error of 1 / sqrt(2 n) = 6 %, batches of more.
    images = (source @ matrix.detach()).std(dim=0)
    np.testing.assert_allclose(images.numpy(), target.std(dim=0).numpy(), rtol=0.15)
    stretches = torch.linalg.svdvals(matrix.detach()).numpy()
    np.testing.assert_allclose(stretches, [2.0, 0.5], rtol=0.3)


def test_what_is_no_pair_of_floating_tensors_is_refused() -> None:
    x, y = tensors(*pair(6))
    for wrong, message in (
        ((x, torch.ones(4, 2, dtype=torch.int64)), "x is torch.float64 and y is torch.int64"),
        ((torch.ones(4, 2, dtype=torch.int64),) * 2, r"pass x\.double\(\)"),
        ((x, y.detach().numpy()), "y is a ndarray"),
        ((x, y.float()), "one dtype"),
        ((x, torch.empty(4, 2, dtype=torch.float64, device="meta")), "device"),
        ((x[:1], y), "1 point"),
        ((x.to_sparse(), y), "sparse"),
    ):
        with pytest.raises(ValueError, match=message):
            divergence(*wrong)
    broken = x.detach().clone()
    broken[3, 1] = float("nan")
    with pytest.raises(ValueError, match=r"x contains nan \(first at index \(3, 1\)"):
        divergence(broken, y)
    with pytest.raises(ValueError, match="weights_x requires a gradient"):
        divergence(x, y, weights_x=torch.ones(len(x), requires_grad=True))


def test_piecewise_potentials_have_values_but_no_second_derivatives() -> None:
    from kernel_ot.interop import DiscreteCTransform
    from kernel_ot.potentials import Potentials

    points = np.zeros((2, 2))
    piecewise = DiscreteCTransform(points, np.zeros(2))
    (x,) = tensors(np.ones((3, 2)))
    with pytest.raises(ValueError, match="second derivatives"):
        interop.transport(Potentials(piecewise, piecewise), x).sum().backward()


def test_matern_kernels_serve_too() -> None:
    x, y = pair(7)
    settings = DivergenceSettings(Matern(2.5, 1.0), 0.05, tol=1e-11)

    def value(*points: Any) -> Any:
        return divergence(*points, settings=settings).value

    assert torch.autograd.gradcheck(value, tensors(x, y), eps=1e-5, rtol=1e-4, atol=1e-7)
