"""What a score on held-out points says of its own error."""

from __future__ import annotations

import numpy as np
import pytest

from kernel_ot import KernelOT
from kernel_ot._arrays import Array
from kernel_ot.samples import Samples
from kernel_ot.selection import standard_error
from kernel_ot.selection._paths import Baseline, Score, Walk


def test_the_error_of_a_difference_is_that_of_two_means_of_few_points() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(6, 1)), rng.normal(size=(5, 1))
    test = Samples(x, y, np.full(6, 1 / 6), np.full(5, 1 / 5))
    mine, others = (rng.normal(size=6), rng.normal(size=5)), (np.zeros(6), np.ones(5))
    expected = np.sqrt(np.var(mine[0], ddof=1) / 6 + np.var(mine[1], ddof=1) / 5)
    assert standard_error(mine, others, test) == pytest.approx(expected)


def test_crowded_contacts_end_a_path_at_the_least_lambda_2_for_them() -> None:
    def tried(crowded_at: float, least: float) -> list[float]:
        scores = [
            Score(1e-3, reg, 0.0, 0.0, 0.0, 0.0, 0.0, crowded=reg <= crowded_at)
            for reg in (1e-2, 3e-3, 1e-3)
        ]
        walk = Walk(Baseline(0.0, 0.0), scores, least_if_crowded=least)
        return [score.reg_potential for score in walk.until_worse().scores]

    assert tried(crowded_at=0.0, least=3e-3) == [1e-2, 3e-3, 1e-3]
    assert tried(crowded_at=1e-2, least=3e-3) == [1e-2, 3e-3]
    assert tried(crowded_at=3e-3, least=3e-3) == [1e-2, 3e-3]
    assert tried(crowded_at=1e-2, least=0.0) == [1e-2, 3e-3, 1e-3]


@pytest.mark.parametrize("varying", [2, 21])
def test_of_many_features_the_smallest_lambda_2_is_for_few_contacts(varying: int) -> None:
    def drawn(rng: np.random.Generator) -> Array:
        return np.asarray(rng.normal(size=(100, 21)) * np.where(np.arange(21) < varying, 1.0, 0.05))

    x, y = drawn(np.random.default_rng(0)), drawn(np.random.default_rng(1))
    y[:, :2] += 2 * np.tanh(3 * y[:, :2])
    model = KernelOT(n_splits=1, verdict=False, combine=False).fit(x, y)
    tried = [candidate.reg_potential for candidate in model.candidates_]
    assert tried == [np.inf, 1e-1, 1e-2, 3e-3, 1e-3][: 5 if varying == 2 else 4]
