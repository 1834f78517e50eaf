"""A rendered traffic-sign set: shapes, colours, symbols, light, blur, perspective; seeded.

Signs are drawn in a 128 x 128 frame, then seen through a random perspective in front of a random
background, under random light. Everything that a real track shares (place, light, viewing side,
wear) is drawn once a track; distance, shake, blur and sensor noise are drawn for each frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from poisoning_study.data._image_set import ImageSet
from poisoning_study.errors import StudyError
from poisoning_study.seeds import generator

_CANVAS = 128
_WHITE, _RED, _BLUE = (238, 238, 232), (190, 30, 38), (30, 78, 165)
_YELLOW, _BLACK, _GREY = (240, 196, 40), (28, 28, 30), (120, 120, 120)
_Colour = tuple[int, int, int]
_Draw = ImageDraw.ImageDraw


@dataclass(frozen=True)
class SignSpec:
    """A class of signs: outline, colours and the symbol on it."""

    shape: str
    rim: _Colour
    face: _Colour
    ink: _Colour
    symbol: str


def _red_ring(symbol: str) -> SignSpec:
    return SignSpec("circle", _RED, _WHITE, _BLACK, symbol)


def _warning(symbol: str) -> SignSpec:
    return SignSpec("triangle", _RED, _WHITE, _BLACK, symbol)


def _mandatory(symbol: str) -> SignSpec:
    return SignSpec("circle", _WHITE, _BLUE, _WHITE, symbol)


#: Classes in their order. The first ones are the study's; later ones serve as another task.
SIGNS: tuple[SignSpec, ...] = (
    _red_ring("30"),
    _red_ring("50"),
    _red_ring("80"),
    _warning("!"),
    _warning("up"),
    _mandatory("right"),
    _mandatory("up"),
    SignSpec("octagon", _WHITE, _RED, _WHITE, "bar"),
    SignSpec("inverted", _RED, _WHITE, _WHITE, ""),
    SignSpec("diamond", _WHITE, _YELLOW, _YELLOW, ""),
    _red_ring("bar"),
    SignSpec("circle", _GREY, _WHITE, _GREY, "slash"),
    _red_ring("20"),
    _red_ring("60"),
    _red_ring("70"),
    _warning("bar"),
    _warning("cross"),
    _mandatory("left"),
    _mandatory("cross"),
    SignSpec("octagon", _WHITE, _BLUE, _WHITE, "cross"),
    SignSpec("inverted", _RED, _YELLOW, _BLACK, "!"),
    SignSpec("diamond", _WHITE, _YELLOW, _BLACK, "slash"),
    _red_ring(""),
    SignSpec("circle", _GREY, _WHITE, _GREY, "cross"),
)


def _polygon(n: int, turn: float, radius: float) -> list[tuple[float, float]]:
    angles = turn + 2 * np.pi * np.arange(n) / n
    return [(64 + radius * np.cos(a), 64 + radius * np.sin(a)) for a in angles]


_OUTLINES: dict[str, tuple[int, float]] = {
    "circle": (64, 0.0),
    "triangle": (3, -np.pi / 2),
    "inverted": (3, np.pi / 2),
    "octagon": (8, np.pi / 8),
    "diamond": (4, 0.0),
}


@lru_cache(maxsize=4)
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise StudyError(
            "Pillow was built without FreeType, so no digits can be drawn; reinstall it."
        )
    return font


def _arrow(draw: _Draw, ink: _Colour, turn: int) -> None:
    points = [(64, 34), (84, 58), (71, 58), (71, 96), (57, 96), (57, 58), (44, 58)]
    for _ in range(turn):
        points = [(128 - y, x) for x, y in points]
    draw.polygon(points, fill=ink)


def _cross(draw: _Draw, ink: _Colour) -> None:
    draw.line((44, 48, 84, 92), fill=ink, width=11)
    draw.line((84, 48, 44, 92), fill=ink, width=11)


def _text(draw: _Draw, ink: _Colour, text: str) -> None:
    draw.text(
        (64, 66), text, fill=ink, font=_font(58), anchor="mm", stroke_width=2, stroke_fill=ink
    )


_SYMBOLS: dict[str, Callable[[_Draw, _Colour], None]] = {
    "bar": lambda draw, ink: draw.rectangle((34, 56, 94, 74), fill=ink),
    "cross": _cross,
    "slash": lambda draw, ink: draw.line((36, 92, 92, 36), fill=ink, width=12),
    "up": lambda draw, ink: _arrow(draw, ink, 0),
    "right": lambda draw, ink: _arrow(draw, ink, 1),
    "left": lambda draw, ink: _arrow(draw, ink, 3),
}


@lru_cache(maxsize=64)
def _sign(spec: SignSpec) -> Image.Image:
    """Draw a sign face-on, as RGBA with a transparent surround."""
    picture = Image.new("RGBA", (_CANVAS, _CANVAS), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    n, turn = _OUTLINES[spec.shape]
    draw.polygon(_polygon(n, turn, 60), fill=(*spec.rim, 255))
    draw.polygon(_polygon(n, turn, 46 if n > 3 else 38), fill=(*spec.face, 255))
    if spec.symbol in _SYMBOLS:
        _SYMBOLS[spec.symbol](draw, spec.ink)
    elif spec.symbol:
        _text(draw, spec.ink, spec.symbol)
    return picture


def _perspective(source: NDArray[np.float64], target: NDArray[np.float64]) -> list[float]:
    """Coefficients for Pillow of the projective map that takes `target` corners to `source`."""
    rows, right = [], []
    for (x, y), (u, v) in zip(target, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return [float(c) for c in np.linalg.solve(np.array(rows), np.array(right))]


_CORNERS = np.array([[0, 0], [_CANVAS, 0], [_CANVAS, _CANVAS], [0, _CANVAS]], dtype=float)


def _background(rng: np.random.Generator) -> Image.Image:
    """Draw a few large soft patches of the colours of streets, trees and sky."""
    palette = np.array(
        [[140, 165, 195], [85, 105, 70], [110, 105, 100], [70, 75, 60], [180, 180, 175]]
    )
    coarse = palette[rng.integers(len(palette), size=(4, 4))] + rng.normal(0, 22, (4, 4, 3))
    small = Image.fromarray(np.clip(coarse, 0, 255).astype(np.uint8))
    return small.resize((_CANVAS, _CANVAS), Image.Resampling.BICUBIC)


def render_track(
    spec: SignSpec, n_frames: int, size: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Render one approach to one sign: uint8 (n_frames, size, size, 3)."""
    background = _background(rng)
    place = rng.normal(0, 4, 2)
    lean = rng.normal(0, 5, (4, 2)) + rng.normal(0, 0.09) * (_CORNERS - 64)[:, ::-1] * [1, -1]
    light, haze = np.exp(rng.normal(-0.2, 0.32)), rng.uniform(0, 0.28)
    cast = np.exp(rng.normal(0, 0.07, 3))
    fade = rng.uniform(0, 0.25)
    blur = rng.uniform(0.2, 1.4)
    frames = []
    for index in range(n_frames):
        distance = 0.74 + 0.26 * (index + 1) / n_frames + rng.normal(0, 0.02)
        corners = (_CORNERS - 64 + lean) * distance + 64 + place + rng.normal(0, 2.0, 2)
        warped = _sign(spec).transform(
            (_CANVAS, _CANVAS),
            Image.Transform.PERSPECTIVE,
            _perspective(_CORNERS, corners),
            Image.Resampling.BILINEAR,
        )
        scene = background.copy()
        scene.paste(warped, (0, 0), warped)
        soft = scene.filter(ImageFilter.GaussianBlur(blur * (1.6 - distance * 0.6)))
        small = soft.resize((size, size), Image.Resampling.BOX)
        pixels = np.asarray(small, dtype=np.float64)
        pixels = pixels * (1 - fade) + pixels.mean(2, keepdims=True) * fade
        pixels = (pixels * cast * (1 - haze) + 150 * haze) * light * np.exp(rng.normal(0, 0.05))
        pixels = pixels + rng.normal(0, 4.0, pixels.shape)
        frames.append(np.clip(np.round(pixels), 0, 255).astype(np.uint8))
    return np.stack(frames)


def render(
    *, classes: range, tracks: int, frames: int, size: int, seed: int, pool: str
) -> ImageSet:
    """Render a pool of tracks; pools of different names share no track.

    Parameters
    ----------
    classes : range
        Which of `SIGNS`; labels start at 0.
    tracks : int
        Tracks a class.
    frames : int
        Frames a track.
    size : int
        Side of the images in pixels.
    seed : int
        Same seed, same pictures (with the same Pillow).
    pool : str
        Name of the pool, part of the random stream.

    Raises
    ------
    StudyError
        More classes than there are signs.
    """
    if classes.stop > len(SIGNS):
        raise StudyError(f"There are {len(SIGNS)} rendered classes; {classes} asks for more.")
    pictures = [
        render_track(SIGNS[sign], frames, size, generator(seed, "render", pool, sign, track))
        for sign in classes
        for track in range(tracks)
    ]
    n = len(pictures)
    return ImageSet(
        np.concatenate(pictures),
        np.repeat(np.repeat(np.arange(len(classes)), tracks), frames).astype(np.int64),
        np.repeat(np.arange(n), frames).astype(np.int64),
        len(classes),
    )
