"""A divergence between samples to test with and to train with, and the test."""

from kernel_ot.divergences._divergence import Divergence as Divergence, divergence as divergence
from kernel_ot.divergences._moving import Moved
from kernel_ot.divergences._settings import DivergenceSettings as DivergenceSettings
from kernel_ot.divergences._two_sample_test import (
    TwoSampleTest as TwoSampleTest,
    two_sample_test as two_sample_test,
)

__all__ = ["Moved"]
