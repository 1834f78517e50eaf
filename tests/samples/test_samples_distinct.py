"""Equal rows as one point with their mass."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays

from kernel_ot._arrays import Array
from kernel_ot.samples import Samples

few_values = st.sampled_from([-1.0, -0.0, 0.0, 2.0])


def _samples(x: Array, weights: Array) -> Samples:
    return Samples(x, np.ones((2, x.shape[1])), weights / weights.sum(), np.full(2, 0.5))


@settings(max_examples=30, deadline=None)
@given(
    arrays(float, (9, 2), elements=few_values),
    arrays(float, 9, elements=st.integers(1, 5).map(float)),
)
def test_distinct_rows_carry_the_mass_of_all_rows_equal_to_them(x: Array, weights: Array) -> None:
    samples = _samples(x, weights)
    merged = samples.distinct()
    np.testing.assert_allclose(merged.weights_x.sum(), 1)
    for point in x:
        mass = samples.weights_x[(x == point).all(axis=1)].sum()
        found = (merged.x == point).all(axis=1)
        np.testing.assert_allclose(merged.weights_x[found].sum(), mass)
    is_one_point = (x == x[0]).all()
    assert len(merged.x) == (2 if is_one_point else len(np.unique(x, axis=0)))
    np.testing.assert_allclose(merged.mean_cost(), samples.mean_cost(), atol=1e-12)


def test_samples_without_equal_rows_are_returned_as_they_are() -> None:
    x = np.arange(6.0).reshape(3, 2)
    samples = Samples(x, x[:2], np.full(3, 1 / 3), np.full(2, 0.5))
    assert samples.distinct() is samples


def test_massless_rows_are_left_out() -> None:
    samples = Samples(
        np.array([[0.0], [1e9], [1.0]]), np.eye(2)[:, :1], np.array([0.5, 0, 0.5]), np.full(2, 0.5)
    )
    assert samples.distinct().x.tolist() == [[0.0], [1.0]]


def test_a_sample_that_is_one_point_stays_a_sample() -> None:
    merged = _samples(np.full((5, 2), 3.0), np.ones(5)).distinct()
    assert merged.x.tolist() == [[3.0, 3.0]] * 2
    assert merged.weights_x.tolist() == [0.5, 0.5]
