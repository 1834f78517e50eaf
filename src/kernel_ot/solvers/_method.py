"""What a method must provide to be driven by the loop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from kernel_ot._arrays import Array, Scalar, pytree
from kernel_ot.problem import Problem


@pytree()
@dataclass(frozen=True, eq=False)
class StartingPoint:
    """A point to start from: gamma of shape (l,), multiplier of shape (r, r) or None.

    Examples
    --------
    >>> import numpy as np
    >>> StartingPoint(np.zeros(3)).multiplier is None
    True
    """

    gamma: Array
    multiplier: Array | None = None


class State(Protocol):
    """An iterate. Methods add what they carry from step to step.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import Problem, kernels, solve
    >>> x = np.linspace(0, 1, 8)[:, None]
    >>> problem = Problem.from_samples(
    ...     x, x + 1, x, x + 1, kernel=kernels.Gaussian(0.5), reg_sos=0.1, reg_potential=0.1
    ... )
    >>> from kernel_ot.solvers import InteriorPoint
    >>> InteriorPoint().init(problem, None).gamma.shape
    (8,)
    """

    @property
    def gamma(self) -> Array:
        """Multipliers of the filling points, of shape (l,)."""

    @property
    def residual(self) -> Scalar:
        """The method's own estimate of the residual."""

    @property
    def failure(self) -> Scalar:
        """Code of the status that says why no further step can be taken; 0 for none."""


S = TypeVar("S", bound=State)
T = TypeVar("T", bound=State)


class Method(ABC, Generic[S]):
    """An algorithm: where it starts, one step, and when it is done.

    The loop owns everything else: budgets, callbacks, the best iterate, faults. Methods are
    written once for NumPy and for traced JAX code: what depends on values goes through
    `kernel_ot._arrays.branch` and `while_loop`, and a state keeps its structure and shapes. They
    are frozen dataclasses, since JAX compiles a solve once a method. S is the type of its states.

    Attributes
    ----------
    name : str
        The name that `solve` knows it by.
    max_iter : int
        Default budget of steps, several times what the hardest known problem takes.
    patience : int
        Steps without a fall of the residual by a tenth that count as no progress.
    opening : Opening, optional
        The method that leads from nothing to where this one begins.
    successor : Method, optional
        The method that goes on where this one can go no further, on NumPy.
    warm : bool
        Whether it begins at a start that is given, or at that of its predecessor.

    Examples
    --------
    >>> from kernel_ot.solvers import ShortStep
    >>> isinstance(ShortStep(), Method), ShortStep().name
    (True, 'short_step')
    """

    name: str
    max_iter: int
    patience: int
    opening: OpeningOf[S] | None = None
    successor: AnyMethod | None = None
    warm: bool = True

    @abstractmethod
    def init(self, problem: Problem, start: StartingPoint | None) -> S:
        """Return the state to start from."""

    @abstractmethod
    def step(self, problem: Problem, state: S, tol: Scalar) -> S:
        """Return the next state; `tol` is where the caller will stop."""

    @abstractmethod
    def multiplier(self, problem: Problem, state: S) -> Array:
        """Return X of shape (r, r) for a state, or for what `kept` left of it."""

    def done(self, state: S, tol: Scalar) -> Scalar:
        """Return whether the state's own residual says that `tol` is reached."""
        return state.residual <= tol

    def kept(self, state: S) -> S:
        """Return the state without large arrays that `gamma` and `multiplier` do not need.

        The loop holds on to that of the best state while the method goes on.
        """
        return state


class Opening(Method[S], Generic[S, T]):
    """A method that leads from nothing to where another one, with states of type T, goes on.

    The other's budget and patience count for both.
    """

    @abstractmethod
    def is_needed(self, problem: Problem, start: StartingPoint) -> Array:
        """Return whether the other method had better not begin at that start."""

    @abstractmethod
    def has_arrived(self, state: S) -> Array:
        """Return whether the other method takes the next step."""

    @abstractmethod
    def handed_over(self, problem: Problem, state: S) -> T:
        """Return the other method's state at the same point."""


# Of some states that nobody looks into: a type for that, which is not Any, Python does not have.
AnyMethod: TypeAlias = Method[Any]
OpeningOf: TypeAlias = Opening[Any, T]
