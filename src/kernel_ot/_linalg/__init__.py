"""Dense linear algebra: the feature factor of a Gram matrix, factorisations, eigenvalues."""

from kernel_ot._linalg import _inplace as inplace
from kernel_ot._linalg._dense import (
    cholesky,
    cholesky_solve,
    cholesky_with_ridge,
    inverse_from_cholesky,
    multiply_lower,
    project_psd,
    solve_lower,
    triangular_condition,
)
from kernel_ot._linalg._eigen import eigh, eigvalsh
from kernel_ot._linalg._feature_factor import FeatureFactor, feature_factor
from kernel_ot._linalg._lanczos import extreme_eigenvalues, generic_vector, smallest_eigenvalue
from kernel_ot._linalg._packed import (
    add_unpacked_in_place,
    from_lower_triangle,
    lower_triangle,
    packed_cholesky_in_place,
    unpacked,
    upper_product,
)
from kernel_ot._linalg._products import (
    add_diagonal,
    gram,
    quadratic_forms,
    schur_complement,
    squared_lengths,
    symmetric,
    weighted_gram,
    weighted_squares,
    zero_matrix,
)
from kernel_ot._linalg._threads import blas_on_one_thread, scipy_on_one_thread

__all__ = [
    "FeatureFactor",
    "add_diagonal",
    "add_unpacked_in_place",
    "blas_on_one_thread",
    "cholesky",
    "cholesky_solve",
    "cholesky_with_ridge",
    "eigh",
    "eigvalsh",
    "extreme_eigenvalues",
    "feature_factor",
    "from_lower_triangle",
    "generic_vector",
    "gram",
    "inplace",
    "inverse_from_cholesky",
    "lower_triangle",
    "multiply_lower",
    "packed_cholesky_in_place",
    "project_psd",
    "quadratic_forms",
    "schur_complement",
    "scipy_on_one_thread",
    "smallest_eigenvalue",
    "solve_lower",
    "squared_lengths",
    "symmetric",
    "triangular_condition",
    "unpacked",
    "upper_product",
    "weighted_gram",
    "weighted_squares",
    "zero_matrix",
]
