"""Changes of coordinates under which optimal transport maps and potentials conjugate exactly."""

from kernel_ot.preconditioning._conjugation import ConjugatedPotential, Conjugation
from kernel_ot.preconditioning._covariance import gaussian_map, shrunk_covariance
from kernel_ot.preconditioning._fit import PRECONDITIONERS, fit_conjugation

__all__ = [
    "PRECONDITIONERS",
    "ConjugatedPotential",
    "Conjugation",
    "fit_conjugation",
    "gaussian_map",
    "shrunk_covariance",
]
