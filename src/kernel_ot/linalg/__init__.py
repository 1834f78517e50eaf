"""Dense linear algebra: the feature factor of a Gram matrix, factorisations, eigenvalues."""

from kernel_ot.linalg._dense import (
    cholesky,
    cholesky_solve,
    cholesky_with_ridge,
    inverse_from_cholesky,
    multiply_lower,
    project_psd,
    solve_lower,
    triangular_condition,
)
from kernel_ot.linalg._eigen import eigh, eigvalsh
from kernel_ot.linalg._feature_factor import FeatureFactor, feature_factor
from kernel_ot.linalg._lanczos import generic_vector, smallest_eigenvalue
from kernel_ot.linalg._products import (
    add_diagonal,
    add_scaled,
    gram,
    schur_complement,
    symmetric,
    symmetrise,
    weighted_gram,
)

__all__ = [
    "FeatureFactor",
    "add_diagonal",
    "add_scaled",
    "cholesky",
    "cholesky_solve",
    "cholesky_with_ridge",
    "eigh",
    "eigvalsh",
    "feature_factor",
    "generic_vector",
    "gram",
    "inverse_from_cholesky",
    "multiply_lower",
    "project_psd",
    "schur_complement",
    "smallest_eigenvalue",
    "solve_lower",
    "symmetric",
    "symmetrise",
    "triangular_condition",
    "weighted_gram",
]
