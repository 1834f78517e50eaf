"""Batch correction: the cells of every batch mapped to one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kernel_ot.cells._fit import fit_conditions
from kernel_ot.cells._maps import ConditionMaps
from kernel_ot.cells._representation import points_of
from kernel_ot.estimator import KernelOT

if TYPE_CHECKING:
    from anndata import AnnData


def align(
    adata: AnnData,
    *,
    batch: str,
    reference: str | None = None,
    use_rep: str = "X_pca",
    key_added: str | None = None,
    batches: Sequence[str] | None = None,
    estimator: KernelOT | None = None,
    n_jobs: int | None = None,
    progress: bool | None = None,
) -> ConditionMaps:
    """Map the cells of every batch to the reference batch and write them into `adata.obsm`.

    A map of whole batches takes a difference in their mixture of cell types for a batch effect.
    Where the mixtures differ, align what is alike, one type at a time, by
    `align(adata[type].copy(), ...)`.

    Parameters
    ----------
    adata : AnnData
        Changed in place: `obsm[key_added]` is new.
    batch : str
        The column of `adata.obs`.
    reference : str, optional
        The batch that stays; the largest by default.
    use_rep : str, default "X_pca"
        "X", or a key of `obsm` or `layers`.
    key_added : str, optional
        `USE_REP_aligned` by default.
    batches : sequence of str, optional
        Which batches are mapped; all others stay as they are.
    estimator, n_jobs, progress
        As in `fit_conditions`.

    Returns
    -------
    ConditionMaps
        The maps from each batch to the reference.

    Raises
    ------
    ValueError
        As `fit_conditions`; one batch could not be mapped, in which case nothing is written;
        `adata` is a view.

    Examples
    --------
    >>> import anndata, numpy as np, pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> obs = pd.DataFrame({"donor": ["a"] * 50 + ["b"] * 40}, index=map(str, range(90)))
    >>> cells = anndata.AnnData(obs=obs)
    >>> cells.obsm["X_pca"] = rng.normal(size=(90, 2)) + 5.0 * (obs[["donor"]] == "b").to_numpy()
    >>> maps = align(cells, batch="donor")
    >>> aligned = cells.obsm["X_pca_aligned"]
    >>> bool(np.abs(aligned[50:].mean(axis=0) - aligned[:50].mean(axis=0)).max() < 0.5)
    True
    """
    if adata.is_view:
        raise ValueError("adata is a view, which would be copied; pass adata.copy().")
    if batch not in adata.obs:
        raise ValueError(f"{batch!r} is no column of adata.obs, which has {list(adata.obs)}.")
    sizes = adata.obs[batch].dropna().astype(str).value_counts()
    target = str(sizes.index[0]) if reference is None else str(reference)
    chosen = sorted(sizes.index) if batches is None else [str(name) for name in batches]
    maps = fit_conditions(
        adata,
        condition=batch,
        pairs=[(name, target) for name in chosen if name != target],
        use_rep=use_rep,
        estimator=estimator,
        held_out=0.0,
        n_jobs=n_jobs,
        progress=progress,
    )
    if maps.failures:
        (source, _), error = next(iter(maps.failures.items()))
        raise ValueError(f"Batch {source!r} could not be mapped, so nothing is written: {error}")
    aligned = np.array(points_of(adata, use_rep))
    labels = adata.obs[batch].astype(str).to_numpy()
    for source, _ in maps.pairs:
        rows = labels == source
        aligned[rows] = maps.model((source, target)).transform(aligned[rows])
    adata.obsm[key_added or f"{use_rep.rpartition('/')[2]}_aligned"] = aligned
    return maps
