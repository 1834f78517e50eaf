"""The median distance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from kernel_ot.kernels import median_distance


def test_small_samples_use_every_distance() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(30, 3)) + 1
    assert median_distance(x, y, rng) == np.median(pdist(np.vstack([x, y])))


def test_a_subsample_is_close_and_symmetric() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(3000, 3)), rng.normal(size=(3000, 3)) + 1
    whole = np.median(pdist(np.vstack([x, y])[::3]))
    found = median_distance(x, y, np.random.default_rng(1))
    assert found == pytest.approx(whole, rel=0.03)
    assert found == median_distance(y, x, np.random.default_rng(1))
    assert median_distance(8 * x, 8 * y, np.random.default_rng(1)) == 8 * found


def test_repeated_points_do_not_count() -> None:
    x, y = np.zeros((50, 1)), np.array([[2.0]])
    assert median_distance(x, y, np.random.default_rng(0)) == 2.0


def test_messages() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="one and the same point"):
        median_distance(np.ones((5, 2)), np.ones((3, 2)), rng)
    with pytest.raises(ValueError, match="x has 2 columns and y has 1"):
        median_distance(np.ones((5, 2)), np.ones((3, 1)), rng)
    with pytest.raises(ValueError, match="y contains nan"):
        median_distance(np.ones((5, 1)), np.array([[np.nan]]), rng)
