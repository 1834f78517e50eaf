"""The command line end to end: files in, files and numbers out, one line an error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from kernel_ot import KernelOT, __version__
from kernel_ot.cli._app import app
from kernel_ot.io import Table, read_table, write_table

FAST = [*("--filling", "pairs", "--n-fill", "40", "--bandwidth", "2"), *("--reg-sos", "1e-3")]
runner = CliRunner()


def call(*arguments: object, code: int = 0) -> Any:
    result = runner.invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 2)), 3 + 2 * rng.normal(size=(50, 2))
    write_table(folder / "x.csv", Table(x, ("ERK", "area"), tuple(f"cell {i}" for i in range(60))))
    write_table(folder / "y.csv", Table(y, ("ERK", "area")))
    write_table(folder / "x32.npy", Table(x.astype(np.float32)))
    call("fit", folder / "x.csv", folder / "y.csv", "--out", folder / "model", *FAST)
    return folder


def test_fit_prints_and_saves_the_model(files: Path, tmp_path: Path) -> None:
    out = tmp_path / "again"
    result = call("fit", files / "x.csv", files / "y.csv", "--out", out, *FAST, "--json")
    summary = json.loads(result.stdout)
    assert "%" not in result.stderr  # no bar where stderr is no terminal
    assert "warning: The potentials violate their constraint" in result.stderr
    assert summary["converged"] is True
    assert summary["status"] == "CONVERGED"
    assert summary["filling_points"] == 40
    assert summary["reg_sos"] == 1e-3
    model = KernelOT.load(out)
    assert summary["cost"] == pytest.approx(model.cost_)
    assert summary["wasserstein"] == pytest.approx(np.sqrt(2 * model.cost_))
    described = json.loads(call("info", out, "--json").stdout)
    assert {name: summary[name] for name in described if name != "model"} == {
        name: value for name, value in described.items() if name != "model"
    }


def test_transform_both_ways(files: Path, tmp_path: Path) -> None:
    model = KernelOT.load(files / "model")
    result = call("transform", files / "model", files / "x.csv", "--out", tmp_path / "t.csv")
    assert "60" in result.stdout
    there = read_table(tmp_path / "t.csv")
    x = read_table(files / "x.csv")
    np.testing.assert_allclose(there.values, model.transform(x.values), rtol=1e-12)
    assert there.feature_names == ("ERK", "area")
    assert there.row_names == x.row_names
    call("transform", files / "model", files / "y.csv", "--out", tmp_path / "b.npy", "--inverse")
    back = read_table(tmp_path / "b.npy").values
    expected = model.inverse_transform(read_table(files / "y.csv").values)
    np.testing.assert_allclose(back, expected, rtol=1e-12)


def test_float32_stays_float32(files: Path, tmp_path: Path) -> None:
    call("transform", files / "model", files / "x32.npy", "--out", tmp_path / "t.mat:T")
    assert read_table(f"{tmp_path}/t.mat:T").values.dtype == np.float32


def test_bars_on_request_only_on_stderr(files: Path, tmp_path: Path) -> None:
    call_ = ("transform", files / "model", files / "x.csv", "--out", tmp_path / "t.npy", "--json")
    result = call(*call_, "--progress")
    assert "map: 100%" in result.stderr
    json.loads(result.stdout)
    out = tmp_path / "m"
    result = call("fit", files / "x.csv", files / "y.csv", "--out", out, *FAST, "--progress")
    assert "residual" in result.stderr
    assert "100%" in result.stderr


def test_unfinished_solve_is_saved_and_said(files: Path, tmp_path: Path) -> None:
    arguments = ("fit", files / "x.csv", files / "y.csv", "--out", tmp_path / "m", *FAST)
    result = call(*arguments, "--max-iter", 1, "--json")
    assert json.loads(result.stdout)["status"] == "MAX_ITERATIONS"
    assert "warning" in result.stderr
    assert "max_iter" in result.stderr
    assert (tmp_path / "m").exists()


def test_interrupt_exits_with_130(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(path: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(KernelOT, "load", interrupted)
    assert "interrupted" in call("info", files / "model", code=130).stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit", "none.csv", "y.csv", "--out", "m2"], "none.csv does not exist"),
        (["fit", "x.csv", "y.csv", "--out", "no/m2"], "make the folder no first"),
        (["fit", "x.csv", "swapped.csv", "--out", "m2"], "has the feature 'ERK' where"),
        (["fit", "x.csv", "y.csv", "--out", "m2", "--reg-sos", "-1"], "reg_sos"),
        (["fit", "x.csv", "y.csv", "--out", "m2", "--method", "magic", *FAST], "magic"),
        (["transform", "x.csv", "y.csv", "--out", "t.npy"], "x.csv"),
        (["transform", "model", "swapped.csv", "--out", "t.npy"], "has the feature 'ERK' where"),
        (["transform", "model", "three.npy", "--out", "t.npy"], "3"),
        (["transform", "model", "x.csv", "--out", "t.xlsx"], "use one of .npy"),
        (["info", "absent"], "absent"),
    ],
)
def test_errors_are_one_line(
    files: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(files)
    write_table("swapped.csv", Table(np.eye(3)[:, :2], ("area", "ERK")))
    write_table("three.npy", Table(np.eye(3)))
    result = call(*arguments, code=1)
    assert result.stdout == ""
    assert result.stderr.startswith("kernel-ot: error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    assert not (files / "m2").exists()


@pytest.mark.parametrize(
    "arguments",
    [["fit", "x.csv"], ["nonsense"], ["fit", "x.csv", "y.csv", "--out", "m", "--n-fill", "many"]],
)
def test_wrong_calls_exit_with_2(arguments: list[str]) -> None:
    assert len(call(*arguments, code=2).stderr) > 0


def test_a_bug_is_named_as_one(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: object) -> None:
        raise RuntimeError("oops")

    monkeypatch.setattr(KernelOT, "load", broken)
    stderr = call("info", files / "model", code=1).stderr
    assert "RuntimeError: oops (a bug; KERNEL_OT_TRACEBACK=1 shows where" in stderr


def test_the_installed_command(files: Path) -> None:
    command = Path(sys.executable).with_name("kernel-ot")
    run = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == f"kernel-ot {__version__}"
    run = subprocess.run([command, "info", files / "model"], capture_output=True, text=True)
    assert run.returncode == 0
    assert "CONVERGED" in run.stdout
    assert run.stderr == ""


@pytest.mark.parametrize(
    ("module", "arguments", "extra"),
    [
        ("PIL", ["demo", "--out", "d"], "demo"),
    ],
)
def test_missing_extra_says_what_to_install(
    tmp_path: Path, module: str, arguments: list[str], extra: str
) -> None:
    program = (
        f"import sys; sys.modules[{module!r}] = None; sys.argv[1:] = {arguments}\n"
        "from kernel_ot.cli import main; main()"
    )
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 1
    assert run.stderr.count("\n") == 1
    assert f"pip install 'kernel-ot[{extra}]'" in run.stderr


def test_a_target_that_cannot_be_written_is_found_before_the_work(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(*_: object) -> None:
        raise AssertionError("the work has begun")

    monkeypatch.setattr(KernelOT, "fit", too_late)
    monkeypatch.setattr(KernelOT, "load", too_late)
    (tmp_path / "link").symlink_to(files / "model")
    (tmp_path / "link.npy").symlink_to(files / "x32.npy")
    for target in ("/dev/null", tmp_path, tmp_path / "no" / "m", tmp_path / "link"):
        fitted = call("fit", files / "x.csv", files / "y.csv", "--out", target, code=1)
        assert "cannot be written" in fitted.stderr
    for target in (tmp_path / "link.npy", tmp_path / "no" / "t.npy", tmp_path / "t.mat:1x"):
        call("transform", files / "model", files / "x.csv", "--out", target, code=1)
    call("demo", "--out", files / "model", code=1)
    (tmp_path / "summary.json").symlink_to(files / "model")
    assert "symbolic link" in call("demo", "--out", tmp_path, code=1).stderr


def test_transform_asks_before_it_replaces_and_never_replaces_an_input(
    files: Path, tmp_path: Path
) -> None:
    model, x = tmp_path / "m.kot", tmp_path / "x.npy"
    model.write_bytes((files / "model").read_bytes())
    write_table(x, read_table(files / "x.csv"))
    before = x.read_bytes()
    (tmp_path / "hard.npy").hardlink_to(x)
    for out in (x, tmp_path / "." / "x.npy", tmp_path / "hard.npy"):
        stderr = call("transform", model, x, "--out", out, "--overwrite", code=1).stderr
        assert "inputs are never written over" in stderr
    assert "never" in call("fit", x, x, "--out", x, *FAST, code=1).stderr
    assert x.read_bytes() == before
    out = tmp_path / "t.npy"
    call("transform", model, x, "--out", out)
    first = out.read_bytes()
    out.write_bytes(b"old")
    assert "--overwrite" in call("transform", model, x, "--out", out, code=1).stderr
    assert out.read_bytes() == b"old"
    call("transform", model, x, "--out", out, "--overwrite")
    assert out.read_bytes() == first


@pytest.mark.parametrize("variable", ["X_pca", "obsm/X_pca", "X", "raw"])
def test_transform_of_cells_keeps_all_that_was_there(
    files: Path, tmp_path: Path, variable: str
) -> None:
    anndata = pytest.importorskip("anndata", reason=".h5ad files need the extra single-cell")
    rng = np.random.default_rng(1)
    cells = anndata.AnnData(rng.normal(size=(8, 2)))
    cells.var_names = ["ERK", "area"]
    cells.obs["kind"] = [f"k{i}" for i in range(8)]
    cells.obsm["X_pca"], cells.obsm["umap"] = rng.normal(size=(2, 8, 2))
    cells.layers["raw"] = rng.normal(size=(8, 2))
    source = tmp_path / "c.h5ad"
    cells.write_h5ad(source)
    before = source.read_bytes()
    stderr = call(
        *("transform", files / "model", f"{source}:{variable}", "--out", source, "--overwrite"),
        code=1,
    ).stderr
    assert "never written over" in stderr
    assert source.read_bytes() == before
    images = KernelOT.load(files / "model").transform(read_table(f"{source}:{variable}").values)
    arguments = ("transform", files / "model", f"{source}:{variable}", "--out")
    for out, place in (("copy.h5ad", variable), ("more.h5ad:mapped", "mapped")):
        call(*arguments, tmp_path / out)
        file = tmp_path / out.partition(":")[0]
        np.testing.assert_allclose(read_table(f"{file}:{place}").values, images)
        copy = anndata.read_h5ad(file)
        assert copy.obs["kind"].tolist() == cells.obs["kind"].tolist()
        for kept in {"X", "X_pca", "umap", "raw"} - {place.rpartition("/")[2]}:
            old, new = (read_table(f"{name}:{kept}").values for name in (source, file))
            np.testing.assert_array_equal(new, old)


def test_reports_and_models_replace_nothing_else(files: Path, tmp_path: Path) -> None:
    data, model = tmp_path / "measured.csv", files / "model"
    data.write_bytes((files / "x.csv").read_bytes())
    before = data.read_bytes()
    assert "no page (HTML)" in call("report", model, "--out", data, code=1).stderr
    refused = call("fit", files / "x.csv", files / "y.csv", "--out", data, *FAST, code=1)
    assert "no kernel-ot model; name another" in refused.stderr
    assert data.read_bytes() == before
    page = tmp_path / "page.html"
    for _ in range(2):  # the second replaces the first
        call("report", model, "--out", page)
