"""What a model combines: weights in the header of its file, entropic potentials as arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot.estimator._model_file import JsonObject, damaged
from kernel_ot.potentials import EntropicPotential, EntropicPotentials
from kernel_ot.selection import Combination

# Weights may miss the sum of one by what their decimals lose.
_ROUNDING = 1e-7


def entropic_arrays(entropic: tuple[EntropicPotentials, ...]) -> dict[str, Array]:
    """Return the entropic potentials, all of them on the same points, as arrays."""
    return {
        "entropic_x": entropic[0].v.centres,
        "entropic_y": entropic[0].u.centres,
        "entropic_heights_x": np.stack([potentials.v.heights for potentials in entropic]),
        "entropic_heights_y": np.stack([potentials.u.heights for potentials in entropic]),
        "entropic_regularisations": np.array([p.u.regularisation for p in entropic]),
    }


def combination_in(
    path: Path, header: JsonObject, arrays: dict[str, Array]
) -> tuple[Combination, tuple[EntropicPotentials, ...]]:
    """Return the weights, and the entropic potentials they belong to; older files have none."""
    if header["format_version"] < 4:
        return Combination(), ()
    entry = header["combination"]
    combination = Combination(
        float(entry["kernel"]),
        float(entry["gaussian"]),
        tuple((float(reg), float(weight)) for reg, weight in entry["entropic"]),
    )
    weights = [combination.kernel, combination.gaussian, *(w for _, w in combination.entropic)]
    if not (min(weights) >= 0 and abs(sum(weights) - 1) <= _ROUNDING):
        raise damaged(path, f"its potentials have the weights {weights}")
    regularisations = arrays.get("entropic_regularisations", np.zeros(0))
    if len(regularisations) != len(combination.entropic) or min(regularisations, default=1) <= 0:
        raise damaged(path, "its entropic potentials are not those it names")
    if not len(regularisations):
        return combination, ()
    x, y, of_x, of_y = (arrays[f"entropic_{name}"] for name in ("x", "y", "heights_x", "heights_y"))
    return combination, tuple(
        EntropicPotentials(EntropicPotential(y, g, float(reg)), EntropicPotential(x, f, float(reg)))
        for reg, f, g in zip(regularisations, of_x, of_y, strict=True)
    )
