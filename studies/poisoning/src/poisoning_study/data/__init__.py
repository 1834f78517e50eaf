"""Images with labels and tracks: the benchmark, a prepared copy of it, a rendered stand-in."""

from poisoning_study.data._gtsrb import (
    N_CLASSES,
    TEST_COUNT,
    TRAINING_COUNTS,
    Layout,
    Record,
    find_layout,
    read_test,
    read_training,
)
from poisoning_study.data._image_set import ImageSet, split_by_track
from poisoning_study.data._prepare import (
    digest_of,
    load_prepared,
    prepare,
    prepared_from,
    read_manifest,
)
from poisoning_study.data._rendered import SIGNS, render
from poisoning_study.data._stored import map_images, write_images

__all__ = [
    "N_CLASSES",
    "SIGNS",
    "TEST_COUNT",
    "TRAINING_COUNTS",
    "ImageSet",
    "Layout",
    "Record",
    "digest_of",
    "find_layout",
    "load_prepared",
    "map_images",
    "prepare",
    "prepared_from",
    "read_manifest",
    "read_test",
    "read_training",
    "render",
    "split_by_track",
    "write_images",
]
