"""Changes of coordinates under which optimal transport maps and potentials conjugate exactly."""

from kernel_ot.preconditioning._conjugation import Conjugation
from kernel_ot.preconditioning._covariance import (
    gaussian_map as gaussian_map,
    shrunk_covariance as shrunk_covariance,
    small_features as small_features,
)
from kernel_ot.preconditioning._fit import PRECONDITIONERS as PRECONDITIONERS, fit_conjugation
from kernel_ot.preconditioning._near import Near as Near, brought_near as brought_near

__all__ = ["Conjugation", "fit_conjugation"]
