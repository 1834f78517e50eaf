"""Progress bars on stderr, silent where stderr is not a terminal unless asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from tqdm import tqdm

from kernel_ot._arrays import Array, block_slices
from kernel_ot.estimator import BAR_FORMAT, FitProgress, FitShare, KernelOT

# Small enough that the bar moves, large enough that a block is not all overhead.
_BLOCK_ROWS = 4096


def fit_goal(model: KernelOT) -> float:
    """Return what the residuals of this model's callback come down to."""
    adaptive = isinstance(model.filling, str) and model.filling in ("auto", "adaptive")
    return float(model.violation_tol if adaptive else model.tol)


@contextmanager
def fit_progress(shown: bool | None, tol: float) -> Iterator[Callable[[FitProgress], None]]:
    """Lend a callback for `KernelOT` that draws how much of a fit is done.

    Parameters
    ----------
    shown : bool or None
        None: only where stderr is a terminal.
    tol : float
        The residual that rounds and steps come down to; the bar counts its digits.

    Yields
    ------
    callable
        For the argument `callback`.
    """
    share = FitShare(tol)
    with tqdm(
        total=100,
        desc="fit",
        disable=None if shown is None else not shown,
        bar_format=BAR_FORMAT,
    ) as bar:
        bar.set_postfix_str("choosing the settings")

        def advance(progress: FitProgress) -> None:
            if progress.phase == "selection":
                bar.set_postfix_str(f"choosing the settings: {progress.iteration + 1} compared")
            elif progress.phase in ("embedding", "certificate"):
                bar.set_postfix_str(f"{progress.phase}: {progress.iteration} %", refresh=False)
            else:
                bar.set_postfix_str(
                    f"iteration {progress.iteration}, residual {progress.residual:.1e}",
                    refresh=False,
                )
            bar.n = round(100 * share.of(progress))
            bar.refresh()

        yield advance
        bar.n = 100  # what came after the last step is done too
        bar.refresh()


def map_with_progress(
    function: Callable[[Array], Array], points: Array, *, desc: str, shown: bool | None
) -> Array:
    """Return `function(points)`, called on blocks of rows, with a bar that counts points."""
    with tqdm(
        total=len(points),
        desc=desc,
        unit="point",
        unit_scale=True,
        disable=None if shown is None else not shown,
    ) as bar:
        images = []
        for rows in block_slices(len(points), 1, itemsize=1, block_bytes=_BLOCK_ROWS):
            images.append(function(points[rows]))
            bar.update(rows.stop - rows.start)
    return np.concatenate(images)


@contextmanager
def count_progress(
    shown: bool | None, total: int, desc: str
) -> Iterator[Callable[[int, str], None]]:
    """Lend a function that moves a bar on by a number of things and says what is left.

    Parameters
    ----------
    shown : bool or None
        None: only where stderr is a terminal.
    total : int
    desc : str
        What is counted.

    Yields
    ------
    callable
        Takes how many more are done, and a text.
    """
    with tqdm(total=total, desc=desc, disable=None if shown is None else not shown) as bar:

        def advance(count: int, text: str) -> None:
            bar.set_postfix_str(text, refresh=False)
            bar.update(count)
            bar.refresh()

        yield advance
