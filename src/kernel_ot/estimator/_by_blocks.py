"""Fitted models on samples that are read by blocks: certificates of all pairs, images of points."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from errno import ENOSPC
from pathlib import Path
from typing import IO, cast

import numpy as np

from kernel_ot._arrays import (
    Array,
    as_numbers,
    check_feature_names,
    check_same_names,
    counted,
    refuse_collections,
)
from kernel_ot._files import atomic_path
from kernel_ot.cutting_planes import Certificate
from kernel_ot.diagnostics import FittedTransport
from kernel_ot.estimator._large import as_any_cloud
from kernel_ot.large_samples import certify_clouds
from kernel_ot.samples import (
    Images,
    InBlock,
    Masses,
    Points,
    Sliceable,
    check_block,
    is_dask,
    is_lazy,
    is_sliceable,
    opened,
    read_rows,
)

_BLOCK_BYTES = 8 * 2**20


def certify(
    model: FittedTransport,
    x: Points,
    y: Points,
    weights_x: Masses | None = None,
    weights_y: Masses | None = None,
    *,
    exact: bool = True,
    progress: bool | None = None,
    random_state: int = 0,
) -> Certificate:
    """Return a lower bound of the cost between two samples, proven by a model's potentials.

    Any two samples: those of the fit, or others, whose cost the potentials bound as well.

    Parameters
    ----------
    model : KernelOT
        Fitted.
    x, y : array-like, path, Dask array, or iterable of blocks, of shape (n, d) and (m, d)
        As in `KernelOT.fit`.
    weights_x, weights_y : the same, of shape (n,) and (m,), optional
    exact : bool, default True
        All n x m pairs, in blocks: 1e9 pairs take about 2 s, whatever the memory. If False, all
        partners of 3000 random rows of x: the bound is then not proven, it holds with a probability
        of 95 %.
    progress : bool, optional
        Whether to draw a bar; by default where standard error is a terminal.
    random_state : int, default 0
        Draws the rows.

    Returns
    -------
    Certificate
        In squared user units.

    Raises
    ------
    ValueError
        Samples that cannot be used, or of other features than the model's.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import KernelOT
    >>> from kernel_ot.estimator import certify
    >>> from kernel_ot.kernels import Gaussian
    >>> x = np.random.default_rng(0).normal(size=(50, 2))
    >>> model = KernelOT(Gaussian(2.0), reg_potential=1e-2).fit(x, x + 1)
    >>> certificate = certify(model, x, x + 1)
    >>> certificate.n_pairs, certificate.proven, bool(certificate.lower_bound <= 1)
    (2500, True, True)
    """
    for points, name in ((x, "x"), (y, "y")):
        check_feature_names(getattr(model, "feature_names_in_", None), points, name)
    check_same_names(x, y)
    rng = np.random.default_rng(random_state)
    clouds = [
        as_any_cloud(points, weights, name, rng)
        for points, weights, name in ((x, weights_x, "x"), (y, weights_y, "y"))
    ]
    for cloud in clouds:
        if cloud.dimension != model.n_features_in_:
            raise ValueError(
                f"{cloud.name} has {counted(cloud.dimension, 'column')} but the model was fitted "
                f"to {model.n_features_in_}; pass the same features."
            )
    gamma = model.solution_.gamma
    inner, change = model.problem_.potentials(gamma), model.conjugation_
    unit = change.changed(model.samples_).mean_cost()
    with _bar(progress) as advance:
        return certify_clouds(
            inner,
            change,
            clouds[0],
            clouds[1],
            exact=exact,
            tolerance=model.violation_tol * unit,
            rng=rng,
            on_part=advance,
        )


@contextmanager
def _bar(shown: bool | None) -> Iterator[Callable[[float], None]]:
    """Lend what draws which part is done."""
    from tqdm.auto import tqdm  # loaded where it is drawn, which most fits are not

    with tqdm(
        total=100, desc="certify", unit="%", disable=None if shown is None else not shown
    ) as bar:
        yield lambda done: bar.update(max(0, int(100 * done) - bar.n))


@dataclass(frozen=True, eq=False)
class _MapBlock:
    """The map on one block, to be sent wherever the block is."""

    function: Callable[[Array], Array]
    name: str
    dimension: int

    def __call__(self, block: Array, number: int = 0, first_row: int = 0) -> Array:
        if not len(block):  # Dask asks with an empty block what comes back
            return np.empty(np.shape(block), dtype=self.type_of_images(block.dtype))
        points, _ = check_block(
            block,
            None,
            self.name,
            place=InBlock(number, first_row),
            dimension=self.dimension,
        )
        return self.function(points)

    def type_of_images(self, of_points: np.dtype) -> np.dtype:
        """Return the type of the images of points of a type."""
        point = np.zeros((1, self.dimension), dtype=of_points)
        if as_numbers(point, self.name).dtype != np.float32:
            return np.dtype(np.float64)
        return self(point).dtype


def is_mapped_by_blocks(points: object, out: str | Path | None) -> bool:
    """Return whether images are made block by block: of all that is not an array in memory."""
    return out is not None or isinstance(points, np.memmap) or is_lazy(points)


def map_by_blocks(
    function: Callable[[Array], Array],
    points: Points,
    name: str,
    dimension: int,
    out: str | Path | None = None,
) -> Images:
    """Return the images of points that are not in memory.

    Parameters
    ----------
    function : callable
        Takes points (k, d) and returns their images.
    points : memory map, path, open data set, Dask array, or blocks
    name : str
        Of the argument, for messages.
    dimension : int
    out : str or Path, optional
        The .npy file of the images; a temporary one, gone with the array, if not given.

    Returns
    -------
    memmap, Dask array, or iterator of blocks
        A memory map of what can be sliced; of a Dask array a lazy one with the same chunks; of
        blocks an iterator of their images.
    """
    work = _MapBlock(function, name, dimension)
    if out is not None and Path(out).suffix.lower() != ".npy":
        raise ValueError(f"out = {str(out)!r} must be the name of a .npy file, the format it has.")
    if is_dask(points):
        if out is not None:
            raise ValueError(
                "out is for arrays and files; of a Dask array, store the images with dask's own "
                "to_npy_stack or to_zarr."
            )
        _check_columns(points, name, dimension)
        return points.rechunk({1: -1}).map_blocks(work, dtype=work.type_of_images(points.dtype))
    refuse_collections(points, name)
    points = opened(points, name)
    if not is_sliceable(points):
        if out is not None:
            raise ValueError("out is for arrays and files; blocks give an iterator of images.")
        return _images(cast("Iterable[Array]", points() if callable(points) else points), work)
    _check_columns(points, name, dimension)
    dtype = work.type_of_images(points.dtype)
    n_bytes = points.shape[0] * points.shape[1] * dtype.itemsize
    if out is None:
        with tempfile.TemporaryFile() as file:
            _reserve(file, n_bytes, Path(tempfile.gettempdir()))
            images = np.memmap(file, dtype=dtype, mode="r+", shape=points.shape)
        _write(points, images, work)
        return images
    _refuse_itself(points, Path(out))
    with atomic_path(Path(out)) as temporary:
        written = np.lib.format.open_memmap(temporary, mode="w+", dtype=dtype, shape=points.shape)
        with temporary.open("r+b") as file:
            _reserve(file, written.offset + n_bytes, Path(out))
        _write(points, written, work)
        written.flush()
        del written
    return np.load(out, mmap_mode="r")


def _refuse_itself(points: Sliceable, out: Path) -> None:
    """Raise ValueError where the images would replace the file that the points are in."""
    file = getattr(points, "filename", None)
    if file is not None and out.exists() and out.samefile(file):
        raise ValueError(f"out = {str(out)!r} is the file of the points; give another.")


def _check_columns(points: Sliceable, name: str, dimension: int) -> None:
    if len(points.shape) != 2:
        raise ValueError(
            f"{name} has shape {tuple(points.shape)}; it must be 2-D, one point a row."
        )
    if points.shape[1] != dimension:
        raise ValueError(
            f"{name} has {counted(points.shape[1], 'column')} but {dimension} are needed: both "
            "samples and new points must have the same features."
        )


def _reserve(file: IO[bytes], needed: int, path: Path) -> None:
    """Make room on the disk: a memory map that finds none while it is written ends the process.

    Raises
    ------
    OSError
        There is not as much; says how much is needed.
    """
    free = shutil.disk_usage(path.absolute() if path.is_dir() else path.absolute().parent).free
    if needed > free:
        raise OSError(
            ENOSPC,
            f"the images need {needed / 2**30:.3g} GiB on the disk of {path}, which has "
            f"{free / 2**30:.3g} GiB free; make room, or give out= on another",
        )
    if needed and hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, needed)


def _write(points: Sliceable, images: Array, work: _MapBlock) -> None:
    step = max(1, _BLOCK_BYTES // (8 * images.shape[1]))
    for number, start in enumerate(range(0, len(images), step)):
        rows = slice(start, min(len(images), start + step))
        images[rows] = work(np.asarray(read_rows(points, rows, work.name)), number, start)


def _images(blocks: Iterable[Array], work: _MapBlock) -> Iterator[Array]:
    first_row = 0
    for number, block in enumerate(blocks):
        yield work(block, number, first_row)
        first_row += len(block)
