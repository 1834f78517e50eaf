"""What a score on held-out points says of its own error."""

from __future__ import annotations

import numpy as np
import pytest

from kernel_ot.samples import Samples
from kernel_ot.selection import standard_error


def test_the_error_of_a_difference_is_that_of_two_means_of_few_points() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(6, 1)), rng.normal(size=(5, 1))
    test = Samples(x, y, np.full(6, 1 / 6), np.full(5, 1 / 5))
    mine, others = (rng.normal(size=6), rng.normal(size=5)), (np.zeros(6), np.ones(5))
    expected = np.sqrt(np.var(mine[0], ddof=1) / 6 + np.var(mine[1], ddof=1) / 5)
    assert standard_error(mine, others, test) == pytest.approx(expected)
