"""A divergence between samples to test with and to train with, and the test."""

from kernel_ot.divergences._divergence import Divergence, divergence
from kernel_ot.divergences._moving import Moved
from kernel_ot.divergences._settings import DivergenceSettings
from kernel_ot.divergences._two_sample_test import TwoSampleTest, two_sample_test

__all__ = [
    "Divergence",
    "DivergenceSettings",
    "Moved",
    "TwoSampleTest",
    "divergence",
    "two_sample_test",
]
