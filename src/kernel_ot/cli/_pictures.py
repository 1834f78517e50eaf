"""Pictures as samples of colours, and back to files."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot._files import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def require_packages() -> None:
    """Raise ImportError if a package for pictures is missing; ask before the fit, not after."""
    missing = [name for name in ("matplotlib", "PIL") if find_spec(name) is None]
    if missing:
        raise ImportError(f"Pictures need {' and '.join(missing)}: pip install 'kernel-ot[demo]'")


def sample_pictures() -> dict[str, Array]:
    """Return the two photographs that ship inside scikit-learn, nothing is downloaded.

    Returns
    -------
    dict of str to ndarray of shape (427, 640, 3)
        `china` and `flower`, red, green and blue as integers 0..255.

    Raises
    ------
    ImportError
        Pillow is not installed.
    """
    require_packages()
    from sklearn.datasets import load_sample_image

    return {name: load_sample_image(f"{name}.jpg") for name in ("china", "flower")}


def read_pictures(*files: Path, max_size: int = 1600) -> dict[str, Array]:
    """Return two pictures by the names of their files, red, green and blue as integers 0..255.

    Parameters
    ----------
    *files : Path
        Two of them; transparency is put on white, and the camera's orientation is heeded.
    max_size : int
        Larger pictures are reduced to so many pixels along their longer side.

    Raises
    ------
    FileNotFoundError
        No such file.
    ValueError
        What is no picture.
    ImportError
        Pillow is not installed.
    """
    require_packages()
    from PIL import Image, ImageOps

    pictures: dict[str, Array] = {}
    for number, file in enumerate(files):
        if not file.is_file():
            raise FileNotFoundError(f"{file} does not exist or is not a file; check its name.")
        try:
            with Image.open(file) as opened:
                picture = ImageOps.exif_transpose(opened).convert("RGBA")
        except (OSError, Image.DecompressionBombError) as error:
            raise ValueError(f"{file} cannot be read as a picture: {error}.") from error
        picture.thumbnail((max_size, max_size))
        white = Image.new("RGBA", picture.size, "white")
        name = file.stem if file.stem not in pictures else f"{file.stem}_{number + 1}"
        pictures[name] = np.asarray(Image.alpha_composite(white, picture).convert("RGB"))
    return pictures


def colours_of(picture: Array) -> Array:
    """Return the pixels' colours as an (n, 3) array in [0, 1]."""
    return np.asarray(picture.reshape(-1, 3) / 255.0)


def distinct_colours(picture: Array) -> tuple[Array, Array]:
    """Return the distinct colours (k, 3) in [0, 1] and for every pixel the row of its own.

    A map sends equal colours to equal colours, so a third of the work maps every pixel.
    """
    red, green, blue = picture.reshape(-1, 3).astype(np.int64).T
    codes, rows = np.unique((red << 16) + (green << 8) + blue, return_inverse=True)
    return np.stack([codes >> 16, (codes >> 8) & 255, codes & 255], axis=1) / 255.0, rows


def to_picture(colours: Array, shape: tuple[int, ...]) -> tuple[Array, float]:
    """Return colours as a picture of 8-bit channels, and which part of the channel values is cut.

    A value counts as cut if it lies outside [0, 1] by more than one 8-bit step.
    """
    outside = np.maximum(-colours, colours - 1) > 1 / 255
    picture = np.rint(np.clip(colours, 0, 1) * 255).astype(np.uint8).reshape(shape)
    return picture, float(outside.mean())


def write_png(path: Path, picture: Array) -> Path:
    """Write a picture, pixel by pixel."""
    from PIL import Image

    with atomic_path(path) as temporary:
        Image.fromarray(picture).save(temporary)
    return path


def write_figure(path: Path, figure: Figure) -> Path:
    """Write a matplotlib figure at 100 dots an inch."""
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=100)
    return path


def side_by_side(pictures: Mapping[str, Array]) -> Figure:
    """Return a matplotlib figure with the titled pictures in one row, at their own resolution."""
    from matplotlib.figure import Figure

    height = max(picture.shape[0] for picture in pictures.values())
    gap, title = 16, 40
    widths = [picture.shape[1] for picture in pictures.values()]
    columns, rows = sum(widths) + gap * (len(widths) + 1), height + title + gap
    figure = Figure(figsize=(columns / 100, rows / 100))
    for k, (name, picture) in enumerate(pictures.items()):
        left = (gap + sum(widths[:k]) + k * gap) / columns
        size = widths[k] / columns, picture.shape[0] / rows
        ax = figure.add_axes((left, gap / rows, *size))
        ax.imshow(picture, interpolation="none", aspect="auto")
        ax.set_title(name, fontsize=16)
        ax.set_axis_off()
    return figure
