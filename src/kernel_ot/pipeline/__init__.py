"""Steps before a transport that change both samples, and take its map back."""

from kernel_ot.pipeline._mixed_columns import MixedColumns
from kernel_ot.pipeline._two_sample import TwoSamplePipeline, make_two_sample_pipeline

__all__ = ["MixedColumns", "TwoSamplePipeline", "make_two_sample_pipeline"]
