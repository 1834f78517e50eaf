"""How well held-out cells are predicted, in the field's metrics and beside simpler ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import cdist

from kernel_ot._arrays import Array
from kernel_ot.cells._jobs import Pair
from kernel_ot.cells._representation import points_of, positions_of
from kernel_ot.distances import energy_distance
from kernel_ot.preconditioning import fit_conjugation

if TYPE_CHECKING:
    from anndata import AnnData
    from pandas import DataFrame

    from kernel_ot.cells._maps import ConditionMaps

# The widths over which CellOT averages its maximum mean discrepancy, exp(-gamma |a - b|^2).
_GAMMAS = (2.0, 1.0, 0.5, 0.1, 0.01, 0.005)
TRANSPORT, LINEAR, SHIFT, NOTHING = "transport", "linear map", "mean shift", "no change"
FLOOR = "real cells"


def evaluate(
    maps: ConditionMaps, adata: AnnData, *, max_cells: int, random_state: int
) -> DataFrame:
    """Return metrics of held-out predictions, one row a condition and way to predict.

    Parameters
    ----------
    maps : ConditionMaps
        Fitted with `held_out` above 0.
    adata : AnnData, optional
        What the maps were fitted to. If given, and loadings are known, the means and fold changes
        are those of the real genes; else those of the representation's features.
    max_cells : int
        Distances take at most so many cells of each group.
    random_state : int
        Draws them.

    Returns
    -------
    DataFrame
        `condition`; `method`: "transport", the Gaussian "linear map", "mean shift", "no change",
        and "real cells", the training cells of the condition, which no prediction is expected to
        beat; `energy_distance` and `mmd` (CellOT's widths; smaller is better); `l2_means`;
        `r2_means`, the squared correlation of feature means; `correlation_changes`, of the mean
        changes from the control; `n_cells` held out.

    Raises
    ------
    ValueError
        No cells were held out.

    References
    ----------
    C. Bunne et al., Learning single-cell perturbation responses using neural optimal transport,
    Nature Methods 2023.
    """
    import pandas

    if not maps.held_out:
        raise ValueError("No cells were held out; fit_conditions(held_out=0.2) keeps some.")
    rng = np.random.default_rng(random_state)
    rows: list[dict[str, object]] = []
    for pair in maps.pairs:
        if not all(label in maps.held_out for label in pair):
            continue
        control, real = (_some(maps.held_out[label].points, max_cells, rng) for label in pair)
        for method, predicted in predictions(maps, pair, control, len(real), rng).items():
            means = _means(maps, pair, adata, method, control, real, predicted)
            rows.append(
                {
                    "condition": maps.label(pair),
                    "method": method,
                    "energy_distance": energy_distance(predicted, real),
                    "mmd": cellot_mmd(predicted, real),
                    **_of_means(*means),
                    "n_cells": len(real),
                }
            )
    return pandas.DataFrame(rows)


def predictions(
    maps: ConditionMaps, pair: Pair, control: Array, n_real: int, rng: np.random.Generator
) -> dict[str, Array]:
    """Return the points that each way predicts for held-out control cells."""
    model = maps.model(pair)
    train = model.samples_
    change = fit_conjugation(train.x, train.y, "gaussian", train.weights_x, train.weights_y)
    shift = train.weights_y @ train.y - train.weights_x @ train.x
    return {
        TRANSPORT: np.asarray(model.transform(control)),
        LINEAR: change.backward_y(change.forward_x(control)),
        SHIFT: control + shift,
        NOTHING: control,
        FLOOR: _some(train.y, n_real, rng),
    }


def cellot_mmd(x: Array, y: Array) -> float:
    """Return the squared maximum mean discrepancy, averaged over CellOT's widths."""
    squared = [cdist(a, b, "sqeuclidean") for a, b in ((x, x), (y, y), (x, y))]
    kernel = [np.mean([np.exp(-gamma * d).mean() for gamma in _GAMMAS]) for d in squared]
    return float(kernel[0] + kernel[1] - 2 * kernel[2])


def _of_means(predicted: Array, real: Array, control: Array) -> dict[str, float]:
    return {
        "l2_means": float(np.linalg.norm(predicted - real)),
        "r2_means": _correlation(predicted, real) ** 2,
        "correlation_changes": _correlation(predicted - control, real - control),
    }


def _correlation(a: Array, b: Array) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / size if size > 0 else float("nan")


def _means(
    maps: ConditionMaps,
    pair: Pair,
    adata: AnnData,
    method: str,
    control: Array,
    real: Array,
    predicted: Array,
) -> tuple[Array, Array, Array]:
    """Return the mean of predicted, real and control cells, of genes if they are known."""
    if adata is None or not maps.representation.has_genes:
        return predicted.mean(axis=0), real.mean(axis=0), control.mean(axis=0)
    before, after = (_gene_means(maps, adata, maps.held_out[label].names) for label in pair)
    if method == FLOOR:
        labels = adata.obs[maps.condition].astype(str).to_numpy() == pair[1]
        trained = adata.obs_names[labels].difference(list(maps.held_out[pair[1]].names))
        return _gene_means(maps, adata, tuple(trained)), after, before
    change = maps.representation.gene_changes((predicted - control).mean(axis=0)[None])[0]
    return before + change, after, before


def _gene_means(maps: ConditionMaps, adata: AnnData, names: tuple[str, ...]) -> Array:
    rows = positions_of(adata.obs_names, names, "obs_names")
    columns = positions_of(adata.var_names, maps.representation.genes, "var_names")
    means: Array = points_of(adata, "X", np.sort(rows))[:, columns].mean(axis=0)
    return means


def _some(points: Array, limit: int, rng: np.random.Generator) -> Array:
    chosen = np.sort(rng.permutation(len(points))[:limit])
    return np.asarray(points[chosen], dtype=np.float64)
