"""What everything that describes a fit asks of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kernel_ot._arrays import Array, RandomState
from kernel_ot.cutting_planes import Certificate, FillingRound
from kernel_ot.kernels import Kernel
from kernel_ot.potentials import EntropicPotentials, Potentials
from kernel_ot.preconditioning import Conjugation
from kernel_ot.problem import Problem
from kernel_ot.samples import Images, Points, Samples
from kernel_ot.selection import Candidate, Combination
from kernel_ot.solvers import Solution

if TYPE_CHECKING:
    from kernel_ot.diagnostics._verdict import Verdict


class WholeSamples(Protocol):
    """What a fit of many points knows of all of them."""

    @property
    def sizes(self) -> tuple[int, int]:
        """Points of x and of y."""


class ComparedSettings(Protocol):
    """A fit whose settings were compared on held-out points."""

    @property
    def candidates_(self) -> tuple[Candidate, ...]:
        """The settings that were compared."""


class FittedTransport(ComparedSettings, Protocol):
    """A fitted `KernelOT`, as diagnostics, plots, reports and model files see it."""

    @property
    def preconditioner(self) -> str | None:
        """What regularisation shrinks to."""

    @property
    def filling(self) -> object:
        """Where filling points come from."""

    @property
    def random_state(self) -> RandomState:
        """Seed of what is random."""

    @property
    def tol(self) -> float:
        """Bound on the residual, see `OptimalityReport`."""

    @property
    def violation_tol(self) -> float:
        """Violation, relative to the mean cost of a pair, at which adaptive filling ends."""

    @property
    def n_features_in_(self) -> int:
        """Number of features."""

    @property
    def samples_(self) -> Samples:
        """What was passed to `fit`, in the user's coordinates; `outliers_` without mass."""

    @property
    def summary_of_all_(self) -> WholeSamples | None:
        """Of a fit of many points, of which `samples_` is a random part; None else."""

    @property
    def outliers_(self) -> tuple[Array, Array]:
        """Rows of both samples that were left out."""

    @property
    def combination_(self) -> Combination:
        """Weights of the kernel's potentials, of `entropic_`, and of splines on the line."""

    @property
    def entropic_(self) -> tuple[EntropicPotentials, ...]:
        """Entropic potentials, in the coordinates of the fit."""

    @property
    def conjugation_(self) -> Conjugation:
        """The preconditioner."""

    @property
    def potentials_(self) -> Potentials:
        """Of the user's coordinates."""

    @property
    def solution_(self) -> Solution:
        """In the coordinates of the fit."""

    @property
    def problem_(self) -> Problem:
        """What `solution_` solves."""

    @property
    def certificate_(self) -> Certificate:
        """What the potentials prove."""

    @property
    def cost_(self) -> float:
        """Estimate of the optimal cost."""

    @property
    def wasserstein_(self) -> float:
        """Its Wasserstein distance."""

    @property
    def kernel_(self) -> Kernel:
        """The kernel that was used."""

    @property
    def reg_sos_(self) -> float:
        """The lambda_1 that was used."""

    @property
    def reg_potential_(self) -> float:
        """The lambda_2 that was used."""

    @property
    def rounds_(self) -> tuple[FillingRound, ...]:
        """Rounds of adaptive filling; empty else."""

    @property
    def verdict_(self) -> Verdict | None:
        """What held-out points said of the fit."""

    def transform(self, x: Points) -> Images:
        """Return T(x)."""

    def semi_dual_terms(self, x: Points, y: Points) -> tuple[Array, Array]:
        """Return u(x_i) and u^c(y_j)."""

    def get_params(self, deep: bool = True) -> dict[str, object]:
        """Return the parameters that the estimator was made with."""
