"""The finite-dimensional problem as one immutable object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from kernel_ot._arrays import (
    Array,
    Scalar,
    as_float,
    check_non_negative,
    check_points,
    check_positive,
    check_same_dimension,
    check_sample,
    check_weights,
    counted,
    namespace_of,
    pytree,
    require_memory,
)
from kernel_ot._linalg import FeatureFactor, feature_factor, inplace
from kernel_ot.kernels import Kernel
from kernel_ot.potentials import Potentials
from kernel_ot.problem import _operators as operators
from kernel_ot.problem._origin import jitter_about_mean, smallest_share
from kernel_ot.problem._pair_terms import linear_term
from kernel_ot.problem._precision import check_finite, solving_precision
from kernel_ot.problem._provenance import Provenance, read_only

if TYPE_CHECKING:
    import cvxpy

# Q and its factor, K, Phi, the solver's working set of six and the eigen-solver's workspace.
_MATRICES_AT_PEAK = 11


@pytree()
@dataclass(frozen=True, eq=False)
class Problem:
    """The dual of kernel optimal transport with l filling points (Vacher et al. 2021, eq. 9).

    Minimise over gamma in R^l::

        gamma'Q gamma / (4 lambda_2) - gamma'z / (2 lambda_2) + q2 / (4 lambda_2)
        subject to  M(gamma) = Phi diag(gamma) Phi' + lambda_1 I  positive semidefinite

    Make one with `Problem.from_samples`, or directly from its arrays.

    Parameters
    ----------
    quadratic : array of shape (l, l)
        Q, the sum of both potentials' kernels at the filling points.
    linear : array of shape (l,)
        z = w - 2 lambda_2 c.
    constant : float
        q2, the squared norms of the two mean embeddings.
    embedding : array of shape (l,)
        w, both mean embeddings at the filling points.
    features : array of shape (r, l)
        Phi, with Phi'Phi = K up to truncation; r <= l.
    reg_sos : float
        lambda_1 > 0, weight of the trace of the sum-of-squares operator.
    reg_potential : float
        lambda_2 > 0, weight of the squared norms of the potentials.
    truncation_error : float, optional
        Largest diagonal entry of K - Phi'Phi relative to that of K.
    provenance : Provenance, optional
        What the problem was made of; needed by `potentials`.

    Raises
    ------
    ValueError
        NaN or infinity in an array, or a regularisation that is not positive; not in traced code.

    Notes
    -----
    The cost is `c(x, y) = |x - y|^2 / 2`. Arrays are read-only. `from_samples` makes them float64
    of float32 input too, since the constraint's eigenvalues span more orders of magnitude than
    float32 holds; arrays passed directly keep their precision.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import Problem, kernels, solve
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(40, 2)), rng.normal(size=(50, 2)) + 1
    >>> problem = Problem.from_samples(
    ...     x, y, x[:30], y[:30], kernel=kernels.Gaussian(2.0), reg_sos=1e-3, reg_potential=1e-3
    ... )
    >>> problem.n_fill
    30
    >>> solve(problem).converged
    True
    """

    quadratic: Array = field(repr=False)
    linear: Array = field(repr=False)
    constant: Scalar
    embedding: Array = field(repr=False)
    features: Array = field(repr=False)
    reg_sos: float
    reg_potential: float
    truncation_error: float = 0.0
    provenance: Provenance | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("quadratic", "linear", "embedding", "features"):
            object.__setattr__(self, name, read_only(getattr(self, name)))
            check_finite(getattr(self, name), name)
        check_finite(self.constant, "constant")
        check_positive(self.reg_sos, "reg_sos")
        check_positive(self.reg_potential, "reg_potential")

    @classmethod
    def from_samples(
        cls,
        x: ArrayLike,
        y: ArrayLike,
        x_fill: ArrayLike,
        y_fill: ArrayLike,
        *,
        kernel: Kernel,
        reg_sos: float,
        reg_potential: float,
        kernel_y: Kernel | None = None,
        kernel_pair: Kernel | None = None,
        weights_x: ArrayLike | None = None,
        weights_y: ArrayLike | None = None,
        factor: Literal["auto", "cholesky", "pivoted"] = "auto",
        rank: int | None = None,
        rank_tol: float | None = None,
        jitter: float = 0.0,
        potential_jitter: float = 1e-10,
        dtype: DTypeLike | None = None,
    ) -> Problem:
        """Build the problem from two samples and filling points.

        Parameters
        ----------
        x : array-like of shape (n, d)
            Source sample.
        y : array-like of shape (m, d)
            Target sample.
        x_fill, y_fill : array-like of shape (l, d)
            Filling points: the constraint is held at the pairs `(x_fill[i], y_fill[i])`.
        kernel : Kernel
            Kernel of the source potential, and of the two below unless given.
        reg_sos : float
            lambda_1 > 0.
        reg_potential : float
            lambda_2 > 0.
        kernel_y : Kernel, optional
            Kernel of the target potential; default `kernel`.
        kernel_pair : Kernel, optional
            Kernel of the sum of squares on concatenated pairs in R^{2d}; default `kernel`.
        weights_x, weights_y : array-like of shape (n,) and (m,), optional
            Masses of the points, rescaled to sum to one; default equal.
        factor : {"auto", "cholesky", "pivoted"}
            How the features are taken of K, see `kernel_ot._linalg.feature_factor`.
        rank : int, optional
            Number of features to truncate K to. Needed under `jax.jit`, where shapes must not
            depend on values; without it there are l, and `jitter` makes K definite.
        rank_tol : float, optional
            Truncate K where the pivots fall below this fraction of its largest diagonal entry.
        jitter : float
            Added to the diagonal of K; default none.
        potential_jitter : float, default 1e-10
            Added to the diagonal of Q, relative to its largest entry (to the largest that it would
            have about the samples' means, for kernels that grow with the distance from the origin;
            then at least the rounding of Q). It lets the constraint be
            missed a little at a filling point, at a price. Where smooth kernels make Q and K
            singular to working precision, not all constraints can be met and the problem has no
            solution in floating point without it; elsewhere its effect is of its own size.
        dtype : {float64, float32}, optional
            Precision to build and solve in. The default is float64, whatever the samples are:
            eigenvalues of the constraint span more orders of magnitude than float32 holds. In
            float32 a solve ends far above the default tolerance, and says so. JAX has float64
            only with `jax.config.update("jax_enable_x64", True)`.

        Returns
        -------
        Problem
            Of JAX arrays, on their device, if `x` or `y` is a JAX array; of NumPy arrays else.

        Raises
        ------
        ValueError
            Input that is not two finite samples and filling points of one dimension, a
            regularisation that is not positive, or a memory need above what is available
            (`MemoryLimitError`).

        Warns
        -----
        UserWarning
            JAX arrays while float64 is off in JAX, and float32 not asked for.

        Notes
        -----
        `Linear` and polynomial kernels grow with the distance from the origin. Where the samples
        lie so far from it that rounding of the kernel hides their spread, no solve converges;
        subtract its mean from each sample, which optimal maps move along with.
        """
        x, y = check_sample(x, "x"), check_sample(y, "y")
        check_same_dimension(x, y)
        dimension = x.shape[1]
        x_fill = check_points(x_fill, "x_fill", dimension=dimension)
        y_fill = check_points(y_fill, "y_fill", dimension=dimension)
        if len(x_fill) != len(y_fill):
            raise ValueError(
                f"x_fill has {counted(len(x_fill), 'row')} and y_fill has {len(y_fill)}; "
                "filling points are pairs, one pair a row."
            )
        hint = "A sensible start is 1e-3."
        reg_sos = check_positive(reg_sos, "reg_sos", hint)
        reg_potential = check_positive(reg_potential, "reg_potential", hint)
        weights_x = check_weights(weights_x, len(x), "weights_x")
        weights_y = check_weights(weights_y, len(y), "weights_y")
        n_fill = len(x_fill)
        xp = namespace_of(x, y, x_fill, y_fill, weights_x, weights_y)
        if xp is np:  # an accelerator's memory is not the system's
            require_memory(
                8.0 * _MATRICES_AT_PEAK * n_fill**2,
                purpose=f"{_MATRICES_AT_PEAK} matrices of {n_fill} x {n_fill} (n_fill = {n_fill})",
                remedy="Use fewer filling points.",
            )
        precision = solving_precision(xp, dtype)
        # Copies: what the caller does to its arrays later must not change this problem.
        given = x, y, x_fill, y_fill, weights_x, weights_y
        copies: list[Array] = [xp.array(a, dtype=precision) for a in given]
        x, y, x_fill, y_fill, weights_x, weights_y = copies
        kernel_y = kernel if kernel_y is None else kernel_y
        kernel_pair = kernel if kernel_pair is None else kernel_pair
        provenance = Provenance(
            x, y, weights_x, weights_y, x_fill, y_fill, kernel, kernel_y, kernel_pair
        )
        potential_jitter = check_non_negative(potential_jitter, "potential_jitter")
        with np.errstate(over="ignore", invalid="ignore"):  # refused by name where it is stored
            pairs = xp.concatenate([x_fill, y_fill], axis=1)
            features = feature_factor(
                kernel_pair(pairs, pairs),
                method=factor,
                rank=rank,
                rank_tol=rank_tol,
                jitter=jitter,
            )
            return cls._from_samples_and_features(
                provenance, features, reg_sos, reg_potential, potential_jitter
            )

    @classmethod
    def _from_samples_and_features(
        cls,
        provenance: Provenance,
        factor: FeatureFactor,
        reg_sos: float,
        reg_potential: float,
        potential_jitter: float,
    ) -> Problem:
        s = provenance
        xp = namespace_of(s.x)
        spaces = s.potential_spaces()
        quadratic = spaces.quadratic(s.x_fill, s.y_fill, s.x_fill, s.y_fill)
        relative = jitter_about_mean(potential_jitter, smallest_share(s), quadratic.dtype)
        jitter = relative * xp.max(xp.diagonal(quadratic))
        quadratic += jitter * xp.eye(len(quadratic), dtype=quadratic.dtype)
        quadratic = inplace.drop_negligible(quadratic)
        embedding = spaces.embedding(s.x_fill, s.y_fill)
        constant = spaces.constant()
        return cls(
            quadratic=quadratic,
            linear=linear_term(embedding, s.x_fill, s.y_fill, reg_potential),
            constant=as_float(constant),
            embedding=embedding,
            features=factor.features,
            reg_sos=reg_sos,
            reg_potential=reg_potential,
            truncation_error=factor.truncation_error,
            provenance=provenance,
        )

    @property
    def n_fill(self) -> int:
        """Number l of filling points."""
        return int(self.features.shape[1])

    @property
    def rank(self) -> int:
        """Number r of features."""
        return int(self.features.shape[0])

    def objective(self, gamma: Array) -> Scalar:
        """Return the objective at `gamma`, q2 term included; to be minimised."""
        return operators.objective(
            gamma, self.quadratic, self.linear, self.constant, self.reg_potential
        )

    def gradient(self, gamma: Array) -> Array:
        """Return the gradient of the objective, of shape (l,)."""
        return operators.objective_gradient(gamma, self.quadratic, self.linear, self.reg_potential)

    def cost(self, gamma: Array) -> Scalar:
        """Return the estimate of the optimal transport cost at `gamma`."""
        return operators.transport_cost(gamma, self.embedding, self.constant, self.reg_potential)

    def constraint_matrix(self, gamma: Array) -> Array:
        """Return M(gamma), of shape (r, r)."""
        return operators.constraint_matrix(gamma, self.features, self.reg_sos)

    def operator(self, multiplier: Array) -> Array:
        """Return A(X), of shape (l,)."""
        return operators.operator(multiplier, self.features)

    def adjoint(self, gamma: Array) -> Array:
        """Return A*(gamma), of shape (r, r)."""
        return operators.adjoint(gamma, self.features)

    def potentials(self, gamma: Array) -> Potentials:
        """Return the potentials u and v that `gamma` stands for.

        `u(x) = (sum_j a_j k_X(x_j, x) - sum_i gamma_i k_X(xf_i, x)) / (2 lambda_2)`, v likewise
        (Vacher et al. 2021, eq. 10).

        Raises
        ------
        ValueError
            The problem was made from arrays, not from samples.
        """
        s = self.provenance
        if s is None:
            raise ValueError("This problem was made from arrays; use Problem.from_samples.")
        spaces = s.potential_spaces()
        return spaces.potentials(s.x_fill, s.y_fill, gamma, self.reg_potential)

    def to_cvxpy(self) -> cvxpy.Problem:
        """Return the same problem as a `cvxpy.Problem`, to be checked by a generic solver.

        Its only variable is named "gamma". Needs the extra `kernel-ot[check]`.

        Raises
        ------
        ImportError
            CVXPY is not installed.
        """
        from kernel_ot.problem._cvxpy import to_cvxpy

        return to_cvxpy(self)
