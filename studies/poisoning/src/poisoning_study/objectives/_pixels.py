"""Perturbed images as 8-bit pixels, and how far they are from the originals."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def to_8_bits(images: Tensor) -> NDArray[np.uint8]:
    """Return images (n, 3, h, w) in [0, 1], clipped, as rounded uint8 (n, h, w, 3)."""
    rounded = torch.round(images.clamp(0, 1) * 255).to(torch.uint8)
    return np.ascontiguousarray(rounded.permute(0, 2, 3, 1).cpu().numpy())


def perturbation_size(
    clean: NDArray[np.uint8], poisoned: NDArray[np.uint8]
) -> dict[str, float | None]:
    """Return sizes of `poisoned - clean`, after rounding.

    Returns
    -------
    dict
        `l2`: mean Euclidean norm an image, pixels in [0, 1]; `linf`: largest change, in steps of
        1/255; `mse`: mean squared change; `rms`: its root, in steps of 1/255; `psnr`: mean
        peak signal-to-noise ratio in dB over the changed images, None if none changed.

    Examples
    --------
    >>> clean = np.zeros((1, 2, 2, 3), np.uint8)
    >>> perturbation_size(clean, clean + np.uint8(255))["psnr"]
    0.0
    """
    difference = (poisoned.astype(np.float64) - clean.astype(np.float64)) / 255
    squared = (difference**2).reshape(len(clean), -1)
    mse = squared.mean(1)
    changed = mse[mse > 0]
    return {
        "l2": float(np.sqrt(squared.sum(1)).mean()),
        "linf": float(np.round(np.abs(difference).max() * 255)),
        "mse": float(mse.mean()),
        "rms": float(np.sqrt(mse.mean()) * 255),
        "psnr": float((-10 * np.log10(changed)).mean()) if len(changed) else None,
    }
