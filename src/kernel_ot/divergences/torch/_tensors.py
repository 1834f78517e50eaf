"""The divergence of PyTorch tensors: computed in float64 on the host, differentiable there."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch.autograd.function import FunctionCtx, once_differentiable

from kernel_ot._arrays import Array
from kernel_ot.divergences._divergence import Divergence, divergence
from kernel_ot.divergences._moving import Moved
from kernel_ot.divergences._settings import DivergenceSettings
from kernel_ot.potentials import PotentialFunction, Potentials, hessian_of

Tensor: TypeAlias = torch.Tensor


@dataclass(frozen=True, eq=False)
class TensorPotential:
    """A potential as a differentiable function of tensors.

    Parameters
    ----------
    potential : PotentialFunction
        Of NumPy arrays.
    """

    potential: PotentialFunction

    def __call__(self, points: Tensor) -> Tensor:
        """Return the values at `points` (n, d), of shape (n,); differentiable twice."""
        values: Tensor = _PotentialValue.apply(points, self.potential)
        return values

    def gradient(self, points: Tensor) -> Tensor:
        """Return the gradients at `points` (n, d), of shape (n, d); differentiable once."""
        gradients: Tensor = _PotentialGradient.apply(points, self.potential)
        return gradients


@dataclass(frozen=True, eq=False)
class TensorPotentials:
    """Both potentials and maps as differentiable functions of tensors, on their device.

    Parameters
    ----------
    u, v : TensorPotential
    """

    u: TensorPotential
    v: TensorPotential

    def transport(self, x: Tensor) -> Tensor:
        """Return `T(x) = x - grad u(x)`."""
        return x - self.u.gradient(x)

    def inverse_transport(self, y: Tensor) -> Tensor:
        """Return `S(y) = y - grad v(y)`."""
        return y - self.v.gradient(y)


def tensor_potentials(potentials: Potentials) -> TensorPotentials:
    """Return potentials of NumPy arrays as functions of tensors."""
    return TensorPotentials(TensorPotential(potentials.u), TensorPotential(potentials.v))


class _PotentialValue(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, points: Tensor, potential: PotentialFunction) -> Tensor:
        ctx.save_for_backward(points)
        ctx.potential = potential
        return like(potential(array_of(points, "points")), points)

    @staticmethod
    def backward(ctx: FunctionCtx, upstream: Tensor) -> tuple[Tensor, None]:
        (points,) = ctx.saved_tensors
        return upstream[:, None] * _PotentialGradient.apply(points, ctx.potential), None


class _PotentialGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, points: Tensor, potential: PotentialFunction) -> Tensor:
        ctx.save_for_backward(points)
        ctx.potential = potential
        return like(potential.gradient(array_of(points, "points")), points)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, upstream: Tensor) -> tuple[Tensor, None]:
        (points,) = ctx.saved_tensors
        hessian = like(hessian_of(ctx.potential, array_of(points, "points")), points)
        return torch.einsum("nij,nj->ni", hessian, upstream), None


class _Value(torch.autograd.Function):
    """The value, whose derivatives in the points are known when it is."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, x: Tensor, y: Tensor, value: float, gradients: tuple[Array, Array]
    ) -> Tensor:
        ctx.save_for_backward(x, y, *(like(g, p) for g, p in zip(gradients, (x, y), strict=True)))
        return torch.as_tensor(value, dtype=x.dtype, device=x.device)

    @staticmethod
    def backward(ctx: FunctionCtx, upstream: Tensor) -> tuple[Tensor, Tensor, None, None]:
        x, y, gradient_x, gradient_y = ctx.saved_tensors
        pull = _Pull.apply
        return pull(upstream, x, gradient_x), pull(upstream, y, gradient_y), None, None


class _Pull(torch.autograd.Function):
    """The gradient as a function of the points, so that nobody differentiates it unnoticed."""

    @staticmethod
    def forward(ctx: FunctionCtx, upstream: Tensor, points: Tensor, gradient: Tensor) -> Tensor:
        return upstream * gradient

    @staticmethod
    def backward(ctx: FunctionCtx, upstream: Tensor) -> tuple[None, None, None]:
        raise RuntimeError(
            "second derivatives of a divergence are not there for PyTorch tensors; JAX arrays "
            "have them."
        )


def tensor_divergence(
    x: Tensor,
    y: Tensor,
    settings: DivergenceSettings | None,
    weights_x: Tensor | ArrayLike | None,
    weights_y: Tensor | ArrayLike | None,
) -> Divergence:
    """Return the divergence of two tensors; `value` is differentiable, the rest is constant."""
    _check_pair(x, y)
    weights = [
        _constant(masses, name) if torch.is_tensor(masses) else masses
        for masses, name in ((weights_x, "weights_x"), (weights_y, "weights_y"))
    ]
    found = divergence(
        array_of(x, "x"),
        array_of(y, "y"),
        settings=settings,
        weights_x=weights[0],
        weights_y=weights[1],
    )
    gradients = found.gradient_x, found.gradient_y
    value = _Value.apply(x, y, found.value, gradients)
    return Divergence(
        value=value,
        forward=_moved_like(found.forward, x),
        backward=_moved_like(found.backward, y),
        potentials=tensor_potentials(found.potentials),  # type: ignore[arg-type]  # of tensors
        gradient_x=like(gradients[0], x),
        gradient_y=like(gradients[1], y),
        settings=found.settings,
    )


def array_of(tensor: Tensor, name: str) -> Array:
    """Return a tensor's numbers in float64 on the host.

    Raises
    ------
    ValueError
        Integers or complex numbers, sparse tensors.
    """
    if not tensor.is_floating_point():
        raise ValueError(
            f"{name} is a tensor of dtype {tensor.dtype}, through which nothing can be "
            f"differentiated; pass {name}.double()."
        )
    if tensor.layout != torch.strided:
        raise ValueError(f"{name} is a sparse tensor; pass {name}.to_dense().")
    values = tensor.detach().to(device="cpu")
    # NumPy has no bfloat16, and half precision is no precision for a distance.
    wide = values if values.dtype == torch.float32 else values.double()
    array: Array = wide.numpy()
    return array


def like(values: ArrayLike, tensor: Tensor) -> Tensor:
    """Return NumPy values as a tensor of another's dtype, on its device."""
    return torch.as_tensor(np.ascontiguousarray(values)).to(
        device=tensor.device, dtype=tensor.dtype
    )


def _moved_like(direction: Moved, tensor: Tensor) -> Moved:
    numbers = {field.name: getattr(direction, field.name) for field in fields(Moved)}
    return Moved(**(numbers | {"images": like(direction.images, tensor)}))


def _check_pair(x: Tensor, y: Tensor) -> None:
    for points, name in ((x, "x"), (y, "y")):
        if not torch.is_tensor(points):
            raise ValueError(
                f"{name} is a {type(points).__name__} and the other sample a PyTorch tensor; pass "
                "two tensors."
            )
    if x.device != y.device:
        raise ValueError(
            f"x is on the device {x.device} and y on {y.device}; move one, y.to({str(x.device)!r})."
        )
    if x.dtype != y.dtype:
        raise ValueError(f"x is {x.dtype} and y is {y.dtype}; make both of one dtype.")


def _constant(masses: Tensor, name: str) -> ArrayLike | None:
    if masses.requires_grad:
        raise ValueError(
            f"{name} requires a gradient, which PyTorch's divergence has in the points only; pass "
            f"{name}.detach(), or use JAX."
        )
    array: Array = masses.detach().cpu().numpy()
    return array
