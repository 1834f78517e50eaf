"""From one AnnData object with a control and many conditions to one map a condition."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import clone

from kernel_ot._arrays import Array, check_jobs
from kernel_ot.cells._jobs import Job, ModelStore, Outcome, Pair, run_jobs
from kernel_ot.cells._maps import ConditionMaps, HeldOut
from kernel_ot.cells._representation import describe_representation, points_of
from kernel_ot.estimator import KernelOT

if TYPE_CHECKING:
    from anndata import AnnData


def fit_conditions(
    adata: AnnData,
    *,
    condition: str,
    control: str | None = None,
    use_rep: str = "X_pca",
    conditions: Sequence[str] | None = None,
    pairs: Sequence[Pair] | None = None,
    batch: str | None = None,
    estimator: KernelOT | None = None,
    held_out: float = 0.2,
    loadings: str | None = None,
    folder: str | Path | None = None,
    n_jobs: int | None = None,
    progress: bool | None = None,
    random_state: int = 0,
) -> ConditionMaps:
    """Fit one transport from the control cells to the cells of every condition.

    Parameters
    ----------
    adata : AnnData
        Views and backed files too; only the representation is read.
    condition : str
        The column of `adata.obs` that says how a cell was treated. Cells without an entry are left
        out.
    control : str, optional
        The entry of untreated cells; needed unless `pairs` is given.
    use_rep : str, default "X_pca"
        "X", or a key of `obsm` or `layers`.
    conditions : sequence of str, optional
        Which ones; all but the control by default.
    pairs : sequence of (str, str), optional
        Maps between any two entries, where there is no control.
    batch : str, optional
        A column of `adata.obs`. Control cells are weighted so that the batches have the shares that
        they have in the condition, since a difference of the shares is no effect of a treatment.
        Cells of a condition from batches without control cells are left out.
    estimator : KernelOT, optional
        Settings for every map; `KernelOT()` by default.
    held_out : float, default 0.2
        The share of each group of cells that is not fitted, for `ConditionMaps.evaluate`; 0 fits
        all.
    loadings : str, optional
        The entry of `adata.varm` that makes genes of `use_rep`; found by itself for a PCA of
        scanpy's.
    folder : str or Path, optional
        Keep every map there once it is fitted, and do not fit again what is there from the same
        cells and settings: an interrupted call goes on where it ended.
    n_jobs : int, optional
        Maps at once, joblib's argument; one by default. The backend is joblib's: with
        `joblib.parallel_config(backend="dask")` the maps go to a cluster.
    progress : bool, optional
        A bar with the conditions that are left; by default on a terminal only.
    random_state : int, default 0
        Draws the cells that are held out.

    Returns
    -------
    ConditionMaps
        What failed is in its `failures`, and the others are there.

    Raises
    ------
    ValueError
        Columns, entries or a representation that `adata` has not; no map at all could be fitted.

    Warns
    -----
    UserWarning
        Some conditions failed, or ended before their tolerance; the message names them.

    Examples
    --------
    >>> import anndata, numpy as np, pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> drug = np.repeat(["dmso", "a", "b"], 40)
    >>> shift = np.select([drug == "a", drug == "b"], [2.0, -2.0])
    >>> cells = anndata.AnnData(obs=pd.DataFrame({"drug": drug}, index=map(str, range(120))))
    >>> cells.obsm["X_pca"] = rng.normal(size=(120, 2)) + shift[:, None]
    >>> maps = fit_conditions(cells, condition="drug", control="dmso")
    >>> maps.conditions
    ('a', 'b')
    >>> predicted = maps.predict(cells[cells.obs["drug"] == "dmso"], "a")
    >>> bool(abs(predicted.obsm["X_pca"].mean() - 2) < 0.4)
    True
    """
    labels = _column(adata, condition)
    control = None if control is None else str(control)
    wanted = _pairs(labels, condition, control, conditions, pairs)
    if not 0 <= held_out < 1:
        raise ValueError(
            f"held_out = {held_out} must be a share of the cells, at least 0, below 1."
        )
    check_jobs(n_jobs)
    batches = None if batch is None else _column(adata, batch)
    estimator = KernelOT() if estimator is None else clone(estimator)
    if folder is not None:
        Path(folder).mkdir(parents=True, exist_ok=True)
    store = ModelStore(None if folder is None else Path(folder))
    groups = {
        label: _split(np.flatnonzero(labels == label), label, held_out, random_state)
        for label in dict.fromkeys(label for pair in wanted for label in pair)
    }
    points = {label: points_of(adata, use_rep, rows) for label, (rows, _) in groups.items()}
    held = {
        label: HeldOut(tuple(map(str, adata.obs_names[rows])), points_of(adata, use_rep, rows))
        for label, (_, rows) in groups.items()
        if len(rows)
    }
    outcomes: list[Outcome] = []
    jobs = []
    for source, target in wanted:
        x_weights: Array | None = None
        y = points[target]
        if batches is not None:
            at_x, at_y = (batches[groups[label][0]] for label in (source, target))
            kept = np.isin(at_y, at_x)
            if not kept.any():
                error = f"no entry of adata.obs[{batch!r}] has cells of {source} and of {target}"
                outcomes.append(Outcome((source, target), None, error, (), 0.0))
                continue
            x_weights, y = _batch_weights(at_x, at_y[kept]), y[kept]
        jobs.append(Job((source, target), points[source], y, x_weights, estimator))
    outcomes += run_jobs(jobs, store, n_jobs=n_jobs, progress=progress)
    failures = {outcome.pair: outcome.error for outcome in outcomes if outcome.error}
    notes = {outcome.pair: outcome.warnings for outcome in outcomes if outcome.warnings}
    if len(failures) == len(wanted):
        pair, error = next(iter(failures.items()))
        raise ValueError(f"No map could be fitted; from {pair[0]} to {pair[1]}: {error}")
    _warn(failures, {pair: text for pair, text in notes.items() if pair not in failures})
    maps = ConditionMaps(
        condition=condition,
        control=control,
        representation=describe_representation(adata, use_rep, loadings),
        pairs=tuple(pair for pair in wanted if pair not in failures),
        failures=failures,
        notes=notes,
        seconds={outcome.pair: outcome.seconds for outcome in outcomes},
        held_out=held,
        store=store,
    )
    if folder is not None:
        maps.save(folder)
    return maps


def _column(adata: AnnData, name: str) -> Array:
    """Return a column of obs as strings, "" where it has no entry."""
    if not hasattr(adata, "obs"):
        raise ValueError(f"adata is {type(adata).__name__}; it must be an AnnData object.")
    if name not in adata.obs:
        raise ValueError(f"{name!r} is no column of adata.obs, which has {list(adata.obs)}.")
    column = adata.obs[name]
    return np.where(column.isna(), "", column.astype(str)).astype(object)


def _pairs(
    labels: Array,
    condition: str,
    control: str | None,
    conditions: Sequence[str] | None,
    pairs: Sequence[Pair] | None,
) -> list[Pair]:
    known = sorted(set(labels) - {""})
    if pairs is not None:
        if control is not None or conditions is not None:
            raise ValueError("pairs says all maps; leave control and conditions out.")
        wanted = [(str(source), str(target)) for source, target in pairs]
    elif control is None:
        raise ValueError(
            f"control is not given; name the entry of adata.obs[{condition!r}] where maps start, "
            f"one of {known[:10]}, or give pairs."
        )
    else:
        chosen = known if conditions is None else [str(name) for name in conditions]
        wanted = [(str(control), name) for name in chosen if name != str(control)]
    if not wanted:
        raise ValueError("There is no condition beside the control; nothing is to be fitted.")
    for label in dict.fromkeys(label for pair in wanted for label in pair):
        if label not in known:
            raise ValueError(
                f"{label!r} is no entry of adata.obs[{condition!r}], which has {known[:10]}."
            )
    return wanted


def _split(rows: Array, label: str, share: float, seed: int) -> tuple[Array, Array]:
    """Return rows to fit and rows held out, the same for a group whatever the others are."""
    rng = np.random.default_rng([seed, zlib.crc32(label.encode())])
    order = rng.permutation(rows)
    n_held = round(share * len(rows))
    return np.sort(order[n_held:]), np.sort(order[:n_held])


def _batch_weights(at_x: Array, at_y: Array) -> Array:
    """Return masses of control cells that give batches their shares in the condition."""
    weights = np.zeros(len(at_x))
    for name in np.unique(at_y):
        here = at_x == name
        weights[here] = np.mean(at_y == name) / here.sum()
    return weights


def _warn(failures: dict[Pair, str], notes: dict[Pair, tuple[str, ...]]) -> None:
    if failures:
        texts = [f"{target}: {error}" for (_, target), error in failures.items()]
        warnings.warn(f"Conditions without a map: {'; '.join(texts)}", UserWarning, stacklevel=3)
    if notes:
        texts = [f"{target}: {' '.join(said)}" for (_, target), said in notes.items()]
        warnings.warn(f"Maps with warnings: {'; '.join(texts)}", UserWarning, stacklevel=3)
