from __future__ import annotations

import dcor
import numpy as np
import pytest

from kernel_ot.distances import energy_distance, squared_mmd
from kernel_ot.kernels import Multiquadric


def test_energy_distances_are_those_of_dcor() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 3)), rng.normal(size=(40, 3)) + 0.3
    expected = dcor.energy_distance(x, y)
    assert energy_distance(x, y) == pytest.approx(expected, rel=1e-12)
    # The discrepancy of the kernel that falls like the distance is the energy distance.
    masses = np.full(30, 1 / 30), np.full(40, 1 / 40)
    narrow = 1e-5
    discrepancy = float(squared_mmd(x, y, Multiquadric(narrow), *masses))
    assert narrow * discrepancy == pytest.approx(expected, rel=1e-3)
