"""Transport the colours of one photograph onto those of another, in both directions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, TypeAlias, TypedDict, cast

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

Map: TypeAlias = Callable[[Array], Array]

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
    clock = _Clock()
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    with clock.during("read"):
        pictures = _checked(sample_pictures() if pictures is None else pictures)
        pixels = _drawn(pictures, n_pixels, np.random.default_rng(random_state))
    names = [
        "colour_transfer.png",
        *(f"{name}_mapped.png" for name in pictures),
        *(f"{name}_map_alone.png" for name in pictures),
        "convergence.png",
        "summary.json",
    ]
    files = [check_destination(folder / name) for name in names]
    first, second = pixels
    with clock.during("fit"):
        model = _fitted_model(pixels[first].fitted, pixels[second].fitted, random_state, progress)
    gaussian = fit_conjugation(pixels[first].fitted, pixels[second].fitted, "gaussian")
    transfers = {
        first: _mapped(
            pixels[first],
            pixels[second],
            model.transform,
            lambda z: gaussian.backward_y(gaussian.forward_x(z)),
            clock,
            shown=progress,
        ),
        second: _mapped(
            pixels[second],
            pixels[first],
            model.inverse_transform,
            lambda z: gaussian.backward_x(gaussian.forward_y(z)),
            clock,
            shown=progress,
        ),
    }
    mapped = {name: one.mapped for name, one in transfers.items()}
    alone = {name: one.alone for name, one in transfers.items()}
    with clock.during("write"):
        tiles = {}
        for name, other in ((first, second), (second, first)):
            tiles[name] = pictures[name]
            tiles[f"{name} in the colours of {other}"] = mapped[name]
        write_figure(files[0], side_by_side(tiles))
        for file, picture in zip(files[1:5], [*mapped.values(), *alone.values()], strict=True):
            write_png(file, picture)
        write_figure(files[5], _convergence_figure(model))
    summary = _summary(model, transfers, names, clock, n_pixels, random_state)
    with atomic_path(files[-1]) as temporary:
        temporary.write_text(json.dumps(summary, indent=2, allow_nan=False) + "\n")
    return ColourTransfer(model, mapped, alone, summary, folder)


class _Clock:
    """Seconds by phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def during(self, phase: str) -> Iterator[None]:
        """Add the time of the block to a phase."""
        began = perf_counter()
        yield
        self.seconds[phase] = self.seconds.get(phase, 0.0) + perf_counter() - began


@dataclass(frozen=True, eq=False)
class _Pixels:
    """A picture and its colours: all, those that are fitted, the rows of some that are not."""

    name: str
    picture: Array
    colours: Array
    fitted: Array
    held_out: Array


def _drawn(
    pictures: Mapping[str, Array], n_pixels: int, rng: np.random.Generator
) -> dict[str, _Pixels]:
    drawn = {}
    for name, picture in pictures.items():
        order = rng.permutation(picture.shape[0] * picture.shape[1])
        if len(order) < 2 * n_pixels:
            raise ValueError(
                f"n_pixels = {n_pixels} is more than half of the {len(order)} pixels of {name}."
            )
        colours = colours_of(picture)
        held_out = order[n_pixels:][:_HELD_OUT]
        drawn[name] = _Pixels(name, picture, colours, colours[order[:n_pixels]], held_out)
    return drawn


def _fitted_model(x: Array, y: Array, random_state: int, progress: bool | None) -> KernelOT:
    model = KernelOT(random_state=random_state)
    with fit_progress(progress, fit_goal(model)) as callback:
        model.set_params(callback=callback).fit(x, y)
    model.set_params(callback=None)
    if model.solution_.status is Status.INTERRUPTED:  # the solver keeps its best point; we stop
        raise KeyboardInterrupt
    return model


@dataclass(frozen=True, eq=False)
class _Mapped:
    """A picture in the other's colours, with grain removed and as the map alone has it."""

    mapped: Array
    alone: Array
    clipped: float
    energy: dict[str, float]


def _mapped(
    own: _Pixels,
    other: _Pixels,
    kernel_map: Map,
    gaussian_map: Map,
    clock: _Clock,
    *,
    shown: bool | None,
) -> _Mapped:
    """Return a picture mapped to the colours of the other one."""
    shape = own.picture.shape
    with clock.during("map"):
        distinct, rows = distinct_colours(own.picture)
        images = map_with_progress(kernel_map, distinct, desc=f"map {own.name}", shown=shown)[rows]
        alone, clipped = to_picture(images, shape)
        original = own.colours.reshape(shape)
        finished = without_grain(original, images.clip(0, 1).reshape(shape))
        mapped, _ = to_picture(finished, shape)
    with clock.during("compare"):
        goal, before = other.colours[other.held_out], own.colours[own.held_out]
        baseline, _ = to_picture(gaussian_map(before), (-1, 3))
        compared = {
            "unchanged": before,
            "Gaussian map": colours_of(baseline),
            "kernel map": colours_of(alone)[own.held_out],
            "without grain": colours_of(mapped)[own.held_out],
            "other pixels of the goal": other.fitted,
        }
        energy = {label: energy_distance(colours, goal) for label, colours in compared.items()}
    return _Mapped(mapped, alone, clipped, energy)


def _summary(
    model: KernelOT,
    transfers: Mapping[str, _Mapped],
    names: list[str],
    clock: _Clock,
    n_pixels: int,
    random_state: int,
) -> TransferSummary:
    solution, certificate = model.solution_, model.certificate_
    return {
        "cost": float(model.cost_),
        "wasserstein": float(model.wasserstein_),
        "sample_cost_lower_bound": float(certificate.lower_bound),
        "sample_cost_lower_bound_proven": certificate.proven,
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
        "energy_distance": {name: one.energy for name, one in transfers.items()},
        "clipped_part_of_channel_values": {n: one.clipped for n, one in transfers.items()},
        "seconds": clock.seconds | {"total": sum(clock.seconds.values())},
        "files": names,
    }


def _checked(pictures: Mapping[str, Array]) -> dict[str, Array]:
    shapes = {name: np.shape(picture) for name, picture in pictures.items()}
    bytes_only = all(np.asarray(picture).dtype == np.uint8 for picture in pictures.values())
    if len(shapes) != 2 or any(shape[2:] != (3,) for shape in shapes.values()) or not bytes_only:
        raise ValueError(
            f"pictures have shapes {shapes}; pass two of shape (height, width, 3), "
            "red, green and blue as 8-bit integers."
        )
    return dict(pictures)


def _convergence_figure(model: KernelOT) -> Figure:
    ax = convergence(model)
    ax.set_title(f"{model.solution_.method}: {len(model.x_fill_)} filling points at the end")
    return cast("Figure", ax.figure)
