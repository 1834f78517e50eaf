"""The fitted maps of a screen: predict, tables, keep on disk."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot._files import atomic_path
from kernel_ot.cells import _changes, _evaluate, _figures
from kernel_ot.cells._jobs import ModelStore, Pair
from kernel_ot.cells._representation import Representation, changed_genes, points_of
from kernel_ot.diagnostics import sample_sizes
from kernel_ot.estimator import KernelOT

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes
    from pandas import DataFrame

_INDEX, _ARRAYS, _FORMAT = "maps.json", "maps.npz", 1


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Cells of a group that no map was fitted to: names in `obs`, and points.

    Examples
    --------
    >>> import numpy as np
    >>> HeldOut(("cell 7",), np.zeros((1, 2))).points.shape
    (1, 2)
    """

    names: tuple[str, ...]
    points: Array


@dataclass(frozen=True, eq=False, repr=False)
class ConditionMaps:
    """One transport a condition, as `fit_conditions` returns them.

    Wherever a method takes a condition, the pair (source, target) will do too, and has to where
    several maps have the same target.

    Attributes
    ----------
    condition : str
        The column of `obs` that the groups come from.
    control : str or None
        Where the maps start; None where pairs were given.
    representation : Representation
        What the maps act on: `key`, names of its `features`, `genes` and their `loadings`.
    pairs : tuple of (str, str)
        Source and target of the maps that could be fitted.
    failures : dict of (str, str) to str
        Why the others could not.
    notes : dict of (str, str) to tuple of str
        Warnings of single fits.
    seconds : dict of (str, str) to float
        The time of each fit; 0 for a map that was found on disk.
    held_out : dict of str to HeldOut
        The cells of each group that are kept for `evaluate`: `names` in `obs`, and `points`.
    store : ModelStore
        Where the models are.

    Examples
    --------
    >>> import anndata, numpy as np, pandas as pd
    >>> from kernel_ot.cells import fit_conditions
    >>> drug = np.repeat(["dmso", "a"], 40)
    >>> cells = anndata.AnnData(obs=pd.DataFrame({"drug": drug}, index=map(str, range(80))))
    >>> cells.obsm["X_pca"] = np.random.default_rng(0).normal(size=(80, 2))
    >>> maps = fit_conditions(cells, condition="drug", control="dmso")
    >>> maps
    ConditionMaps(dmso -> a in X_pca)
    >>> maps.model("a").transform(np.zeros((1, 2))).shape
    (1, 2)
    """

    condition: str
    control: str | None
    representation: Representation
    pairs: tuple[Pair, ...]
    failures: dict[Pair, str]
    notes: dict[Pair, tuple[str, ...]]
    seconds: dict[Pair, float]
    held_out: dict[str, HeldOut]
    store: ModelStore

    @property
    def conditions(self) -> tuple[str, ...]:
        """The targets of the maps."""
        return tuple(target for _, target in self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __repr__(self) -> str:
        """Return conditions and failures in one line."""
        failed = f", {len(self.failures)} failed" if self.failures else ""
        return (
            f"ConditionMaps({self.control or 'pairs'} -> {', '.join(self.conditions[:6])}"
            f"{', ...' if len(self) > 6 else ''} in {self.representation.key}{failed})"
        )

    def pair(self, condition: str | Pair) -> Pair:
        """Return source and target of the one map that `condition` names, or raise ValueError."""
        given: object = condition
        if isinstance(given, str):
            found = [pair for pair in self.pairs if pair[1] == given]
        elif isinstance(given, tuple | list) and len(given) == 2:
            found = [pair for pair in self.pairs if pair == tuple(given)]
        else:
            raise ValueError(
                f"condition is of type {type(condition).__name__}; it must be the name of a "
                "condition, or a pair (source, target) of names."
            )
        if len(found) == 1:
            return found[0]
        failed = next((e for p, e in self.failures.items() if condition in (p, p[1])), None)
        if failed:
            raise ValueError(f"{condition!r} has no map, since its fit failed: {failed}")
        what = "has several maps; give (source, target)" if found else "has no map"
        raise ValueError(f"condition = {condition!r} {what}; there is: {list(self.pairs)[:10]}")

    def label(self, pair: Pair) -> str:
        """Return what tables call a map: its target, and its source where there are several."""
        return pair[1] if self.control is not None else " to ".join(pair)

    def model(self, condition: str | Pair) -> KernelOT:
        """Return the fitted `KernelOT` of a condition."""
        return self.store.load(self.pair(condition))

    def predict(
        self,
        adata: AnnData,
        condition: str | Pair,
        *,
        genes: bool | None = None,
        layer: str | None = None,
    ) -> AnnData:
        """Return what the cells in `adata` would be under a condition.

        Parameters
        ----------
        adata : AnnData
            Cells of the control, or any like them; views, backed files and sparse layers too.
        condition : str or (str, str)
        genes : bool, optional
            Whether to predict genes, by the loadings of the representation: the change of its
            points, times the loadings, is added to the layer. What a cell has beyond the
            representation stays, and a layer without negative numbers keeps none. By default where
            loadings are known and the layer is there.
        layer : str, optional
            The layer that the genes are taken from; `X` by default. It should be what the
            representation was computed from.

        Returns
        -------
        AnnData
            A new object with the predicted representation in its place, predicted genes in `X`,
            and `obs` with a column `predicted_CONDITION` more. What else belongs to a cell's old
            state is left out.

        Raises
        ------
        ValueError
            No such map or representation; genes where loadings are not known.
        """
        import anndata

        pair = self.pair(condition)
        key = self.representation.key
        points = points_of(adata, key)
        images = self.model(pair).transform(points)
        known = self.representation.has_genes and (layer is not None or adata.X is not None)
        genes = known if genes is None else genes
        folder, _, name = key.rpartition("/")
        x = None
        if key == "X":
            x = images
        elif genes and not self.representation.has_genes:
            raise ValueError(
                f"Genes cannot be predicted: no loadings are known for {key}; name them in "
                "fit_conditions(loadings=...), or use use_rep='X'."
            )
        elif genes:
            x = changed_genes(adata, layer, self.representation, images - points)
        predicted = anndata.AnnData(x, obs=adata.obs.copy(), var=adata.var.copy())
        predicted.obs[f"predicted_{self.condition}"] = pair[1]
        if folder == "layers" or (not folder and name in adata.layers):
            predicted.layers[name] = images
        elif key != "X":
            predicted.obsm[name] = images
        predicted.uns["kernel_ot"] = {"source": pair[0], "target": pair[1], "representation": key}
        return predicted

    def write_to(self, adata: AnnData, *, only_sources: bool = True) -> list[str]:
        """Write the images of cells under every condition into `adata.obsm`, in place.

        Parameters
        ----------
        adata : AnnData
        only_sources : bool, default True
            Map only the cells of a map's source; the others get NaN. False maps all cells.

        Returns
        -------
        list of str
            The new keys, `KEY_to_CONDITION`; `KEY_SOURCE_to_CONDITION` where pairs were given.

        Raises
        ------
        ValueError
            `adata` is a view, which would not keep them; no such column or representation.
        """
        if adata.is_view:
            raise ValueError("adata is a view, which would be copied; pass adata.copy().")
        name = self.representation.key.rpartition("/")[2]
        points = points_of(adata, self.representation.key)
        labels = adata.obs[self.condition].astype(str).to_numpy() if only_sources else None
        keys = []
        for pair in self.pairs:
            rows = np.ones(len(points), bool) if labels is None else labels == pair[0]
            images = np.full(points.shape, np.nan, dtype=points.dtype)
            if rows.any():
                images[rows] = self.model(pair).transform(points[rows])
            source = "" if self.control is not None else f"_{pair[0]}"
            keys.append(f"{name}{source}_to_{pair[1]}")
            adata.obsm[keys[-1]] = images
        return keys

    def table(self) -> DataFrame:
        """Return one row a map: sizes, cost, how the fit ended; failures are rows too.

        Returns
        -------
        DataFrame
            Columns source, target, n_source, n_target, cost, wasserstein, converged, seconds,
            message.
        """
        import pandas

        rows: list[dict[str, object]] = []
        for pair in self.pairs:
            model = self.model(pair)
            sizes = sample_sizes(model)
            rows.append(
                {
                    "source": pair[0],
                    "target": pair[1],
                    "n_source": sizes[0],
                    "n_target": sizes[1],
                    "cost": model.cost_,
                    "wasserstein": model.wasserstein_,
                    "converged": model.solution_.converged,
                    "seconds": self.seconds.get(pair, 0.0),
                    "message": " ".join(self.notes.get(pair, ())),
                }
            )
        for (source, target), error in self.failures.items():
            rows.append({"source": source, "target": target, "converged": False, "message": error})
        return pandas.DataFrame(rows)

    def evaluate(
        self, adata: AnnData = None, *, max_cells: int = 1000, random_state: int = 0
    ) -> DataFrame:
        """Return how well held-out cells are predicted, beside simpler ways; see `evaluate`."""
        return _evaluate.evaluate(self, adata, max_cells=max_cells, random_state=random_state)

    def ranked_changes(
        self, condition: str | Pair, *, features: str = "auto", level: float = 0.95
    ) -> DataFrame:
        """Return the features that a condition changes, largest effect first; see `_changes`."""
        return _changes.ranked_changes(self, condition, features=features, level=level)

    def similarity(self, *, max_cells: int = 2000) -> DataFrame:
        """Return distances between the maps of the conditions."""
        return _changes.similarity(self, max_cells=max_cells)

    def plot_similarity(self, ax: Axes | None = None) -> Axes:
        """Draw `similarity` as a heat map with similar conditions side by side."""
        return _figures.plot_similarity(self, ax)

    def plot_prediction(
        self, condition: str | Pair, ax: Axes | None = None, *, basis: str = "pca"
    ) -> Axes:
        """Draw source, target and predicted cells in one plane, of held-out cells if there are."""
        return _figures.plot_prediction(self, condition, ax, basis=basis)

    def save(self, folder: str | Path) -> Path:
        """Write all maps into a folder, which `load` reads; maps that are there already stay.

        Raises
        ------
        ValueError, PermissionError
            A file that cannot be written.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        files = {}
        for number, pair in enumerate(self.pairs):
            known = self.store.files.get(pair)
            target = folder / (known.name if known else f"map-{number}.kot")
            if known is None or known.resolve() != target.resolve():
                with atomic_path(target) as temporary:
                    if known:
                        shutil.copyfile(known, temporary)
                    else:
                        temporary.write_bytes(self.store.content(pair))
            files[pair] = target.name
        index = {
            "format": _FORMAT,
            "condition": self.condition,
            "control": self.control,
            "representation": {
                **{k: v for k, v in asdict(self.representation).items() if k != "loadings"}
            },
            "maps": [
                {
                    "pair": pair,
                    "file": files[pair],
                    "seconds": self.seconds.get(pair, 0.0),
                    "notes": self.notes.get(pair, ()),
                }
                for pair in self.pairs
            ],
            "failures": [{"pair": pair, "error": text} for pair, text in self.failures.items()],
            "held_out": {label: held.names for label, held in self.held_out.items()},
        }
        arrays = {"loadings": self.representation.loadings.astype(np.float32)}
        for number, held in enumerate(self.held_out.values()):
            arrays[f"held_out_{number}"] = held.points
        with atomic_path(folder / _ARRAYS) as temporary:
            np.savez_compressed(temporary, **arrays)  # type: ignore[arg-type]  # names are ours
        with atomic_path(folder / _INDEX) as temporary:
            temporary.write_text(json.dumps(index, indent=1), encoding="utf-8")
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> ConditionMaps:
        """Read what `save`, or `fit_conditions(folder=...)`, wrote.

        Raises
        ------
        FileNotFoundError
            Nothing there.
        ValueError
            Damaged, or of a newer version.
        """
        folder = Path(folder)
        if not (folder / _INDEX).is_file():
            raise FileNotFoundError(f"{folder} holds no {_INDEX}, so it is no folder of maps.")
        try:
            index = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
            if index["format"] != _FORMAT:
                raise ValueError(f"its format is {index['format']}, this version reads {_FORMAT}")
            with np.load(folder / _ARRAYS, allow_pickle=False) as archive:
                arrays = dict(archive)
            store = ModelStore(folder)
            for entry in index["maps"]:
                store.files[_pair(entry)] = folder / Path(entry["file"]).name
            described = index["representation"]
            return cls(
                condition=index["condition"],
                control=index["control"],
                representation=Representation(
                    described["key"],
                    tuple(described["features"]),
                    tuple(described["genes"]),
                    arrays["loadings"].astype(np.float64),
                ),
                pairs=tuple(store.files),
                failures={_pair(entry): entry["error"] for entry in index["failures"]},
                notes={_pair(e): tuple(e["notes"]) for e in index["maps"] if e["notes"]},
                seconds={_pair(entry): entry["seconds"] for entry in index["maps"]},
                held_out={
                    label: HeldOut(tuple(names), arrays[f"held_out_{number}"])
                    for number, (label, names) in enumerate(index["held_out"].items())
                },
                store=store,
            )
        except Exception as error:
            raise ValueError(f"{folder} cannot be read as a folder of maps: {error}") from error


def _pair(entry: dict[str, list[str]]) -> Pair:
    source, target = entry["pair"]
    return str(source), str(target)
