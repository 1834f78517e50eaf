"""A screen from AnnData to maps, predictions and files; single conditions may fail."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import anndata
import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from kernel_ot import KernelOT
from kernel_ot.cells import ConditionMaps, align, fit_conditions
from kernel_ot.kernels import Gaussian

FAST = KernelOT(kernel=Gaussian(1.5), reg_potential=1e-2)
N_GENES, N_COMPONENTS = 12, 4


def screen(n: int = 60, seed: int = 0) -> Any:
    """Return a control and two drugs with a PCA: drug "up" adds to gene 0, "down" takes away."""
    rng = np.random.default_rng(seed)
    drug = np.repeat(["dmso", "up", "down"], n)
    genes = rng.gamma(2.0, 1.0, size=(3 * n, N_GENES))
    genes[drug == "up", 0] += 5
    genes[drug == "down", 1] *= 0.3
    genes[genes < 0.4] = 0
    data = anndata.AnnData(
        genes.astype(np.float32),
        obs=pd.DataFrame({"drug": pd.Categorical(drug)}, index=[f"cell{i}" for i in range(3 * n)]),
        var=pd.DataFrame(index=[f"gene{i}" for i in range(N_GENES)]),
    )
    centred = genes - genes.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:N_COMPONENTS].T
    data.varm["PCs"] = axes
    data.obsm["X_pca"] = centred @ axes
    data.obs["plate"] = np.where(np.arange(3 * n) % 3 == 0, "p1", "p2")
    return data


@pytest.fixture(scope="module")
def cells() -> Any:
    return screen()


@pytest.fixture(scope="module")
def maps(cells: Any) -> ConditionMaps:
    return fit_conditions(cells, condition="drug", control="dmso", estimator=FAST)


@pytest.mark.parametrize("wrong", [3, ("a", "b", "c"), None])
def test_a_condition_is_a_name_or_a_pair_of_names(cells: Any, maps: Any, wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"condition is of type .* a pair \(source, target\)"):
        maps.predict(cells, wrong)
    with pytest.raises(ValueError, match="condition is of type AnnData"):
        maps.plot_prediction(cells, "up")


def test_three_lines_predict_held_out_cells_and_their_genes(cells: Any, maps: Any) -> None:
    assert maps.conditions == ("down", "up")
    control = cells[cells.obs["drug"] == "dmso"]  # a view
    predicted = maps.predict(control, "up")
    assert predicted.obs_names.equals(control.obs_names)
    assert predicted.obs["drug"].tolist() == control.obs["drug"].tolist()
    assert set(predicted.obs["predicted_drug"]) == {"up"}
    images = maps.model("up").transform(np.asarray(control.obsm["X_pca"]))
    np.testing.assert_array_equal(predicted.obsm["X_pca"], images)
    change = (images - control.obsm["X_pca"]) @ cells.varm["PCs"].T
    np.testing.assert_allclose(predicted.X, np.maximum(control.X + change, 0), atol=1e-4)
    real = cells[cells.obs["drug"] == "up"].X[:, 0].mean()
    assert abs(predicted.X[:, 0].mean() - real) < 0.2 * (real - control.X[:, 0].mean())


@pytest.mark.parametrize("kind", ["csr", "csc", "backed dense", "backed sparse"])
def test_sparse_and_backed_genes_are_predicted_alike(
    cells: Any, maps: Any, kind: str, tmp_path: Path
) -> None:
    expected = maps.predict(cells, "up").X
    other = cells.copy()
    if "dense" not in kind:
        other.X = (scipy.sparse.csc_matrix if kind == "csc" else scipy.sparse.csr_matrix)(cells.X)
    if kind.startswith("backed"):
        other.write_h5ad(tmp_path / "cells.h5ad")
        other = anndata.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    predicted = maps.predict(other, "up")
    assert scipy.sparse.issparse(predicted.X) == ("dense" not in kind)
    values = predicted.X.toarray() if scipy.sparse.issparse(predicted.X) else predicted.X
    np.testing.assert_allclose(values, expected, atol=1e-5)
    assert values.dtype == np.float32
    fitted = fit_conditions(
        other, condition="drug", control="dmso", conditions=["up"], estimator=FAST
    )
    np.testing.assert_allclose(
        fitted.predict(other, "up", genes=False).obsm["X_pca"], predicted.obsm["X_pca"]
    )
    if kind.startswith("backed"):
        other.file.close()


def test_a_layer_with_negative_numbers_is_not_clipped(cells: Any, maps: Any) -> None:
    scaled = cells.copy()
    scaled.layers["scaled"] = scaled.X - 100
    down = maps.predict(scaled, "down", layer="scaled").X
    assert down.max() < 0
    change = maps.predict(cells, "down").obsm["X_pca"] - cells.obsm["X_pca"]
    np.testing.assert_allclose(down, cells.X - 100 + change @ cells.varm["PCs"].T, atol=1e-4)


def test_genes_that_did_not_enter_the_pca_stay(cells: Any) -> None:
    marked = cells.copy()
    axes = np.linalg.svd((cells.X - cells.X.mean(axis=0))[:, :6])[2][:N_COMPONENTS].T
    marked.varm["PCs"] = np.full((N_GENES, N_COMPONENTS), np.nan)  # as older files of scanpy's
    marked.varm["PCs"][:6] = axes
    marked.obsm["X_pca"] = (cells.X - cells.X.mean(axis=0))[:, :6] @ axes
    maps: Any = fit_conditions(marked, condition="drug", control="dmso", estimator=FAST)
    assert maps.representation.genes == tuple(marked.var_names[:6])
    predicted = maps.predict(marked, "up")
    np.testing.assert_array_equal(predicted.X[:, 6:], marked.X[:, 6:])
    assert not np.array_equal(predicted.X[:, :6], marked.X[:, :6])


def test_loadings_of_another_representation_are_not_used(cells: Any) -> None:
    other = cells.copy()
    other.obsm["X_pca"] = np.random.default_rng(0).normal(size=(len(other), N_COMPONENTS))
    maps: Any = fit_conditions(other, condition="drug", control="dmso", estimator=FAST)
    assert not maps.representation.has_genes
    assert maps.predict(other, "up").X is None
    with pytest.raises(ValueError, match="no loadings are known"):
        maps.predict(other, "up", genes=True)
    with pytest.raises(ValueError, match="does not give X_pca"):
        fit_conditions(other, condition="drug", control="dmso", loadings="PCs")
    with pytest.raises(ValueError, match=r"not in adata\.varm"):
        fit_conditions(other, condition="drug", control="dmso", loadings="pcs")


def test_genes_themselves_or_a_layer_can_be_mapped(cells: Any) -> None:
    few = cells[:, :3].copy()
    few.layers["log"] = np.log1p(few.X)
    for use_rep in ("X", "log", "layers/log"):
        maps = fit_conditions(
            few, condition="drug", control="dmso", use_rep=use_rep, estimator=FAST
        )
        predicted = maps.predict(few, "up")
        values = predicted.X if use_rep == "X" else predicted.layers["log"]
        before = few.X if use_rep == "X" else few.layers["log"]
        np.testing.assert_allclose(values, maps.model("up").transform(before), rtol=1e-5)
        assert maps.ranked_changes("up")["feature"][0] == "gene0"


def test_write_to_adds_the_images_of_control_cells(cells: Any, maps: Any) -> None:
    written = cells.copy()
    assert maps.write_to(written) == ["X_pca_to_down", "X_pca_to_up"]
    control = (written.obs["drug"] == "dmso").to_numpy()
    images = written.obsm["X_pca_to_up"]
    assert np.isnan(images[~control]).all()
    expected = maps.predict(cells[control], "up", genes=False).obsm["X_pca"]
    np.testing.assert_allclose(images[control], expected)
    maps.write_to(written, only_sources=False)
    assert np.isfinite(written.obsm["X_pca_to_up"]).all()
    with pytest.raises(ValueError, match=r"pass adata.copy\(\)"):
        maps.write_to(cells[:10])


def test_maps_are_kept_on_disk_and_not_fitted_again(
    cells: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments: dict[str, Any] = {"condition": "drug", "control": "dmso", "estimator": FAST}
    first = fit_conditions(cells, **arguments, conditions=["up"], folder=tmp_path)
    before = {file.name: file.stat().st_mtime_ns for file in tmp_path.glob("*.kot")}
    assert len(before) == 1
    fitted = []
    fit = KernelOT.fit

    def counted(self: KernelOT, *samples: Any) -> KernelOT:
        fitted.append(len(samples[0]))
        return fit(self, *samples)

    monkeypatch.setattr(KernelOT, "fit", counted)
    both = fit_conditions(cells, **arguments, folder=tmp_path)
    assert len(fitted) == 1  # the other condition
    assert {f.name: f.stat().st_mtime_ns for f in tmp_path.glob("*.kot")}.items() >= before.items()
    moved = cells.copy()
    moved.obsm["X_pca"][0] += 1
    fit_conditions(moved, **arguments, folder=tmp_path)
    assert len(fitted) == 3  # other cells are another job
    loaded = ConditionMaps.load(tmp_path)
    assert loaded.pairs == both.pairs
    for condition in ("up", "down"):
        got, expected = (m.predict(cells, condition).X for m in (loaded, maps_of(moved)))
        np.testing.assert_allclose(got, expected, atol=1e-5)
    assert first.predict(cells, "up").X.shape == cells.shape


def maps_of(cells: Any) -> Any:
    return fit_conditions(cells, condition="drug", control="dmso", estimator=FAST)


def test_saved_maps_evaluate_as_before(maps: Any, cells: Any, tmp_path: Path) -> None:
    loaded = ConditionMaps.load(maps.save(tmp_path / "new folder"))
    pd.testing.assert_frame_equal(loaded.evaluate(cells), maps.evaluate(cells), rtol=1e-4)
    pd.testing.assert_frame_equal(loaded.table(), maps.table())
    assert sum(file.stat().st_size for file in (tmp_path / "new folder").iterdir()) < 200_000
    with pytest.raises(FileNotFoundError, match=r"no maps\.json"):
        ConditionMaps.load(tmp_path)
    (tmp_path / "new folder" / "maps.json").write_text("{}")
    with pytest.raises(ValueError, match="cannot be read as a folder of maps"):
        ConditionMaps.load(tmp_path / "new folder")


def test_one_failing_condition_does_not_stop_the_others(cells: Any) -> None:
    broken = cells[:140].copy()
    broken.obs["drug"] = broken.obs["drug"].astype(str)
    broken.obs.iloc[137, 0] = "single"
    broken.obs.iloc[138:, 0] = None  # cells without an entry
    with pytest.warns(UserWarning, match="without a map: single: ValueError: y has 1 point"):
        maps = fit_conditions(
            broken, condition="drug", control="dmso", estimator=FAST, held_out=0.0, n_jobs=2
        )
    assert maps.conditions == ("down", "up")
    table: Any = maps.table().set_index("target")
    assert "y has 1 point" in table.loc["single", "message"]
    assert table.loc["up", "converged"]
    with pytest.raises(ValueError, match="its fit failed: ValueError: y has 1 point"):
        maps.predict(cells, "single")
    with pytest.raises(ValueError, match="No map could be fitted"):
        fit_conditions(broken, condition="drug", control="dmso", conditions=["single"])


def test_names_that_are_not_unique_are_named(cells: Any, maps: Any) -> None:
    twice = cells.copy()
    twice.var_names = ["gene"] * N_GENES
    with pytest.raises(ValueError, match=r"call adata\.var_names_make_unique\(\)"):
        maps.predict(twice, "up")
    with pytest.raises(ValueError, match="has no 'gene0'"):
        maps.predict(cells[:, 1:], "up")
    twice = cells.copy()
    twice.obs_names = ["cell"] * len(cells)
    with pytest.raises(ValueError, match="obs_names_make_unique"):
        maps.evaluate(twice)


def test_cells_without_genes_are_predicted_without(cells: Any, maps: Any) -> None:
    bare = anndata.AnnData(obs=cells.obs.copy(), obsm={"X_pca": cells.obsm["X_pca"]})
    assert maps.predict(bare, "up").X is None
    with pytest.raises(ValueError, match="genes=False"):
        maps.predict(bare, "up", genes=True)


def test_many_cells_are_counted_all() -> None:
    rng = np.random.default_rng(0)
    drug = np.repeat(["dmso", "a"], [6500, 400])
    many = anndata.AnnData(obs=pd.DataFrame({"drug": drug}, index=[f"c{i}" for i in range(6900)]))
    many.obsm["X_pca"] = rng.normal(size=(6900, 2)) + (drug == "a")[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # what a fit by batches says of itself
        maps: Any = fit_conditions(
            many, condition="drug", control="dmso", estimator=FAST, held_out=0.0
        )
    model = maps.model("a")
    assert len(model.samples_.x) < 6500  # a random part is kept
    assert maps.table()["n_source"].tolist() == [6500]
    table = maps.ranked_changes("a", features="representation")
    width = (table["upper"] - table["effect"]).to_numpy()
    np.testing.assert_allclose(width, 1.96 * np.sqrt(1 / 6500 + 1 / 400), rtol=0.15)


def test_a_dask_cluster_of_two_workers_fits_the_same_maps(cells: Any, maps: Any) -> None:
    distributed = pytest.importorskip("distributed", reason="needs the extra cluster")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the cluster's own, of sockets and event loops
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, dashboard_address=None
            ) as cluster,
            distributed.Client(cluster),
            joblib.parallel_config(backend="dask"),
        ):
            spread = fit_conditions(cells, condition="drug", control="dmso", estimator=FAST)
    assert spread.pairs == maps.pairs
    for condition in spread.conditions:
        np.testing.assert_allclose(
            spread.predict(cells, condition).X, maps.predict(cells, condition).X, atol=1e-5
        )


def test_batches_of_the_control_are_weighted_as_in_the_condition(cells: Any) -> None:
    shares = cells.copy()
    shares.obs["plate"] = "p1"
    shares.obs.loc[shares.obs_names[:20], "plate"] = "p2"  # a third of the control
    shares.obs.loc[shares.obs_names[60:66], "plate"] = "p2"  # a tenth of "up"
    shares.obs.loc[shares.obs_names[66:70], "plate"] = "only up"
    maps: Any = fit_conditions(
        shares,
        condition="drug",
        control="dmso",
        batch="plate",
        conditions=["up"],
        estimator=FAST,
        held_out=0.0,
    )
    samples = maps.model("up").samples_
    assert samples.weights_x[:20].sum() == pytest.approx(6 / 56)
    assert len(samples.y) == 56
    shares.obs.loc[shares.obs["drug"] == "up", "plate"] = "elsewhere"
    with pytest.raises(ValueError, match=r"no entry of .*'plate'.* has cells of dmso and of up"):
        fit_conditions(shares, condition="drug", control="dmso", batch="plate", conditions=["up"])


def test_pairs_need_no_control(cells: Any) -> None:
    pairs = [("up", "down"), ("dmso", "down")]
    maps: Any = fit_conditions(cells, condition="drug", pairs=pairs, estimator=FAST)
    assert maps.pairs == tuple(pairs)
    with pytest.raises(ValueError, match="has several maps"):
        maps.predict(cells, "down")
    assert maps.predict(cells, ("up", "down")).n_obs == cells.n_obs
    written = cells.copy()
    assert maps.write_to(written) == ["X_pca_up_to_down", "X_pca_dmso_to_down"]
    assert maps.similarity().columns.tolist() == ["up to down", "dmso to down"]


def test_conditions_may_be_numbers() -> None:
    doses = screen()
    doses.obs["dose"] = np.repeat([0, 1, 10], 60)
    maps: Any = fit_conditions(doses, condition="dose", control=0, estimator=FAST)  # type: ignore[arg-type]
    assert maps.conditions == ("1", "10")
    assert "0 -> 1, 10" in repr(maps)
    assert maps.predict(doses, "10").n_obs == 180


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"condition": "dose"}, r"'dose' is no column of adata.obs"),
        ({"control": "DMSO"}, r"'DMSO' is no entry of .*'dmso', 'down', 'up'"),
        ({"control": None}, "control is not given"),
        ({"conditions": ["left"]}, "'left' is no entry"),
        ({"conditions": []}, "nothing is to be fitted"),
        ({"pairs": [("up", "down")]}, "leave control"),
        ({"use_rep": "X_umap"}, r"not in adata; there is: X, obsm/X_pca"),
        ({"held_out": 1.0}, "held_out = 1.0"),
        ({"adata": np.eye(3)}, "must be an AnnData object"),
    ],
)
def test_wrong_calls_say_what_there_is(cells: Any, change: Any, message: str) -> None:
    arguments = {"adata": cells, "condition": "drug", "control": "dmso", **change}
    with pytest.raises(ValueError, match=message):
        fit_conditions(arguments.pop("adata"), **arguments)


def test_batches_are_aligned_to_the_reference() -> None:
    data = screen(seed=1)
    data.obs["donor"] = np.where(np.arange(len(data)) % 2, "a", "b")
    shifted = (data.obs["donor"] == "b").to_numpy()
    truth = data.obsm["X_pca"].copy()
    data.obsm["X_pca"][shifted] = truth[shifted] * 1.5 + 4
    maps = align(data, batch="donor", reference="a", estimator=FAST)
    aligned = data.obsm["X_pca_aligned"]
    np.testing.assert_array_equal(aligned[~shifted], truth[~shifted])
    before = np.abs(data.obsm["X_pca"] - truth)[shifted].mean()
    assert np.abs(aligned - truth)[shifted].mean() < 0.2 * before
    assert maps.pairs == (("b", "a"),)
    with pytest.raises(ValueError, match="view"):
        align(data[:20], batch="donor")
