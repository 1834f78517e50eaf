"""The scan of all pairs against the whole matrix."""

from __future__ import annotations

import numpy as np
import pytest

from kernel_ot.cutting_planes import scan_pairs


# Of the second and third more than one tile is needed, along rows and along columns.
@pytest.mark.parametrize("sizes", [(3, 7), (4000, 300), (150, 4500)])
def test_scan_finds_the_worst_partner_of_every_row_and_column(sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    n, m = sizes
    x, y = rng.normal(size=(n, 3)), rng.normal(size=(m, 3))
    u, v = rng.normal(size=n), rng.normal(size=m)
    whole = u[:, None] + v - np.sum(np.square(x[:, None] - y), axis=2) / 2
    scan = scan_pairs(x, y, u, v)
    np.testing.assert_allclose(scan.row_best, whole.max(axis=1), atol=1e-12)
    np.testing.assert_allclose(scan.column_best, whole.max(axis=0), atol=1e-12)
    np.testing.assert_array_equal(scan.row_partner, whole.argmax(axis=1))
    np.testing.assert_array_equal(scan.column_partner, whole.argmax(axis=0))
    assert scan.largest == pytest.approx(whole.max())
