"""Random samples through `KernelOT`: a map as good as the Gaussian one, a warning, an error."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from benchmarks.fuzz._judge import Array
from benchmarks.fuzz._record import Record, refusal, warnings_as_list
from kernel_ot import KernelOT

_NAMES = ("x ", "y ", "weights_x", "weights_y", "Samples", "copies")
_TEST_POINTS = 200
# In widths of the target: what heavy tails do beyond is not what the map is judged by.
_WIDEST = 10.0
# No map splits the mass of a point: of fewer distinct ones it can only meet the mean.
_FEW_POINTS, _MEAN_ERROR = 10, 0.3
Draw = Callable[[np.random.Generator, int, int], Array]


def _rare(rng: np.random.Generator, n: int, d: int) -> Array:
    return rng.poisson(0.1, (n, d)).astype(float)


def _one_hot(rng: np.random.Generator, n: int, d: int) -> Array:
    return np.eye(d)[rng.integers(0, d, n)]


def _outliers(rng: np.random.Generator, n: int, d: int) -> Array:
    points = rng.normal(size=(n, d))
    points[0] *= 10.0 ** rng.uniform(1, 12)
    return points


def _mixture(rng: np.random.Generator, n: int, d: int) -> Array:
    return rng.normal(size=(n, d)) + 5 * rng.integers(0, 2, (n, 1))


KINDS: dict[str, Draw] = {
    "normal": lambda rng, n, d: rng.normal(size=(n, d)),
    "constant": lambda rng, n, d: np.full((n, d), rng.normal()),
    "integer": lambda rng, n, d: rng.integers(-3, 4, (n, d)).astype(float),
    "rare counts": _rare,
    "tied": lambda rng, n, d: np.round(rng.normal(size=(n, d)), 1),
    "one-hot": _one_hot,
    "Cauchy": lambda rng, n, d: rng.standard_cauchy((n, d)),
    "lognormal": lambda rng, n, d: np.exp(2 * rng.normal(size=(n, d))),
    "outliers": _outliers,
    "mixture": _mixture,
    "collinear": lambda rng, n, d: rng.normal(size=(n, 1)) * np.ones((1, d)),
    "uniform": lambda rng, n, d: rng.uniform(size=(n, d)),
}


def random_samples(
    rng: np.random.Generator,
) -> tuple[str, tuple[Array, Array, Array, Array], dict[str, Any]]:
    """Return a description, x, y, fresh points of both, and arguments of `fit`."""
    kind_x = str(rng.choice(list(KINDS)))
    kind_y = str(rng.choice(list(KINDS))) if rng.random() < 0.5 else kind_x
    n, m = (int(2 + 10.0 ** rng.uniform(0, 2)) for _ in range(2))
    d = int(rng.choice([1, 2, 2, 3, 5, 8, 30]))
    size = 10.0 ** rng.uniform(-12, 12) if rng.random() < 0.2 else 1.0
    ratio = 10.0 ** rng.uniform(-8, 8) if rng.random() < 0.1 else 1.0
    offset = size * 10.0 ** rng.uniform(0, 8) if rng.random() < 0.2 else 0.0
    apart = size * 10.0 ** rng.uniform(0, 8) if rng.random() < 0.1 else size
    shift = apart * rng.normal(size=d)
    draws = [size * KINDS[kind_x](rng, count, d) + offset for count in (n, _TEST_POINTS)] + [
        size * ratio * KINDS[kind_y](rng, count, d) + offset + shift for count in (m, _TEST_POINTS)
    ]
    weights: dict[str, Any] = {}
    if rng.random() < 0.2:
        weights["weights_x"] = rng.random(n) * (rng.random(n) < 0.5)
    text = (
        f"{kind_x} -> {kind_y} n={n} m={m} d={d} size={size:.1e} ratio={ratio:.1e} "
        f"offset={offset:.1e} apart={apart:.1e} {list(weights)}"
    )
    return text, (draws[0], draws[2], draws[1], draws[3]), weights


def samples(seeds: Iterable[int]) -> Record:
    """Fit each pair of samples with all defaults and compare the map with the Gaussian part."""
    record = Record(
        "Samples",
        "Every end is an error that names the argument, a warning, or a map no worse than the "
        "Gaussian one by more than chance.",
    )
    for seed in seeds:
        rng = np.random.default_rng([3, seed])
        text, (x, y, fresh_x, fresh_y), weights = random_samples(rng)
        case = f"samples {seed}: {text}"
        with warnings_as_list() as told:
            try:
                model = KernelOT().fit(x, y, **weights)
                images = model.transform(fresh_x)
            except Exception as error:
                record.ended("refused", case, refusal(error, _NAMES))
                continue
        internal = [message for message in told if message.startswith("RuntimeWarning")]
        if internal:
            record.ended("RuntimeWarning", case, internal[0])
        elif told:
            record.ended(f"warned: {told[0].split(':')[0]}", case)
        else:
            if len(np.unique(x, axis=0)) < _FEW_POINTS:
                worse = _misses_the_mean(model, y)
            else:
                gaussian = model.conjugation_.backward_y(model.conjugation_.forward_x(fresh_x))
                worse = _worse(images, gaussian, fresh_y, min(len(x), len(y)), rng)
            record.ended("worse than the Gaussian map" if worse else "good", case, worse)
    return record


def _misses_the_mean(model: KernelOT, y: Array) -> str:
    """Return by how much the mean of the images of the fitted points misses that of y."""
    fitted = model.samples_
    missed = fitted.weights_x @ model.transform(fitted.x) - fitted.weights_y @ fitted.y
    width = float(np.linalg.norm(y.std(axis=0)))
    error = float(np.linalg.norm(missed))
    rounding = 1e-9 * (1 + float(np.abs(y).max()))
    return (
        f"mean misses by {error:.2g}, y is {width:.2g} wide"
        if (error > _MEAN_ERROR * width + rounding)
        else ""
    )


def _worse(
    images: Array, gaussian: Array, fresh_y: Array, n_fitted: int, rng: np.random.Generator
) -> str:
    """Return by how much the images are farther from fresh points than the Gaussian map's."""
    middle = np.median(fresh_y, axis=0)
    width = float(np.median(np.abs(fresh_y - middle))) or float(np.abs(fresh_y - middle).max())
    if not np.isfinite(images).all():
        return "images are not finite"

    def seen(points: Array) -> Array:
        limit = _WIDEST * (width or 1.0)
        return np.asarray(np.clip(points - middle, -limit, limit) / (width or 1.0))

    found, baseline = (_energy(seen(points), seen(fresh_y)) for points in (images, gaussian))
    # What is chance: as many points as were fitted, of the target itself.
    count = min(n_fitted, len(fresh_y))
    chance = max(
        _energy(seen(fresh_y[rng.choice(len(fresh_y), count, replace=False)]), seen(fresh_y))
        for _ in range(5)
    )
    if found > baseline + 2 * chance and found > 1.3 * baseline:
        return f"energy distance {found:.3g}, Gaussian map {baseline:.3g}, chance {chance:.2g}"
    return ""


def _energy(x: Array, y: Array) -> float:
    """Return the energy distance, by its definition."""

    def mean(a: Array, b: Array) -> float:
        return float(np.mean(np.sqrt(np.sum(np.square(a[:, None] - b), axis=2))))

    return max(0.0, 2 * mean(x, y) - mean(x, x) - mean(y, y))
