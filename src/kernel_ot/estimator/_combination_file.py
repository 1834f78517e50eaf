"""What a model combines: weights in the header of its file, entropic potentials as arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot.estimator._header import Header
from kernel_ot.estimator._model_file import damaged
from kernel_ot.potentials import EntropicPotential, EntropicPotentials
from kernel_ot.selection import Combination

# Weights may miss the sum of one by what their decimals lose.
_ROUNDING = 1e-7


def entropic_arrays(
    combination: Combination, entropic: tuple[EntropicPotentials, ...]
) -> dict[str, Array]:
    """Return the entropic potentials as arrays, the points of all parts one after the other."""
    parts = entropic_parts(combination, entropic)
    at_each = [entropic[k : k + parts] for k in range(0, len(entropic), parts)]
    return {
        "entropic_x": np.concatenate([potentials.v.centres for potentials in at_each[0]]),
        "entropic_y": np.concatenate([potentials.u.centres for potentials in at_each[0]]),
        "entropic_heights_x": np.stack(
            [np.concatenate([p.v.heights for p in of]) for of in at_each]
        ),
        "entropic_heights_y": np.stack(
            [np.concatenate([p.u.heights for p in of]) for of in at_each]
        ),
        "entropic_regularisations": np.array([of[0].u.regularisation for of in at_each]),
    }


def entropic_parts(combination: Combination, entropic: tuple[EntropicPotentials, ...]) -> int:
    """Return on how many parts of the samples there are entropic potentials; 1 without any."""
    return len(entropic) // len(combination.entropic) if entropic else 1


def combination_in(
    path: Path, header: Header, arrays: dict[str, Array]
) -> tuple[Combination, tuple[EntropicPotentials, ...]]:
    """Return the weights, and the entropic potentials they belong to; older files have none."""
    if header["format_version"] < 4:
        return Combination(), ()
    entry = header["combination"]
    combination = Combination(
        float(entry["kernel"]),
        float(entry["gaussian"]),
        tuple((float(reg), float(weight)) for reg, weight in entry["entropic"]),
        tuple((float(s), float(weight)) for s, weight in entry.get("splines", ())),
    )
    # Those of entropic potentials are negative where they are extrapolated.
    weights = [combination.kernel, combination.gaussian, *(w for _, w in combination.splines)]
    total = sum(weights) + sum(w for _, w in combination.entropic)
    if not (min(weights) >= 0 and abs(total - 1) <= _ROUNDING):
        raise damaged(path, f"its potentials have the weights {weights}, {combination.entropic}")
    if min((smoothing for smoothing, _ in combination.splines), default=1.0) <= 0:
        raise damaged(path, f"its splines are {combination.splines}")
    regularisations = arrays.get("entropic_regularisations", np.zeros(0))
    if len(regularisations) != len(combination.entropic) or min(regularisations, default=1) <= 0:
        raise damaged(path, "its entropic potentials are not those it names")
    parts = header.get("entropic_parts", 1)  # older files have one
    fewest = min((len(arrays[n]) for n in ("entropic_x", "entropic_y") if n in arrays), default=1)
    if type(parts) is not int or not 1 <= parts <= fewest:
        raise damaged(path, f"its entropic potentials are on {parts!r} parts of {fewest} points")
    if not len(regularisations):
        return combination, ()
    x, y = (np.array_split(arrays[f"entropic_{name}"], parts) for name in ("x", "y"))
    of_x, of_y = (
        np.array_split(arrays[f"entropic_heights_{name}"], parts, axis=1) for name in ("x", "y")
    )
    return combination, tuple(
        EntropicPotentials(
            EntropicPotential(y[part], of_y[part][k], float(reg)),
            EntropicPotential(x[part], of_x[part][k], float(reg)),
        )
        for k, reg in enumerate(regularisations)
        for part in range(parts)
    )
