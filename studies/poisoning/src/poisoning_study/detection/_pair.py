"""Trusted and suspect features of one class, brought into common coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float64]
_Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class FeatureSet:
    """Features with their classes and tracks.

    Parameters
    ----------
    features : float64 array (n, d)
        Of the clean reference model.
    labels, tracks : int64 array (n,)
        Class and track of each image.
    """

    features: _Floats
    labels: NDArray[np.int64]
    tracks: NDArray[np.int64]


@dataclass(frozen=True)
class ClassPair:
    """Both samples of one class, pooled.

    Parameters
    ----------
    points : float64 array (n, k)
        Principal components of the pooled features, scaled to mean variance 1. Taken of the pool,
        since coordinates that knew which sample is which would spoil the permutation null.
    suspect : bool array (n,)
        Which rows are suspects.
    blocks : int64 array (n,)
        Track of each row, numbered from 0, suspects' after the trusted ones'.
    """

    points: _Floats
    suspect: _Mask
    blocks: NDArray[np.int64]


def principal_components(features: _Floats, n_components: int) -> _Floats:
    """Return the leading principal components, scaled by one factor to mean variance 1."""
    centred = features - features.mean(0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    scores = left[:, :n_components] * values[:n_components]
    scale = float(np.sqrt(scores.var(0).mean()))
    # A class of identical features has no scale; leave it at zero.
    return np.asarray(scores / scale if scale > 0 else scores, dtype=np.float64)


def class_pair(
    trusted: FeatureSet, suspect: FeatureSet, label: int, n_components: int
) -> ClassPair:
    """Return both samples of class `label`."""
    rows_a, rows_b = trusted.labels == label, suspect.labels == label
    features = np.concatenate([trusted.features[rows_a], suspect.features[rows_b]])
    _, blocks_a = np.unique(trusted.tracks[rows_a], return_inverse=True)
    _, blocks_b = np.unique(suspect.tracks[rows_b], return_inverse=True)
    return ClassPair(
        principal_components(features, n_components),
        np.repeat([False, True], [rows_a.sum(), rows_b.sum()]),
        np.concatenate([blocks_a, blocks_b + blocks_a.max() + 1]).astype(np.int64),
    )


def exchanged(pair: ClassPair, rng: np.random.Generator, n: int) -> _Mask:
    """Return masks of suspects (n + 1, points): the true one, then n exchanges of whole tracks.

    Frames of a track are nearly equal; exchanging single frames would call any two sets of
    different tracks different.
    """
    n_blocks = int(pair.blocks.max()) + 1
    n_suspect = len(np.unique(pair.blocks[pair.suspect]))
    ranks = rng.random((n, n_blocks)).argsort(1).argsort(1)
    return np.concatenate([pair.suspect[None], (ranks < n_suspect)[:, pair.blocks]])


def exchanged_singly(pair: ClassPair, rng: np.random.Generator, n: int) -> _Mask:
    """Return masks as `exchanged` does, of single frames: the null one must not use."""
    drawn = rng.permuted(np.tile(pair.suspect, (n, 1)), axis=1)
    return np.concatenate([pair.suspect[None], drawn])
