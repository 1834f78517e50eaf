"""Transport the colours of one photograph onto those of another, in both directions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, TypedDict, cast

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot._files import atomic_path, check_destination
from kernel_ot.cli._grain import without_grain
from kernel_ot.cli._pictures import (
    colours_of,
    distinct_colours,
    require_packages,
    sample_pictures,
    side_by_side,
    to_picture,
    write_figure,
    write_png,
)
from kernel_ot.distances import energy_distance
from kernel_ot.estimator import KernelOT
from kernel_ot.plots import convergence
from kernel_ot.preconditioning import fit_conjugation
from kernel_ot.progress import fit_goal, fit_progress, map_with_progress
from kernel_ot.solvers import Status

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HELD_OUT = 4000  # enough for three digits of an energy distance, and a second's work


class TransferSummary(TypedDict):
    """What the JSON file says."""

    cost: float
    wasserstein: float
    sample_cost_lower_bound: float
    sample_cost_lower_bound_proven: bool
    unit: str
    status: str
    message: str
    converged: bool
    iterations: int
    residual: float
    method: str
    n_pixels: int
    filling_points: int
    kernel: str
    reg_sos: float
    reg_potential: float
    random_state: int
    energy_distance: dict[str, dict[str, float]]
    clipped_part_of_channel_values: dict[str, float]
    seconds: dict[str, float]
    files: list[str]


@dataclass(frozen=True, eq=False)
class ColourTransfer:
    """What a transfer of colours made.

    Attributes
    ----------
    model : KernelOT
        The fitted estimator; x are the first picture's colours, y the second's.
    pictures : dict of str to ndarray of shape (height, width, 3)
        The two mapped pictures, 8 bits a channel, by the name of the picture that was mapped.
    map_alone : dict of str to ndarray of shape (height, width, 3)
        The same before grain is removed: every pixel is the image of the original's.
    summary : TransferSummary
        What the JSON file holds.
    folder : Path
        Where the files are.
    """

    model: KernelOT
    pictures: dict[str, Array]
    map_alone: dict[str, Array]
    summary: TransferSummary
    folder: Path

    def text(self) -> str:
        """Return a few lines for a person: the outcome, the quality, where the files are."""
        s = self.summary
        lines = [
            f"cost {s['cost']:.4f}, Wasserstein distance {s['wasserstein']:.4f} (RGB in [0, 1])",
            f"{s['message']} {s['iterations']} iterations, residual {s['residual']:.1e}",
            "energy distance to the other picture's colours (0 = the same colours):",
        ]
        for name, by_map in s["energy_distance"].items():
            values = ", ".join(f"{label} {value:.4f}" for label, value in by_map.items())
            lines.append(f"  {name}: {values}")
        seconds = ", ".join(f"{phase} {value:.1f}" for phase, value in s["seconds"].items())
        lines += [f"seconds: {seconds}", f"The files are in {self.folder}:"]
        lines += [f"  {name}" for name in s["files"]]
        return "\n".join(lines)


def colour_transfer(
    out: str | Path,
    *,
    pictures: Mapping[str, Array] | None = None,
    n_pixels: int = 1000,
    random_state: int = 0,
    progress: bool | None = None,
) -> ColourTransfer:
    """Fit on some pixels of two pictures, map all pixels of both, and write the outcome.

    Parameters
    ----------
    out : str or Path
        Folder for the files; made if missing.
    pictures : mapping of two names to ndarrays of shape (height, width, 3), optional
        8-bit pictures; `sample_pictures` by default.
    n_pixels : int
        Pixels of each picture that the model is fitted on.
    random_state : int
        Seed of the choice of pixels and of the estimator.
    progress : bool, optional
        Progress bars on stderr; by default only where that is a terminal.

    Returns
    -------
    ColourTransfer

    Raises
    ------
    ImportError
        Pillow or matplotlib is not installed.
    ValueError
        Not two pictures of 8-bit colours, or fewer than twice `n_pixels` pixels.

    Notes
    -----
    What was chosen, and what it does:

    * A colour is its stored red, green and blue in [0, 1]. CIE Lab was tried with fixed settings:
      the pictures look much alike, and the energy distances were no smaller.
    * The model is `KernelOT` with all its defaults, fitted on 1000 random pixels of each picture.
      It chooses bandwidth and regularisation by the held-out semi-dual value; nothing was tuned
      to the pictures.
    * Every pixel is mapped by the model: `NAME_map_alone.png` is exactly that. The map tells shades
      of the sky apart that JPEG compression had rounded, which magnifies blocks and grain that are
      already in the photographs. `NAME_mapped.png`, also in the row of four, is without that
      grain, see `without_grain`; its energy distance is reported beside the map's own.
    * Images outside [0, 1] are cut; the summary says how many. The dahlia's leaves lie on the
      boundary of the cube (a quarter of its pixels have no red), so the images of china do, too.

    The energy distance is measured on pixels that were not fitted, after cutting and rounding to 8
    bits, and compared with the Gaussian map (the optimal one if both pictures' colours were
    normally distributed), fitted on the same pixels.
    """
    require_packages()
    seconds: dict[str, float] = {}
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    with _timed(seconds, "read"):
        pictures = _checked(sample_pictures() if pictures is None else pictures)
        rng = np.random.default_rng(random_state)
        fitted, held_out = {}, {}
        for name, picture in pictures.items():
            order = rng.permutation(picture.shape[0] * picture.shape[1])
            if len(order) < 2 * n_pixels:
                raise ValueError(
                    f"n_pixels = {n_pixels} is more than half of the {len(order)} pixels of {name}."
                )
            fitted[name], held_out[name] = order[:n_pixels], order[n_pixels:][:_HELD_OUT]
    first, second = pictures
    colours = {name: colours_of(picture) for name, picture in pictures.items()}
    x, y = (colours[name][fitted[name]] for name in pictures)
    names = [
        "colour_transfer.png",
        *(f"{name}_mapped.png" for name in pictures),
        *(f"{name}_map_alone.png" for name in pictures),
        "convergence.png",
        "summary.json",
    ]
    files = [check_destination(folder / name) for name in names]

    model = KernelOT(random_state=random_state)
    with _timed(seconds, "fit"), fit_progress(progress, fit_goal(model)) as callback:
        model.set_params(callback=callback).fit(x, y)
    model.set_params(callback=None)
    if model.solution_.status is Status.INTERRUPTED:  # the solver keeps its best point; we stop
        raise KeyboardInterrupt

    gaussian = fit_conjugation(x, y, "gaussian")

    def gaussian_map(z: Array) -> Array:
        return gaussian.backward_y(gaussian.forward_x(z))

    def inverse_gaussian_map(z: Array) -> Array:
        return gaussian.backward_x(gaussian.forward_y(z))

    maps = {
        first: (model.transform, gaussian_map),
        second: (model.inverse_transform, inverse_gaussian_map),
    }
    alone: dict[str, Array] = {}
    mapped: dict[str, Array] = {}
    clipped: dict[str, float] = {}
    energy: dict[str, dict[str, float]] = {}
    for name, other in ((first, second), (second, first)):
        kernel_map, baseline_map = maps[name]
        shape = pictures[name].shape
        with _timed(seconds, "map"):
            distinct, rows = distinct_colours(pictures[name])
            images = map_with_progress(kernel_map, distinct, desc=f"map {name}", shown=progress)
            alone[name], clipped[name] = to_picture(images[rows], shape)
            original = colours[name].reshape(shape)
            finished = without_grain(original, images[rows].clip(0, 1).reshape(shape))
            mapped[name], _ = to_picture(finished, shape)
        with _timed(seconds, "compare"):
            goal = colours[other][held_out[other]]
            baseline, _ = to_picture(baseline_map(colours[name][held_out[name]]), (-1, 3))
            energy[name] = {
                "unchanged": energy_distance(colours[name][held_out[name]], goal),
                "Gaussian map": energy_distance(colours_of(baseline), goal),
                "kernel map": energy_distance(colours_of(alone[name])[held_out[name]], goal),
                "without grain": energy_distance(colours_of(mapped[name])[held_out[name]], goal),
                "other pixels of the goal": energy_distance(colours[other][fitted[other]], goal),
            }

    with _timed(seconds, "write"):
        tiles = {}
        for name, other in ((first, second), (second, first)):
            tiles[name] = pictures[name]
            tiles[f"{name} in the colours of {other}"] = mapped[name]
        write_figure(files[0], side_by_side(tiles))
        for file, picture in zip(files[1:5], [*mapped.values(), *alone.values()], strict=True):
            write_png(file, picture)
        write_figure(files[5], _convergence_figure(model))
    solution = model.solution_
    seconds["total"] = sum(seconds.values())
    summary: TransferSummary = {
        "cost": float(model.cost_),
        "wasserstein": float(model.wasserstein_),
        "sample_cost_lower_bound": float(model.certificate_.lower_bound),
        "sample_cost_lower_bound_proven": model.certificate_.proven,
        "unit": "red, green and blue in [0, 1]; cost |x - y|^2 / 2",
        "status": solution.status.name,
        "message": solution.status.message,
        "converged": bool(solution.converged),
        "iterations": int(solution.iterations),
        "residual": float(solution.residual),
        "method": solution.method,
        "n_pixels": n_pixels,
        "filling_points": len(model.x_fill_),
        "kernel": str(model.kernel_),
        "reg_sos": float(model.reg_sos_),
        "reg_potential": float(model.reg_potential_),
        "random_state": random_state,
        "energy_distance": energy,
        "clipped_part_of_channel_values": clipped,
        "seconds": seconds,
        "files": [file.name for file in files],
    }
    with atomic_path(files[-1]) as temporary:
        temporary.write_text(json.dumps(summary, indent=2, allow_nan=False) + "\n")
    return ColourTransfer(model, mapped, alone, summary, folder)


def _checked(pictures: Mapping[str, Array]) -> dict[str, Array]:
    shapes = {name: np.shape(picture) for name, picture in pictures.items()}
    bytes_only = all(np.asarray(picture).dtype == np.uint8 for picture in pictures.values())
    if len(shapes) != 2 or any(shape[2:] != (3,) for shape in shapes.values()) or not bytes_only:
        raise ValueError(
            f"pictures have shapes {shapes}; pass two of shape (height, width, 3), "
            "red, green and blue as 8-bit integers."
        )
    return dict(pictures)


@contextmanager
def _timed(seconds: dict[str, float], phase: str) -> Iterator[None]:
    began = perf_counter()
    yield
    seconds[phase] = seconds.get(phase, 0.0) + perf_counter() - began


def _convergence_figure(model: KernelOT) -> Figure:
    ax = convergence(model)
    ax.set_title(f"{model.solution_.method}: {len(model.x_fill_)} filling points at the end")
    return cast("Figure", ax.figure)
