"""Who might have belonged to which sample: all ways where they are few, else some at random."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, product
from math import comb, prod
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from kernel_ot._arrays import Array

Labels: TypeAlias = Sequence[ArrayLike]
"""Of the points of x, and of those of y."""


def check_blocks(blocks: Labels | None, n: int, m: int) -> Array:
    """Return the block of every pooled point as a number; one block for all if None.

    Raises
    ------
    ValueError
        Not a pair of labels for each point; blocks within which nothing can be exchanged.
    """
    if blocks is None:
        return np.zeros(n + m, dtype=np.intp)
    of_x, of_y = _labels(blocks, n, m, "blocks")
    numbers: Array = np.unique(np.concatenate([of_x, of_y]), return_inverse=True)[1]
    if not np.intersect1d(of_x, of_y).size:
        raise ValueError(
            "no block has points of both samples, so that nothing can be exchanged within blocks; "
            "label points that are comparable alike, such as both of a pair."
        )
    return numbers


def check_groups(groups: Labels, n: int, m: int) -> tuple[Array, int]:
    """Return the group of every pooled point, those of x first, and how many are of x.

    Raises
    ------
    ValueError
        Not a pair of labels for each point; a group with points of both samples.
    """
    of_x, of_y = _labels(groups, n, m, "groups")
    shared = np.intersect1d(of_x, of_y)
    if shared.size:
        raise ValueError(
            f"the group {shared[0]!s} has points of both samples, but groups belong to one sample "
            "whole; label them apart, or name what is exchanged within as blocks."
        )
    names_x, numbers_x = np.unique(of_x, return_inverse=True)
    numbers_y = np.unique(of_y, return_inverse=True)[1]
    return np.concatenate([numbers_x, numbers_y + len(names_x)]), len(names_x)


def _labels(labels: Labels, n: int, m: int, name: str) -> tuple[Array, Array]:
    try:
        of_x, of_y = (np.asarray(part) for part in labels)
    except (TypeError, ValueError):
        raise ValueError(
            f"{name} must be a pair ({name}_x, {name}_y) of labels, one for each point."
        ) from None
    for index, (part, size) in enumerate(((of_x, n), (of_y, m))):
        if part.shape != (size,):
            raise ValueError(
                f"{name}[{index}] has shape {part.shape}; it must be ({size},), one label a point."
            )
    return of_x, of_y


def assignments(
    n: int, blocks: Array, n_permutations: int, rng: np.random.Generator
) -> tuple[Array, bool]:
    """Return which pooled points are taken for x, the true ones first.

    Parameters
    ----------
    n : int
        The first n pooled points are x.
    blocks : ndarray of int, shape (n + m,)
        Points are exchanged within a block.
    n_permutations : int
        Where there are no more ways than this beside the true one, all of them are returned, each
        once.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of bool, shape (1 + number of permutations, n + m)
    bool
        Whether those are all.
    """
    truth = np.arange(len(blocks)) < n
    members = [np.flatnonzero(blocks == block) for block in np.unique(blocks)]
    counts = [int(truth[rows].sum()) for rows in members]
    ways = prod(comb(len(rows), count) for rows, count in zip(members, counts, strict=True))
    if ways <= n_permutations + 1:
        every = np.array(list(_every(truth, members, counts)))
        first = (every == truth).all(axis=1)
        return np.concatenate([every[first], every[~first]]), True
    drawn = np.tile(truth, (n_permutations + 1, 1))
    for rows in members:
        drawn[1:, rows] = rng.permuted(drawn[1:, rows], axis=1)
    return drawn, False


def _every(truth: Array, members: list[Array], counts: list[int]) -> Iterator[Array]:
    choices = (combinations(rows, count) for rows, count in zip(members, counts, strict=True))
    for chosen in product(*choices):
        taken = np.zeros(len(truth), dtype=bool)
        taken[[row for rows in chosen for row in rows]] = True
        yield taken
