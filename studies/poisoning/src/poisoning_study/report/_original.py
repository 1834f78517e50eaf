"""What the original study reported, as it reported it."""

from __future__ import annotations

#: Shares of replaced images, in the order of the accuracies below.
FRACTIONS = (0.0, 0.1, 0.5, 1.0)
#: (victim, surrogates, accuracies); one run each, on the benchmark's 43 classes.
TABLE_1: tuple[tuple[str, str, tuple[float, ...]], ...] = (
    ("ResNeSt101e, black box", "3", (0.5283, 0.6518, 0.6214, 0.1988)),
    ("ResNeSt101e, black box", "5", (0.5283, 0.6515, 0.6329, 0.2013)),
    ("TinyViT, black box", "3", (0.6458, 0.6052, 0.6345, 0.261)),
    ("TinyViT, black box", "5", (0.6458, 0.6051, 0.6172, 0.2301)),
    ("ResNet34, white box", "3", (0.3977, 0.4717, 0.439, 0.1477)),
    ("ResNeSt26d, white box", "3", (0.5615, 0.7265, 0.642, 0.2754)),
)

#: What is not as in the original: (what, here, there, why).
DIFFERENCES: tuple[tuple[str, str, str, str], ...] = (
    ("discriminator", "ReLU between projection and heads", "the same", "adopted"),
    ("crop", "`square` for real signs, `roi` on request", "top left square", "adopted"),
    ("last layer of UNet++", "zero; random in `configs/original`", "random", "few epochs"),
    ("tracks", "60%; all in `configs/original`", "all", "detectors need clean sets"),
    (
        "which are replaced",
        "a share of every class; first names in `configs/original`",
        "first N names of a folder",
        "classes stay balanced",
    ),
    ("order of those names", "sorted", "as the file system lists them", "it was not recorded"),
    ("loader of the game", "clean pictures", "poisons of the run before", "a defect"),
    ("poisoned pictures", "rounded to 8 bits", "floats", "a training set is files of pictures"),
    (
        "encoders of the game",
        "small, trained here; ImageNet's in `configs/original`",
        "ImageNet's",
        "minutes on a processor",
    ),
    ("pictures", "32 pixels; 128 in `configs/original`", "128 pixels", "minutes on a processor"),
    (
        "crafting",
        "3 epochs at 3e-3; 15 at 5e-4 in `configs/original`",
        "15 epochs at 5e-4",
        "minutes on a processor",
    ),
    (
        "seeds",
        "3 to 8, with intervals; 0 in `configs/original`",
        "0, one run",
        "one run shows nothing",
    ),
)
