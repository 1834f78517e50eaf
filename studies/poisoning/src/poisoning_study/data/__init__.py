"""Images with labels and tracks: the benchmark, a prepared copy of it, a rendered stand-in."""

from poisoning_study.data._gtsrb import Layout, Record, find_layout, read_test, read_training
from poisoning_study.data._image_set import ImageSet, split_by_track
from poisoning_study.data._prepare import load_prepared, prepare
from poisoning_study.data._rendered import SIGNS, render

__all__ = [
    "SIGNS",
    "ImageSet",
    "Layout",
    "Record",
    "find_layout",
    "load_prepared",
    "prepare",
    "read_test",
    "read_training",
    "render",
    "split_by_track",
]
