"""What a screen is asked: metrics, changed features, similar conditions, figures; real cells."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.stats

from kernel_ot import KernelOT
from kernel_ot.cells import ConditionMaps, fit_conditions
from kernel_ot.kernels import Gaussian

FAST = KernelOT(kernel=Gaussian(1.5), reg_potential=1e-2)
FOUR_I = Path(__file__).parents[3] / "shared" / "data" / "4i"


def shifted_cells() -> Any:
    """Return a control and three drugs: two shift alike, the third the other way."""
    rng = np.random.default_rng(0)
    drug = np.repeat(["dmso", "a", "b", "c"], 100)
    shift = np.select([drug == "a", drug == "b", drug == "c"], [3.0, 2.5, -3.0])
    points = rng.normal(size=(400, 3))
    points[:, 0] += shift
    obs = pd.DataFrame({"drug": drug}, index=[f"c{i}" for i in range(400)])
    return anndata.AnnData(points, obs=obs, var=pd.DataFrame(index=["g0", "g1", "g2"]))


@pytest.fixture(scope="module")
def cells() -> Any:
    return shifted_cells()


@pytest.fixture(scope="module")
def maps(cells: Any) -> ConditionMaps:
    return fit_conditions(cells, condition="drug", control="dmso", use_rep="X", estimator=FAST)


def test_held_out_metrics_are_between_nothing_and_real_cells(maps: Any) -> None:
    table: Any = maps.evaluate()
    assert len(table) == 3 * 5
    by_method = table.set_index(["condition", "method"])
    for condition in maps.conditions:
        energy = by_method.loc[condition]["energy_distance"]
        assert energy["transport"] < 0.2 * energy["no change"]
        assert energy["transport"] < 3 * energy["real cells"]
        mmd = by_method.loc[condition]["mmd"]
        assert mmd["transport"] < 0.5 * mmd["no change"]
        assert by_method.loc[(condition, "transport"), "correlation_changes"] > 0.95
        assert np.isnan(by_method.loc[(condition, "no change"), "correlation_changes"])
    held = [held.names for held in maps.held_out.values()]
    assert [len(names) for names in held] == [20, 20, 20, 20]
    fitted = maps.model("a").samples_.x
    for point in maps.held_out["dmso"].points:
        assert not (fitted == point).all(axis=1).any()


def test_metrics_need_cells_that_were_held_out(cells: Any) -> None:
    maps: Any = fit_conditions(
        cells,
        condition="drug",
        control="dmso",
        use_rep="X",
        conditions=["a"],
        held_out=0.0,
        estimator=FAST,
    )
    with pytest.raises(ValueError, match=r"held_out=0\.2"):
        maps.evaluate()


def test_changed_features_come_with_intervals_and_adjusted_p(maps: Any) -> None:
    table: Any = maps.ranked_changes("a")
    assert table["feature"][0] == "g0"
    first = table.iloc[0]
    assert first["lower"] < 3.0 < first["upper"]
    assert first["adjusted_p"] < 1e-20
    assert (table["lower"] <= table["effect"]).all()
    samples = maps.model("a").samples_
    error = np.sqrt(sum(s.var(axis=0, ddof=1) / len(s) for s in (samples.x, samples.y)))
    found = table.set_index("feature").loc[["g0", "g1", "g2"]]
    width = scipy.stats.norm.ppf(0.975) * error
    np.testing.assert_allclose(found["upper"] - found["effect"], width, rtol=1e-9)
    expected = scipy.stats.false_discovery_control(table["p_value"])
    np.testing.assert_allclose(table["adjusted_p"], expected)
    mean_gap = samples.y.mean(axis=0) - samples.x.mean(axis=0)
    np.testing.assert_allclose(found["effect"], mean_gap, atol=0.15)
    narrow = maps.ranked_changes("a", level=0.5).iloc[0]
    assert first["lower"] < narrow["lower"] < narrow["effect"]
    with pytest.raises(ValueError, match="No loadings"):
        maps.ranked_changes("a", features="genes")


def test_conditions_that_act_alike_are_close(maps: Any) -> None:
    table: Any = maps.similarity()
    assert table.index.tolist() == ["dmso", "a", "b", "c"]
    np.testing.assert_allclose(table, table.T)
    np.testing.assert_array_equal(np.diag(table), 0)
    assert table.loc["a", "b"] < 1 < table.loc["a", "c"]
    assert table.loc["dmso", "a"] == pytest.approx(3.0, abs=0.4)


def test_figures_name_what_they_show(maps: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ax = maps.plot_similarity()
    order = [label.get_text() for label in ax.get_yticklabels()]
    assert abs(order.index("a") - order.index("b")) == 1
    ax.figure.canvas.draw()
    drawn = maps.plot_prediction("a")
    legend = [text.get_text() for text in drawn.get_legend().get_texts()]
    assert legend == ["dmso", "a", "dmso predicted as a"]

    class Plane:  # UMAP compiles for a minute
        def __init__(self, **settings: Any) -> None:
            assert settings["random_state"] == 0

        def fit_transform(self, points: Any) -> Any:
            return points[:, :2]

    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=Plane))
    drawn = maps.plot_prediction("a", basis="umap")
    sizes = [len(group.get_offsets()) for group in drawn.collections]
    assert sizes == [20, 20, 20]
    np.testing.assert_allclose(
        drawn.collections[0].get_offsets(), maps.held_out["dmso"].points[:, :2]
    )
    with pytest.raises(ValueError, match="basis = 'tsne'"):
        maps.plot_prediction("a", basis="tsne")


@pytest.mark.filterwarnings("ignore:Maps with warnings")  # 76 cells for 50 components
def test_real_blood_cells_that_ship_with_scanpy() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of scanpy's imports and an old file
        import scanpy

        cells = scanpy.datasets.pbmc68k_reduced()
    maps: Any = fit_conditions(
        cells,
        condition="bulk_labels",
        control="Dendritic",
        conditions=["CD14+ Monocyte", "CD19+ B"],
    )
    assert len(maps.representation.genes) == 309  # those that entered the PCA
    table: Any = maps.evaluate(cells).set_index(["condition", "method"])
    for condition in maps.conditions:
        energy = table.loc[condition]["energy_distance"]
        assert energy["transport"] < 0.3 * energy["no change"]
        assert table.loc[(condition, "transport"), "correlation_changes"] > 0.85
    genes = maps.ranked_changes("CD19+ B").head(15)["feature"].tolist()
    assert {"CD79A", "CD79B"} & set(genes)  # markers of B cells
    predicted = maps.predict(cells[cells.obs["bulk_labels"] == "Dendritic"], "CD19+ B")
    assert predicted.X.shape == (240, 765)
    gained = predicted[:, "CD79A"].X.mean() - cells[predicted.obs_names, "CD79A"].X.mean()
    assert gained > 0.5


def test_real_4i_cells_between_treatments() -> None:
    if not FOUR_I.is_dir():
        pytest.skip("the 4i cells are not part of the package")
    drugs = ("erlotinib", "trametinib", "trametinib_erlotinib")
    tables = [scipy.io.loadmat(FOUR_I / f"{drug}.mat")["X"][:250] for drug in drugs]
    obs = pd.DataFrame({"drug": np.repeat(drugs, 250)}, index=[f"c{i}" for i in range(750)])
    cells = anndata.AnnData(np.concatenate(tables), obs=obs)
    with pytest.warns(UserWarning, match="trametinib: 1 of the 200 rows"):  # one far cell
        maps: Any = fit_conditions(
            cells, condition="drug", pairs=[(drugs[0], drugs[1]), (drugs[0], drugs[2])], use_rep="X"
        )
    table: Any = maps.evaluate().set_index(["condition", "method"])["energy_distance"]
    for condition in table.index.levels[0]:
        assert table[condition, "transport"] < table[condition, "no change"]
