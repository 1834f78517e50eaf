"""Damaged and forged model files: a ValueError with the reason, or the very model."""

from __future__ import annotations

import copy
import json
import shutil
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers import read_model_file
from kernel_ot import KernelOT
from kernel_ot._arrays import Array
from kernel_ot.diagnostics import CautionWarning
from kernel_ot.estimator import _model_file
from kernel_ot.estimator._model_file import read_archive, write_archive
from kernel_ot.kernels import Gaussian

Change = Callable[[dict[str, Any], dict[str, Array]], None]
X = np.random.default_rng(0).normal(size=(14, 2))
Y = np.random.default_rng(1).normal(size=(12, 2)) + 1


@pytest.fixture(scope="module", params=["pairs", "adaptive"])
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = KernelOT(kernel=Gaussian(1.0), reg_potential=1e-2, filling=request.param)
    if request.param == "pairs":
        model.set_params(n_fill=10, reg_potential=10.0)
    file = tmp_path_factory.mktemp("models") / f"{request.param}.kot"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CautionWarning)  # ten fixed points are few
        model.fit(X, Y).save(file)
    return file


def forged(saved: Path, file: Path, change: Change) -> Path:
    """Write what `change` makes of a model, with a digest that is right."""
    header, arrays = copy.deepcopy(read_model_file(saved))
    change(header, arrays)
    del header["arrays"]
    write_archive(file, header, arrays)
    return file


def test_every_byte_that_matters_is_guarded(saved: Path, tmp_path: Path) -> None:
    whole = saved.read_bytes()
    images = KernelOT.load(saved).transform(X)
    rng = np.random.default_rng(2)
    file = tmp_path / "damaged.kot"
    directory = zipfile.ZipFile(saved).start_dir
    places = [*rng.integers(0, len(whole), 150), *rng.integers(directory, len(whole), 150)]
    refused = 0
    for place in places:
        content = bytearray(whole)
        content[place] ^= int(rng.integers(1, 256))
        file.write_bytes(content)
        try:
            model = KernelOT.load(file)
        except ValueError as error:
            assert str(file) in str(error)  # noqa: PT017 - either outcome is right
            refused += 1
        else:  # a time stamp of the archive, or another field that says nothing
            np.testing.assert_array_equal(model.transform(X), images)
            assert np.any(model.solution_.multiplier) == ("pairs" in saved.name)
    assert refused > 150


def test_any_missing_array_is_missed(saved: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(saved) as archive:
        names = archive.namelist()
    for left_out in names:
        file = tmp_path / "less.kot"
        with zipfile.ZipFile(saved) as old, zipfile.ZipFile(file, "w") as new:
            for name in names:
                if name != left_out:
                    new.writestr(name, old.read(name))
        with pytest.raises(ValueError, match=r"digest|no header|lacks"):
            KernelOT.load(file)


def test_every_array_of_another_shape_or_content_is_refused(saved: Path, tmp_path: Path) -> None:
    changes: list[Callable[[Array], Array]] = [
        lambda a: a[:-1],
        lambda a: a[..., None],
        lambda a: a[:0],
        lambda a: np.full_like(a, np.nan),
        lambda a: a.astype(np.float32),
        lambda a: a.astype(complex),
    ]
    for name in read_archive(saved)[1]:
        for make in changes:
            file = forged(saved, tmp_path / "m.kot", lambda _, a: a.update({name: make(a[name])}))  # noqa: B023
            with pytest.raises(ValueError, match="is not a whole kernel-ot model: its"):
                KernelOT.load(file)


@pytest.mark.parametrize("name", ["gamma", "x_fill", "x", "root"])
def test_a_point_that_is_not_the_solution_is_not_called_so(
    saved: Path, tmp_path: Path, name: str
) -> None:
    def change(header: dict[str, Any], arrays: dict[str, Array]) -> None:
        arrays[name] = 1.5 * arrays[name]

    with pytest.raises(ValueError, match=r"it claims|root"):
        KernelOT.load(forged(saved, tmp_path / "m.kot", change))


def test_a_root_that_is_no_longer_that_of_its_inverse_is_refused(
    saved: Path, tmp_path: Path
) -> None:
    def change(_: dict[str, Any], arrays: dict[str, Array]) -> None:
        arrays["root"][0, 0] += 1e-5

    with pytest.raises(ValueError, match="its inverse_root is not the inverse of its root"):
        KernelOT.load(forged(saved, tmp_path / "m.kot", change))


@pytest.mark.parametrize("name", ["cost", "objective"])
def test_a_forged_number_is_refused(saved: Path, tmp_path: Path, name: str) -> None:
    def change(header: dict[str, Any], arrays: dict[str, Array]) -> None:
        header["solution"][name] += 0.1

    with pytest.raises(ValueError, match=f"it claims the {name}"):
        KernelOT.load(forged(saved, tmp_path / "m.kot", change))


def test_a_stop_that_is_called_converged_is_refused(tmp_path: Path) -> None:
    model = KernelOT(kernel=Gaussian(1.0), reg_potential=1e-2, filling="pairs", n_fill=10)
    with pytest.warns(UserWarning, match="max_iter"):
        model.set_params(max_iter=1, method="ssn").fit(X, Y)
    model.save(tmp_path / "stopped.kot")
    assert KernelOT.load(tmp_path / "stopped.kot").solution_.status.name == "MAX_ITERATIONS"

    def change(header: dict[str, Any], arrays: dict[str, Array]) -> None:
        header["solution"]["status"] = "CONVERGED"

    with pytest.raises(ValueError, match="it claims CONVERGED"):
        KernelOT.load(forged(tmp_path / "stopped.kot", tmp_path / "m.kot", change))


def _save_as_before(file: Path, header: str, arrays: dict[str, Any]) -> None:
    with file.open("wb") as stream:
        np.savez(stream, header=np.array(header), **arrays)


def _nested(depth: int) -> Any:
    value: Any = "end"
    for _ in range(depth):
        value = [value]
    return value


def test_any_header_is_refused_with_a_reason(saved: Path, tmp_path: Path) -> None:
    header = read_archive(saved)[0]
    required = header.keys() - {"arrays", "filling", "random_state", "candidates", "rounds"}
    values = [None, {}, [], "x", -1, 10**400, _nested(400)]
    cases = [(name, value) for name in required for value in values]
    cases += [(name, {"a": 1}) for name in ("candidates", "rounds", "filling")]
    harmless: list[tuple[str, Any]] = [
        ("feature_names", []),
        ("feature_names", None),
        ("feature_names", {}),
    ]
    harmless += [("kernel_ot_version", value) for value in values]
    harmless += [("parameters", {}), ("verdict", None)]
    for name, value in cases:
        if (name, value) not in harmless:
            file = forged(saved, tmp_path / "m.kot", lambda h, _: h.update({name: value}))  # noqa: B023
            try:
                KernelOT.load(file)
            except ValueError as error:
                assert str(file) in str(error)  # noqa: PT017 - the case is named below
            else:
                pytest.fail(f"{name} = {value!r:.60} was loaded")


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{}", "[]", "nul", '{"format": "kernel-ot model"}']
)
def test_text_that_is_no_header_is_refused(saved: Path, tmp_path: Path, text: str) -> None:
    file = tmp_path / "m.kot"
    _save_as_before(file, text, read_archive(saved)[1])
    with pytest.raises(ValueError, match="is not a whole kernel-ot model"):
        KernelOT.load(file)


def test_a_small_file_cannot_ask_for_much_memory(saved: Path, tmp_path: Path) -> None:
    file = tmp_path / "bomb.kot"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", b"\0" * 50_000_000)
    with pytest.raises(ValueError, match="promises more bytes than it has"):
        KernelOT.load(file)
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 1000), }".ljust(117)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\1\0" + struct.pack("<H", 118) + header + b"\n")
    with pytest.raises(ValueError, match=r"'x' is not as long as its shape \(1000000000, 1000\)"):
        KernelOT.load(file)


def test_a_model_that_does_not_fit_into_memory_is_refused_unread(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_small(n_bytes: float, **_: str) -> None:
        assert n_bytes >= saved.stat().st_size
        raise _model_file.damaged(saved, "no memory")

    monkeypatch.setattr(_model_file, "require_memory", too_small)
    with pytest.raises(ValueError, match="no memory"):
        KernelOT.load(saved)


def test_a_model_that_is_replaced_while_it_is_read_is_read_whole(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.kot"
    shutil.copy(saved, path)
    rng = np.random.default_rng(3)
    other = KernelOT(Gaussian(1.0), reg_potential=1e-2)
    other.fit(rng.normal(size=(60, 3)), rng.normal(size=(60, 3)))
    # Another process puts a longer file in its place once this one has been opened.
    monkeypatch.setattr(
        "kernel_ot.estimator._model_file.require_memory", lambda *_, **__: other.save(path)
    )
    assert KernelOT.load(path).n_features_in_ == KernelOT.load(saved).n_features_in_
    monkeypatch.undo()
    assert KernelOT.load(path).n_features_in_ == 3


def test_what_is_no_file_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no file"):
        KernelOT.load(tmp_path)
    with pytest.raises(ValueError, match="is no file"):
        KernelOT.load("/dev/null")


def test_models_of_the_first_format_are_loaded_if_they_are_true(
    saved: Path, tmp_path: Path
) -> None:
    header, arrays = read_model_file(saved)
    header["format_version"] = 1
    del header["arrays"]
    file = tmp_path / "old.kot"
    _save_as_before(file, json.dumps(header), arrays)
    np.testing.assert_array_equal(
        KernelOT.load(file).transform(X), KernelOT.load(saved).transform(X)
    )
    if arrays.pop("multiplier", None) is not None:
        _save_as_before(file, json.dumps(header), arrays)
        with pytest.raises(ValueError, match="it claims CONVERGED with a residual of"):
            KernelOT.load(file)


def test_a_loaded_model_is_saved_as_the_same(saved: Path, tmp_path: Path) -> None:
    KernelOT.load(saved).save(tmp_path / "again.kot")

    first, again = read_archive(saved), read_archive(tmp_path / "again.kot")
    assert first[0]["solution"] == again[0]["solution"]
    assert first[1].keys() == again[1].keys()
    for name, array in first[1].items():
        np.testing.assert_array_equal(array, again[1][name])


@pytest.mark.parametrize("version", [2, 3])
def test_files_that_older_versions_wrote_are_read(version: int) -> None:
    # Default fits of these samples, by the versions of 25 and 27 November before the first release.
    file = Path(__file__).parent / "files" / f"format_{version}.kot"
    x = np.random.default_rng(0).normal(size=(40, 2))
    model = KernelOT.load(file)
    header = read_archive(file)[0]
    assert header["format_version"] == version
    np.testing.assert_array_equal(model.samples_.x, x)
    np.testing.assert_allclose(model.transform(x), np.exp(x) + 1, atol=1.0)
    assert model.cost_ == pytest.approx(7.8, abs=0.2)
    # By the residual of format 2 it had converged; by today's it is at 3e-7.
    claimed = header["solution"]["status"]
    assert (claimed, model.solution_.status.name) in {
        2: [("CONVERGED", "NO_PROGRESS")],
        3: [(claimed, claimed)],
    }[version]
    assert (model.solution_.residual <= model.tol) == model.solution_.converged


def test_a_file_with_entropic_potentials_of_one_part_is_read() -> None:
    # A default fit by the version of 28 November before parts; its images were noted then.
    model = KernelOT.load(Path(__file__).parent / "files" / "format_4.kot")
    assert [reg for reg, _ in model.combination_.entropic] == [0.1]
    assert len(model.entropic_) == 1
    there = model.transform(np.array([[0.5, -1.0]]))
    back = model.inverse_transform(np.array([[2.0, 3.0]]))
    np.testing.assert_allclose(there, [[2.34943399, 1.25461534]], atol=1e-7)
    np.testing.assert_allclose(back, [[-0.02018348, 0.50441669]], atol=1e-7)
