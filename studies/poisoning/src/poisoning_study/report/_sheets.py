"""Sheets of pictures: clean, perturbation enlarged, poisoned."""

from __future__ import annotations

import textwrap

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

_Pixels = NDArray[np.uint8]
#: Characters that fit beside a row of pictures.
_LABEL_WIDTH = 22


def _tile(images: _Pixels) -> _Pixels:
    return np.concatenate(list(images), axis=1)


def enlargement(clean: _Pixels, poisoned: _Pixels) -> int:
    """Return the factor that makes the 99th percentile of the change about half the range."""
    change = np.abs(poisoned.astype(np.int64) - clean.astype(np.int64))
    high = float(np.percentile(change, 99))
    return max(1, round(127 / high)) if high > 0 else 1


def sheet(clean: _Pixels, poisoned: dict[str, _Pixels], captions: dict[str, str]) -> Figure:
    """Draw the clean images, then for each poison its perturbation, enlarged, and its images.

    Parameters
    ----------
    clean : uint8 array (k, h, w, 3)
        The images shown.
    poisoned : dict of str to uint8 array like `clean`
        By name.
    captions : dict of str to str
        A line on each, such as its size.
    """
    n_rows = 1 + 2 * len(poisoned)
    aspect = clean.shape[1] / (clean.shape[0] * clean.shape[2])
    figure = Figure(figsize=(9.0, n_rows * (7.2 * aspect + 0.06)), layout="constrained")
    axes = figure.subplots(n_rows, 1, squeeze=False)[:, 0]
    rows: list[tuple[str, _Pixels]] = [("clean", clean)]
    for name, images in poisoned.items():
        factor = enlargement(clean, images)
        change = (images.astype(np.int64) - clean.astype(np.int64)) * factor + 128
        called = textwrap.fill(name, _LABEL_WIDTH)
        rows.append((f"{called}:\nchange x {factor}", np.clip(change, 0, 255).astype(np.uint8)))
        caption = textwrap.fill(f"poisoned, {captions[name]}", _LABEL_WIDTH)
        rows.append((caption, images))
    for ax, (title, images) in zip(axes, rows, strict=True):
        ax.imshow(_tile(images), interpolation="nearest")
        ax.set_xticks([])
        ax.set_yticks([])
        ax.set_ylabel(title, rotation=0, ha="right", va="center", fontsize=8)
        for spine in ax.spines.values():
            spine.set_visible(False)
    return figure


def one_of_each_class(labels: NDArray[np.int64], at_most: int = 12) -> NDArray[np.int64]:
    """Return the row of one image, the second where there is one, of each of the first classes."""
    rows = [np.flatnonzero(labels == label)[:2][-1] for label in np.unique(labels)[:at_most]]
    return np.array(rows, dtype=np.int64)
