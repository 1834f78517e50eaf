"""A pair of Kantorovich potentials and the maps that their gradients are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from kernel_ot._arrays import Array, namespace_of, pytree


@runtime_checkable
class PotentialFunction(Protocol):
    """A differentiable function on R^d, evaluated at (n, d) points."""

    def __call__(self, points: Array) -> Array:
        """Return the values, of shape (n,)."""
        ...

    def gradient(self, points: Array) -> Array:
        """Return the gradients, of shape (n, d)."""
        ...


def hessian_of(potential: PotentialFunction, points: Array) -> Array:
    """Return the second derivatives of a potential at `points` (n, d), of shape (n, d, d).

    Raises
    ------
    ValueError
        A potential without `hessian(points)`, such as the piecewise one of discrete duals.
    """
    hessian = getattr(potential, "hessian", None)
    if hessian is None:
        raise ValueError(
            f"{type(potential).__name__} has no second derivatives; a potential needs a method "
            "hessian(points), as those of KernelOT have."
        )
    values: Array = hessian(points)
    return values


@pytree()
@dataclass(frozen=True, eq=False)
class Potentials:
    """Potentials u and v of the cost `|x - y|^2 / 2`, and the maps between the distributions.

    Parameters
    ----------
    u, v : PotentialFunction
        On the source and on the target. `u(x) + v(y) <= |x - y|^2 / 2`, with equality where mass
        moves from x to y. Only their sum is determined: a constant may move from one to the other.

    Examples
    --------
    The quadratic cost between a distribution and its translate by b has `u(x) = -<b, x>` up to
    a constant:

    >>> from kernel_ot.kernels import Linear
    >>> from kernel_ot.potentials import KernelExpansion
    >>> b = [[1.0, 2.0]]
    >>> potentials = Potentials(
    ...     u=KernelExpansion(Linear(), b, [-1.0]), v=KernelExpansion(Linear(), b, [1.0])
    ... )
    >>> potentials.transport([[0.0, 0.0]]), potentials.inverse_transport([[1.0, 2.0]])
    (array([[1., 2.]]), array([[0., 0.]]))
    """

    u: PotentialFunction
    v: PotentialFunction

    def gradient_u(self, x: Array) -> Array:
        """Return the gradient of u at `x` (n, d), of shape (n, d)."""
        return self.u.gradient(x)

    def gradient_v(self, y: Array) -> Array:
        """Return the gradient of v at `y` (n, d), of shape (n, d)."""
        return self.v.gradient(y)

    def transport(self, x: Array) -> Array:
        """Return `T(x) = x - grad u(x)`, the map from source to target (Brenier's theorem).

        Parameters
        ----------
        x : array of shape (n, d)
            Any points, in the samples' units; float32 stays float32 where it holds the images.

        Returns
        -------
        array of shape (n, d)
        """
        return _moved(self.u, x)

    def inverse_transport(self, y: Array) -> Array:
        """Return `S(y) = y - grad v(y)`, the map from target to source.

        Parameters
        ----------
        y : array of shape (n, d)

        Returns
        -------
        array of shape (n, d)
        """
        return _moved(self.v, y)

    def jacobian(self, x: Array) -> Array:
        r"""Return the Jacobian :math:`I - \nabla^2 u(x)` of T, symmetric.

        Parameters
        ----------
        x : array of shape (n, d)

        Returns
        -------
        array of shape (n, d, d)
            Sums over centres are taken block by block.

        Raises
        ------
        ValueError
            Potentials without second derivatives.
        """
        return _jacobian(self.u, x)

    def inverse_jacobian(self, y: Array) -> Array:
        """Return the Jacobian of S at `y`, as `jacobian` does that of T."""
        return _jacobian(self.v, y)

    def log_determinant(self, x: Array) -> Array:
        r"""Return :math:`\log \det \nabla T(x)`, by which densities are pushed forward.

        Where x has density p, T(x) has :math:`\log p(x) - \log \det \nabla T(x)`.

        Parameters
        ----------
        x : array of shape (n, d)

        Returns
        -------
        array of shape (n,)
            NaN where the Jacobian is not positive definite, so that the estimated T is no
            invertible map there: the regularisation was too weak, or x far off the sample.

        Examples
        --------
        >>> from kernel_ot.kernels import Polynomial
        >>> from kernel_ot.potentials import KernelExpansion
        >>> u = KernelExpansion(Polynomial(2, 0.0), [[1.0]], [-0.5])  # -x^2 / 2, T(x) = 2 x
        >>> Potentials(u, u).log_determinant([[3.0]]).round(4)
        array([0.6931])
        """
        jacobian = self.jacobian(x)
        xp = namespace_of(jacobian)
        values = xp.linalg.eigvalsh(jacobian)
        positive = values > 0
        logarithms = xp.sum(xp.log(xp.where(positive, values, 1.0)), axis=1)
        result: Array = xp.where(xp.all(positive, axis=1), logarithms, xp.nan)
        return result


def value_and_gradient(function: PotentialFunction, points: Array) -> tuple[Array, Array]:
    """Return values and gradients of a function, in one pass where it has one.

    Parameters
    ----------
    function : PotentialFunction
    points : array of shape (n, d)

    Returns
    -------
    values : array of shape (n,)
    gradients : array of shape (n, d)
    """
    both: Callable[[Array], tuple[Array, Array]] | None
    both = getattr(function, "value_and_gradient", None)
    return (function(points), function.gradient(points)) if both is None else both(points)


def _moved(potential: PotentialFunction, points: Array) -> Array:
    """Return `points` minus the gradient, by the potential's own formula where it has one."""
    direct: Callable[[Array], Array] | None = getattr(potential, "transport", None)
    if direct is not None:
        return direct(points)
    gradient = potential.gradient(points)
    moved: Array = namespace_of(gradient).asarray(points, dtype=gradient.dtype) - gradient
    return moved


def _jacobian(potential: PotentialFunction, points: Array) -> Array:
    hessian = hessian_of(potential, points)
    jacobian: Array = namespace_of(hessian).eye(hessian.shape[1], dtype=hessian.dtype) - hessian
    return jacobian
