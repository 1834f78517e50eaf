"""The command line on files as people have them, in processes of their own."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from kernel_ot import KernelOT
from kernel_ot.cli._app import app
from kernel_ot.io import read_table

FAST = [*("--filling", "pairs", "--n-fill", "40", "--bandwidth", "2"), *("--reg-sos", "1e-3")]
runner = CliRunner()


def call(*arguments: object, code: int = 0) -> Any:
    result = runner.invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


def process(*arguments: object, folder: Path, stdin: bytes = b"", code: int = 0) -> Any:
    """Run `python -m kernel_ot` as a shell would."""
    run = subprocess.run(
        [sys.executable, "-m", "kernel_ot", *map(str, arguments)],
        cwd=folder,
        input=stdin,
        capture_output=True,
        timeout=120,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    assert run.returncode == code, run.stderr.decode()
    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two samples in the dialects of several programs, and a model."""
    folder = tmp_path_factory.mktemp("Meßwerte März 2026")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 2)), 3 + 2 * rng.normal(size=(50, 2))
    names = ["größe", "fläche (µm²)"]
    before = pd.DataFrame(x, columns=names, index=[f"Zelle {i}" for i in range(60)])
    after = pd.DataFrame(y, columns=names)
    before.to_csv(folder / "vorher, roh.csv", sep=";", decimal=",", encoding="utf-8-sig",
                  lineterminator="\r\n", index_label="barcode")  # fmt: skip
    after.to_csv(folder / "après.csv.gz", index=False)
    before.to_parquet(folder / "vorher.parquet")
    before.assign(größe=before["größe"].where(before.index != "Zelle 3")).to_csv(
        folder / "gaps.csv"
    )
    after.assign(id=range(7, 57))[["id", *names]].to_csv(folder / "ids.csv", index=False)
    process("fit", "vorher, roh.csv", "après.csv.gz", "--out", "modèle.kot", *FAST, folder=folder)
    return folder


def test_semicolons_commas_marks_gzip_accents_and_spaces(folder: Path) -> None:
    model = KernelOT.load(folder / "modèle.kot")
    assert model.feature_names_in_.tolist() == ["größe", "fläche (µm²)"]
    assert len(model.samples_.x) == 60
    assert len(model.samples_.y) == 50
    process("transform", "modèle.kot", "vorher.parquet", "--out", "nachher.parquet", folder=folder)
    back = pd.read_parquet(folder / "nachher.parquet")
    assert back.columns.tolist() == ["index", "größe", "fläche (µm²)"]
    assert back["index"][0] == "Zelle 0"
    source = read_table(folder / "vorher, roh.csv")
    images = model.transform(source.values)
    np.testing.assert_allclose(back.iloc[:, 1:], images, rtol=1e-9)


def test_tables_flow_through_pipes(folder: Path) -> None:
    text = (folder / "vorher, roh.csv").read_bytes()
    run = process("transform", "modèle.kot", "-", "--out", "-", folder=folder, stdin=text)
    lines = run.stdout.decode().splitlines()
    assert lines[0] == ",größe,fläche (µm²)"
    assert len(lines) == 61
    assert "source to target" in run.stderr.decode()  # the summary leaves stdout to the table
    packed = gzip.compress(text)
    again = process("transform", "modèle.kot", "-", "--out", "-", folder=folder, stdin=packed)
    assert again.stdout == run.stdout


def test_missing_values_are_counted_and_dropped_when_asked(folder: Path) -> None:
    arguments = ("transform", folder / "modèle.kot", folder / "gaps.csv", "--out", "-")
    refused = call(*arguments, code=1)
    assert "in 1 of 60 rows, by column: größe (1); the first is in 'Zelle 3'" in refused.stderr
    assert "--drop-missing" in refused.stderr
    dropped = call(*arguments, "--drop-missing")
    assert len(dropped.stdout.splitlines()) == 60
    assert "warning" in dropped.stderr


def test_identifiers_are_asked_for(folder: Path) -> None:
    arguments = ("distance", folder / "après.csv.gz", folder / "ids.csv", "--no-transport")
    asked = call(*arguments, code=1).stderr
    assert "--index id" in asked
    assert "damaged" not in asked
    assert "no column" in call(*arguments, "--index", "id", code=1).stderr
    other = folder / "named.csv"
    other.write_text(gzip.decompress((folder / "après.csv.gz").read_bytes()).decode())
    result = json.loads(call("distance", other, other, "--no-transport", "--json").stdout)
    assert result["energy_distance"] == pytest.approx(0, abs=1e-9)


def test_distance_and_test_between_two_files(folder: Path) -> None:
    pair = (folder / "vorher.parquet", folder / "après.csv.gz")
    result = json.loads(call("distance", *pair, "--json").stdout)
    x, y = (read_table(file).values for file in pair)
    assert result["wasserstein"] == pytest.approx(KernelOT().fit(x, y).wasserstein_)
    assert result["energy_distance"] > 1
    different = json.loads(call("test", *pair, "--permutations", 99, "--json").stdout)
    assert different["p_value"] == pytest.approx(0.01)
    same = json.loads(call("test", pair[0], pair[0], "--json").stdout)
    assert same["p_value"] > 0.5
    assert "n_permutations" in call("test", *pair, "--permutations", 0, code=1).stderr


def test_summary_and_report_of_a_saved_model(folder: Path, tmp_path: Path) -> None:
    model, pair = folder / "modèle.kot", (folder / "vorher.parquet", folder / "après.csv.gz")
    expected = str(KernelOT.load(model).summary(*(read_table(file).values for file in pair)))
    assert call("summary", model, *pair).stdout.strip() == expected.strip()
    plain = json.loads(call("summary", model, *pair, "--json").stdout)
    assert plain["evaluated_on"] == "fresh samples"
    assert expected.startswith(plain["verdict"][:60])
    page = tmp_path / "page.html"
    assert str(page) in call("report", model, "--out", page).stdout
    assert page.read_text().lower().startswith("<!doctype html>")
    assert "come in pairs" in call("summary", model, pair[0], code=1).stderr
    assert "never written over" in call("report", model, *pair, "--out", pair[0], code=1).stderr
    table = pd.DataFrame(read_table(pair[0]).values).add_prefix("f")
    swapped = [tmp_path / "x.csv", tmp_path / "y.csv"]
    table.to_csv(swapped[0], index=False)
    table[table.columns[::-1]].to_csv(swapped[1], index=False)
    assert "into the same order" in call("summary", model, *swapped, code=1).stderr


def cells_file(path: Path) -> Any:
    rng = np.random.default_rng(0)
    drug = np.repeat(["dmso", "a", "b"], 40)
    obs = pd.DataFrame({"drug": drug}, index=[f"c{i}" for i in range(120)])
    obs["cell type"] = np.where(np.arange(120) % 4, "T", "B")
    shift = np.select([drug == "a", drug == "b"], [2.0, -2.0])
    cells = anndata.AnnData(rng.normal(size=(120, 3)) + shift[:, None], obs=obs)
    cells.obsm["X_pca"] = np.asarray(cells.X)[:, :2].copy()
    cells.write_h5ad(path)
    return cells


def test_a_screen_leaves_maps_predictions_tables_and_a_report(tmp_path: Path) -> None:
    cells_file(tmp_path / "cells.h5ad")
    arguments = (
        *("screen", "cells.h5ad", "--condition", "drug", "--control", "dmso", "--rep", "X_pca"),
        *("--out", "screen of drugs", "--where", "`cell type` == 'T'", "--json"),
    )
    run = process(*arguments, folder=tmp_path)
    assert json.loads(run.stdout)["conditions"] == "a, b"
    out = tmp_path / "screen of drugs"
    names = {file.name for file in out.iterdir()}
    tables = {"maps.csv", "similarity.csv", "evaluation.csv", "changes.csv"}
    assert names == {"maps", "predictions.h5ad", "report.html"} | tables
    predictions = anndata.read_h5ad(out / "predictions.h5ad")
    assert predictions.n_obs == 30  # the control's T cells
    assert set(predictions.obsm) >= {"X_pca", "X_pca_to_a", "X_pca_to_b"}
    assert set(pd.read_csv(out / "changes.csv")["condition"]) == {"a", "b"}
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("<img ") == 3
    assert "http" not in page.replace("http://www.w3.org", "")
    stamps = {file: file.stat().st_mtime_ns for file in (out / "maps").glob("*.kot")}
    again = call(
        *("screen", tmp_path / "cells.h5ad", "--condition", "drug", "--control", "dmso"),
        *("--out", out, "--where", "`cell type` == 'T'"),
    )
    assert "a, b" in again.stdout
    assert {file: file.stat().st_mtime_ns for file in (out / "maps").glob("*.kot")} == stamps


def test_a_screen_of_something_else_is_refused(folder: Path, tmp_path: Path) -> None:
    named = ("--condition", "drug", "--control", "dmso", "--out", tmp_path / "out")
    for file, message in ((folder / "gaps.csv", "cannot be read as a .h5ad"), ("no", "not exist")):
        assert message in call("screen", file, *named, code=1).stderr
    assert not (tmp_path / "out").exists()


def test_images_are_added_to_the_file_they_come_from_when_asked(tmp_path: Path) -> None:
    cells = cells_file(tmp_path / "c.h5ad")
    file, model = tmp_path / "c.h5ad", tmp_path / "m.kot"
    where = ("--where", "drug == 'dmso'")
    call("fit", f"{file}:X_pca", f"{file}:X_pca", "--out", model, *where, *FAST)
    assert len(KernelOT.load(model).samples_.x) == 40
    target = ("transform", model, f"{file}:X_pca", "--out", f"{file}:X_pca_pred")
    assert "never written over" in call(*target, code=1).stderr
    call(*target, "--overwrite", *where)
    after = anndata.read_h5ad(file)
    np.testing.assert_array_equal(after.X, cells.X)
    images = after.obsm["X_pca_pred"]
    control = (after.obs["drug"] == "dmso").to_numpy()
    assert np.isnan(images[~control]).all()
    expected = KernelOT.load(model).transform(cells.obsm["X_pca"][control])
    np.testing.assert_allclose(images[control], expected)
    for bad in (f"{file}:X_pca", f"{file}:X", f"{file}:obsm/X_pca"):
        overwritten = ("transform", model, f"{file}:X_pca", "--out", bad, "--overwrite")
        assert "never written over" in call(*overwritten, code=1).stderr
    subset = tmp_path / "subset.h5ad"
    call("transform", model, f"{file}:X_pca", "--out", subset, *where)
    assert anndata.read_h5ad(subset).n_obs == 40


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("dose > 1", "has the columns drug, cell type"),
        ("drug == 'c'", "No row of obs"),
        ("drug ==", "cannot be read"),
        ("drug", "not true or false"),
        ("@x > 1", "uses @"),
    ],
)
def test_conditions_that_mean_nothing_are_explained(
    tmp_path: Path, where: str, message: str
) -> None:
    cells_file(tmp_path / "c.h5ad")
    arguments = ("test", f"{tmp_path}/c.h5ad:X_pca", f"{tmp_path}/c.h5ad:X_pca")
    assert message in call(*arguments, "--where", where, code=1).stderr


def test_conditions_on_the_columns_of_a_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{i},{i % 3}.5\n" for i in (3, 1, 7, 9)))
    table = read_table(tmp_path / "t.csv", where="a > 2 and b < 2")
    assert table.values.tolist() == [[3, 0.5], [7, 1.5], [9, 0.5]]
    assert table.rows is not None
    assert table.rows.tolist() == [0, 2, 3]


def test_colours_of_own_pictures_of_different_size(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, shape, base in (("Straße 1.png", (40, 60), 60), ("b.jpg", (50, 30), 150)):
        pixels = np.clip(base + 40 * rng.normal(size=(*shape, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
    out = tmp_path / "out"
    arguments = ("--out", out, "--pixels", 150, "--max-size", 50, "--json")
    summary = json.loads(
        call("transfer", tmp_path / "Straße 1.png", tmp_path / "b.jpg", *arguments).stdout
    )
    energy = summary["energy_distance"]["Straße 1"]
    assert energy["kernel map"] < 0.3 * energy["unchanged"]
    with Image.open(out / "Straße 1_mapped.png") as mapped:
        assert mapped.size == (50, 33)
    missing = call("transfer", tmp_path / "c.jpg", tmp_path / "b.jpg", "--out", out, code=1)
    assert "c.jpg does not exist" in missing.stderr
    (tmp_path / "words.jpg").write_text("no picture")
    broken = call("transfer", tmp_path / "words.jpg", tmp_path / "b.jpg", "--out", out, code=1)
    assert "cannot be read as a picture" in broken.stderr


def test_every_option_says_what_it_means_and_its_default() -> None:
    for command in app.registered_commands:
        if command.name is None:
            continue
        text = " ".join(call(command.name, "--help").stdout.split())
        assert text.count("--") > 1, command.name
    fit = " ".join(call("fit", "--help").stdout.split())
    for option in ("--tol", "--max-iter", "--reg-potential", "--filling", "--seed", "--header"):
        described = fit[fit.index(f"{option} ") :] if option != "--header" else fit
        assert "[default: " in described[: described.find(" --", 5)] or option == "--header"
    assert "--install-completion" in call("--help").stdout


def test_completion_knows_the_commands(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "kernel_ot"],
        env={
            **os.environ,
            "_KERNEL_OT_COMPLETE": "complete_bash",
            "COMP_WORDS": "kernel-ot sc",
            "COMP_CWORD": "1",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.stdout.split() == ["screen"]


def test_the_command_needs_no_extra(tmp_path: Path) -> None:
    """`pip install kernel-ot` alone gives a class that fits and a command that runs."""
    for name, shift in (("x", 0), ("y", 1)):
        points = np.random.default_rng(shift).normal(size=(30, 2)) + shift
        np.savetxt(tmp_path / f"{name}.csv", points, delimiter=",", header="a,b", comments="")
    extras = ("pandas", "polars", "pyarrow", "anndata", "matplotlib", "jax", "ot", "PIL", "h5py")
    program = f"""
import sys
class Missing:  # None in sys.modules would break SciPy's own look for JAX
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {extras}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
from kernel_ot.cli import main
for arguments in (["fit", "x.csv", "y.csv", "--out", "m.kot", "--bandwidth", "2", "--reg-potential",
                   "1e-2"], ["transform", "m.kot", "x.csv", "--out", "t.csv"]):
    sys.argv[1:] = arguments
    try:
        main()
    except SystemExit as ending:
        assert not ending.code, ending.code
"""
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert read_table(tmp_path / "t.csv").feature_names == ("a", "b")
