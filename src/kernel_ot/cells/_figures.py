"""Figures of a screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kernel_ot import plots
from kernel_ot._arrays import Array
from kernel_ot.cells._jobs import Pair

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kernel_ot.cells._maps import ConditionMaps


def plot_similarity(maps: ConditionMaps, ax: Axes | None) -> Axes:
    """Draw the distances between maps, similar conditions side by side."""
    table = maps.similarity()
    unit = f"distance between maps ({maps.representation.key})"
    return plots.heat_map(table.to_numpy(), list(table.columns), ax, quantity=unit)


def plot_prediction(
    maps: ConditionMaps, condition: str | Pair, ax: Axes | None, *, basis: str
) -> Axes:
    """Draw source, target and predicted cells in the plane of a PCA or a UMAP."""
    pair = maps.pair(condition)
    model = maps.model(pair)
    held = [maps.held_out.get(label) for label in pair]
    control = model.samples_.x if held[0] is None else held[0].points
    real = model.samples_.y if held[1] is None else held[1].points
    predicted = np.asarray(model.transform(control))
    names = (pair[0], pair[1], f"{pair[0]} predicted as {pair[1]}")
    if basis == "pca":
        return plots.principal_components(control, real, predicted, ax, names=names)
    if basis != "umap":
        raise ValueError(f"basis = {basis!r} must be 'pca' or 'umap'.")
    plane = _umap(control, real, predicted)
    return plots.clouds(plane, names, ax, axes=("first UMAP axis", "second UMAP axis"))


def _umap(*groups: Array) -> list[Array]:
    """Return the groups in one UMAP of all of them, as CellOT draws its predictions."""
    try:
        from umap import UMAP
    except ImportError as error:
        raise ImportError(
            "basis='umap' needs umap-learn: pip install 'kernel-ot[single-cell]'"
        ) from error
    # One thread, without which a seed is no seed.
    plane = np.asarray(UMAP(random_state=0, n_jobs=1).fit_transform(np.concatenate(groups)))
    return np.split(plane, np.cumsum([len(group) for group in groups])[:-1])
