"""What conditions change, and which of them act alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot.cells._jobs import Pair

if TYPE_CHECKING:
    from pandas import DataFrame

    from kernel_ot.cells._maps import ConditionMaps
from kernel_ot.diagnostics import sample_sizes


def ranked_changes(
    maps: ConditionMaps, condition: str | Pair, *, features: str, level: float
) -> DataFrame:
    """Return the mean change of every feature under a condition, largest first.

    Parameters
    ----------
    maps : ConditionMaps
    condition : str or (str, str)
    features : {"auto", "genes", "representation"}
        "auto": genes where their loadings are known.
    level : float
        Of the intervals.

    Returns
    -------
    DataFrame
        `feature`; `effect`, the mean of T(x) - x over the source's cells; `lower` and `upper`, its
        interval; `spread`, the standard deviation of T(x) - x over the cells; `p_value` of no
        change and `adjusted_p` (Benjamini and Hochberg).

    Notes
    -----
    Interval and p-value take cells as independent draws of both groups (Welch). Cells of one donor
    or well are not, so with few replicates they are too small: compare replicates by `pairs`.

    Raises
    ------
    ValueError
        Genes without loadings, or an unknown kind of features.
    """
    import pandas
    from scipy.stats import false_discovery_control, norm

    if features not in ("auto", "genes", "representation"):
        raise ValueError(f"features = {features!r} must be 'auto', 'genes' or 'representation'.")
    made_of = maps.representation
    if features == "genes" and not made_of.has_genes:
        raise ValueError(f"No loadings of genes are known for {made_of.key}.")
    if not 0 < level < 1:
        raise ValueError(f"level = {level} must be between 0 and 1.")
    model = maps.model(condition)
    x, y, a, b = (getattr(model.samples_, n) for n in ("x", "y", "weights_x", "weights_y"))
    change = model.transform(x) - x
    by_genes = made_of.has_genes and features != "representation"
    loadings = made_of.loadings if by_genes else np.eye(x.shape[1])
    effect = loadings @ (a @ change)
    n, m = sample_sizes(model)
    error = np.sqrt(
        _variance_of_mean(x, a, loadings) * len(x) / n
        + _variance_of_mean(y, b, loadings) * len(y) / m
    )
    safe = np.maximum(error, np.finfo(float).tiny)
    p_value = np.where(error > 0, 2 * norm.sf(np.abs(effect) / safe), 1.0)
    width = float(norm.ppf((1 + level) / 2)) * error
    table = pandas.DataFrame(
        {
            "feature": made_of.genes if by_genes else made_of.features,
            "effect": effect,
            "lower": effect - width,
            "upper": effect + width,
            "spread": np.sqrt(_variance(change, a, loadings)),
            "p_value": p_value,
            "adjusted_p": false_discovery_control(p_value),
        }
    )
    order = np.argsort(-np.abs(effect), kind="stable")
    return table.iloc[order].reset_index(drop=True)


def _variance(points: Array, weights: Array, loadings: Array) -> Array:
    """Return the variance of every feature `loadings @ points`."""
    centred = points - weights @ points
    covariance = (weights[:, None] * centred).T @ centred
    variance: Array = np.einsum("gi,ij,gj->g", loadings, covariance, loadings, optimize=True)
    np.maximum(variance, 0.0, out=variance)
    return variance


def _variance_of_mean(points: Array, weights: Array, loadings: Array) -> Array:
    share = float(weights @ weights)  # 1 / n for equal weights
    return _variance(points, weights, loadings) * share / max(1 - share, np.finfo(float).tiny)


def similarity(maps: ConditionMaps, *, max_cells: int) -> DataFrame:
    """Return root mean square distances between the images of the same cells under two conditions.

    Parameters
    ----------
    maps : ConditionMaps
    max_cells : int
        So many source cells at most, evenly chosen.

    Returns
    -------
    DataFrame
        Symmetric, in the representation's units; the control, whose cells stay where they are, is
        a row too, so that its row says how far each condition moves them.
    """
    import pandas

    sources = dict.fromkeys(source for source, _ in maps.pairs)
    first = [next(pair for pair in maps.pairs if pair[0] == source) for source in sources]
    points = np.concatenate([maps.model(pair).samples_.x for pair in first])
    points = points[np.unique(np.linspace(0, len(points) - 1, max_cells).astype(int))]
    one_source = len(sources) == 1
    names = [pair[1] if one_source else " to ".join(pair) for pair in maps.pairs]
    images = [np.asarray(maps.model(pair).transform(points)) for pair in maps.pairs]
    if one_source:
        names, images = [next(iter(sources)), *names], [points, *images]
    apart = [[_root_mean_square(p - q) for q in images] for p in images]
    return pandas.DataFrame(apart, index=names, columns=names)


def _root_mean_square(differences: Array) -> float:
    return float(np.sqrt(np.mean(np.sum(differences**2, axis=1))))
