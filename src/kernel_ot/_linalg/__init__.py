"""Dense linear algebra: the feature factor of a Gram matrix, factorisations, eigenvalues.

Nothing here is public.
"""

from kernel_ot._linalg import _inplace
from kernel_ot._linalg._dense import (
    cholesky as cholesky,
    cholesky_solve as cholesky_solve,
    cholesky_with_ridge as cholesky_with_ridge,
    inverse_from_cholesky as inverse_from_cholesky,
    multiply_lower as multiply_lower,
    project_psd as project_psd,
    solve_lower as solve_lower,
    triangular_condition as triangular_condition,
)
from kernel_ot._linalg._eigen import eigh as eigh, eigvalsh as eigvalsh
from kernel_ot._linalg._extended import (
    HAS_EXTENDED_PRECISION as HAS_EXTENDED_PRECISION,
    extended_cholesky as extended_cholesky,
    extended_inverse as extended_inverse,
    extended_triangle as extended_triangle,
)
from kernel_ot._linalg._feature_factor import (
    FeatureFactor as FeatureFactor,
    feature_factor as feature_factor,
)
from kernel_ot._linalg._lanczos import (
    extreme_eigenvalues as extreme_eigenvalues,
    generic_vector as generic_vector,
    smallest_eigenvalue as smallest_eigenvalue,
)
from kernel_ot._linalg._packed import (
    add_unpacked_in_place as add_unpacked_in_place,
    from_lower_triangle as from_lower_triangle,
    lower_triangle as lower_triangle,
    packed_cholesky_in_place as packed_cholesky_in_place,
    unpacked as unpacked,
    upper_product as upper_product,
)
from kernel_ot._linalg._products import (
    add_diagonal as add_diagonal,
    gram as gram,
    quadratic_forms as quadratic_forms,
    schur_complement as schur_complement,
    squared_lengths as squared_lengths,
    symmetric as symmetric,
    weighted_gram as weighted_gram,
    weighted_squares as weighted_squares,
    zero_matrix as zero_matrix,
)
from kernel_ot._linalg._threads import (
    blas_on_one_thread as blas_on_one_thread,
    scipy_on_one_thread as scipy_on_one_thread,
)

inplace = _inplace
