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
