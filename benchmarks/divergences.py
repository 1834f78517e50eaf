"""Value and gradient of losses between samples: `python -m benchmarks.divergences --out file.csv`.

Processor seconds of one value with its gradients in both samples, medians of repeats that take
turns, after compiling; compiling (first call minus a later one) is reported apart. Two samples of
normal points in the plane, the second one stretched and shifted. Beside `kernel_ot.divergence` on
NumPy, JAX and PyTorch: the Sinkhorn divergences of OTT-JAX and of GeomLoss (tensorized), both at an
entropic regularisation of 5 % of the mean cost, and POT's exact cost, which is no divergence.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import jax
import numpy as np

from benchmarks._tables import write_table
from kernel_ot import DivergenceSettings, divergence
from kernel_ot._arrays import Array

jax.config.update("jax_enable_x64", True)

_ENTROPIC = 0.05
_LONGEST = 20.0


def samples(n: int, d: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(n)
    x, y = rng.normal(size=(n, d)), rng.normal(size=(n, d))
    y[:, 0] = 2 * y[:, 0] + 1
    return x, y


def losses(x: Array, y: Array) -> dict[str, Callable[[float], Any]]:
    """Return each loss as a function of a shift of x; it returns the value."""
    settings = DivergenceSettings.from_samples(x, y)
    mean_cost = float(np.mean(np.sum((x[:, None] - y) ** 2, axis=2))) / 2
    return {
        "kernel-ot": lambda t: divergence(x + t, y, settings=settings).value,
        "kernel-ot (JAX)": _jax_kernel(x, y, settings),
        "kernel-ot (PyTorch)": _torch(x, y, lambda a, b: divergence(a, b, settings=settings).value),
        "OTT-JAX": _ott(x, y, _ENTROPIC * mean_cost),
        "GeomLoss": _geomloss(x, y, _ENTROPIC * mean_cost),
        "POT, exact cost": _pot(x, y),
    }


def _compiled(x: Array, y: Array, value: Callable[[Any, Any], Any]) -> Callable[[float], Any]:
    function = jax.jit(jax.value_and_grad(value, argnums=(0, 1)))
    on_device = jax.numpy.asarray(x), jax.numpy.asarray(y)

    def call(t: float) -> Any:
        return jax.block_until_ready(function(on_device[0] + t, on_device[1]))[0]

    return call


def _jax_kernel(x: Array, y: Array, settings: DivergenceSettings) -> Callable[[float], Any]:
    return _compiled(x, y, lambda a, b: divergence(a, b, settings=settings).value)


def _ott(x: Array, y: Array, epsilon: float) -> Callable[[float], Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from ott.geometry.pointcloud import PointCloud
        from ott.tools.sinkhorn_divergence import sinkhorn_divergence
    return _compiled(x, y, lambda a, b: sinkhorn_divergence(PointCloud, a, b, epsilon=epsilon)[0])


def _torch(x: Array, y: Array, value: Callable[[Any, Any], Any]) -> Callable[[float], Any]:
    import torch

    torch.set_num_threads(1)

    def call(t: float) -> Any:
        points = [torch.tensor(p, requires_grad=True) for p in (x + t, y)]
        loss = value(*points)
        loss.backward()
        return loss.detach()

    return call


def _geomloss(x: Array, y: Array, epsilon: float) -> Callable[[float], Any]:
    from geomloss import SamplesLoss

    loss = SamplesLoss("sinkhorn", p=2, blur=float(np.sqrt(epsilon)), backend="tensorized")
    return _torch(x, y, loss)


def _pot(x: Array, y: Array) -> Callable[[float], Any]:
    import ot
    import torch

    masses = torch.full((len(x),), 1 / len(x), dtype=torch.float64)
    return _torch(x, y, lambda a, b: ot.emd2(masses, masses, ot.dist(a, b) / 2))


def measure(n: int, d: int, repeats: int, slow: set[str]) -> list[tuple[object, ...]]:
    """Return a row for each loss; who took too long on fewer points is left out."""
    functions = {name: f for name, f in losses(*samples(n, d)).items() if name not in slow}
    first, later, values = {}, {name: [] for name in functions}, {}  # type: ignore[var-annotated]
    for name, function in functions.items():
        first[name] = _seconds(function, 0.0)
        values[name] = float(function(0.0))
    for repeat in range(repeats):
        for name, function in functions.items():
            later[name].append(_seconds(function, 1e-3 * (repeat + 1)))
    rows: list[tuple[object, ...]] = []
    for name in functions:
        step = median(later[name])
        if step > _LONGEST:
            slow.add(name)
        compiling = max(0.0, first[name] - step) if "JAX" in name else 0.0
        rows.append((name, d, n, f"{step:.4g}", f"{compiling:.2g}", f"{values[name]:.4g}"))
        print(*rows[-1], flush=True)
    return rows


def _seconds(function: Callable[[float], Any], shift: float) -> float:
    began = time.process_time()
    function(shift)
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[60, 100, 200, 500, 1000, 2000])
    parser.add_argument("--dimension", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rows: list[tuple[object, ...]] = []
    slow: set[str] = set()
    for n in options.sizes:
        rows += measure(n, options.dimension, options.repeats, slow)
    if options.out is not None:
        write_table(
            options.out,
            "Processor seconds of one value with its gradients; seconds to compile apart.",
            ("method", "dimension", "n", "seconds", "compile_seconds", "value"),
            rows,
            "kernel-ot numpy jax ott-jax torch geomloss POT",
        )


if __name__ == "__main__":
    main()
