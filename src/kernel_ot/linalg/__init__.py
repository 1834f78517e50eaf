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
from kernel_ot.linalg._packed import add_unpacked, packed_cholesky, unpacked, upper_product
from kernel_ot.linalg._products import (
    add_diagonal,
    add_scaled,
    add_to_diagonal,
    gram,
    mirror_lower,
    multiplied,
    quadratic_forms,
    schur_complement,
    symmetric,
    symmetrise,
    weighted_gram,
    weighted_squares,
    without_negligible,
    zero_matrix,
)

__all__ = [
    "FeatureFactor",
    "add_diagonal",
    "add_scaled",
    "add_to_diagonal",
    "add_unpacked",
    "cholesky",
    "cholesky_solve",
    "cholesky_with_ridge",
    "eigh",
    "eigvalsh",
    "feature_factor",
    "generic_vector",
    "gram",
    "inverse_from_cholesky",
    "mirror_lower",
    "multiplied",
    "multiply_lower",
    "packed_cholesky",
    "project_psd",
    "quadratic_forms",
    "schur_complement",
    "smallest_eigenvalue",
    "solve_lower",
    "symmetric",
    "symmetrise",
    "triangular_condition",
    "unpacked",
    "upper_product",
    "weighted_gram",
    "weighted_squares",
    "without_negligible",
    "zero_matrix",
]
