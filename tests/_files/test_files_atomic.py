"""The old file or the new one, whole; through the writer itself and through all that use it."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kernel_ot import KernelOT
from kernel_ot._files import atomic_path, check_destination
from kernel_ot.cli._pictures import write_figure, write_png
from kernel_ot.io import Table, write_table
from kernel_ot.kernels import Gaussian

Writer = Callable[[Path], object]
NAMES = {
    "table": "t.npy",
    "text table": "t.csv",
    "model": "m.kot",
    "report": "r.html",
    "picture": "p.png",
    "figure": "f.png",
}


def _write_figure(path: Path) -> Path:
    from matplotlib.figure import Figure

    return write_figure(path, Figure())


@pytest.fixture(scope="module")
def writers() -> dict[str, Writer]:
    rng = np.random.default_rng(0)
    model = KernelOT(kernel=Gaussian(1.0), reg_potential=1e-2)
    model.fit(rng.normal(size=(12, 2)), rng.normal(size=(12, 2)))
    table = Table(np.eye(3))
    return {
        "table": lambda path: write_table(path, table),
        "text table": lambda path: write_table(path, table),
        "model": model.save,
        "report": model.report,
        "picture": lambda path: write_png(path, np.zeros((2, 2, 3), dtype=np.uint8)),
        "figure": _write_figure,
    }


@pytest.mark.parametrize("kind", NAMES)
def test_every_writer_refuses_links_devices_and_folders(
    writers: dict[str, Writer], tmp_path: Path, kind: str
) -> None:
    target, link = tmp_path / "target", tmp_path / f"link{Path(NAMES[kind]).suffix}"
    target.write_text("kept")
    link.symlink_to(target)
    with pytest.raises(ValueError, match=r"symbolic link to .*target; name the file itself"):
        writers[kind](link)
    assert link.is_symlink()
    assert target.read_text() == "kept"
    link.unlink()
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="symbolic link"):
        writers[kind](link)
    assert not (tmp_path / "nowhere").exists()
    link.unlink()
    os.mkfifo(link)
    with pytest.raises(ValueError, match="a device, a pipe or a socket"):
        writers[kind](link)
    assert stat.S_ISFIFO(link.stat().st_mode)
    link.unlink()
    link.mkdir()
    with pytest.raises(ValueError, match="it is a folder"):
        writers[kind](link)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([link.name, "target"])


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_every_writer_keeps_the_mode_of_what_it_replaces(
    writers: dict[str, Writer], tmp_path: Path, kind: str, mode: int
) -> None:
    file = tmp_path / NAMES[kind]
    file.write_text("old")
    file.chmod(mode)
    writers[kind](file)
    assert stat.S_IMODE(file.stat().st_mode) == mode
    assert file.read_bytes() != b"old"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("kind", NAMES)
def test_every_writer_leaves_the_old_file_when_the_disk_is_full(
    writers: dict[str, Writer], tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / NAMES[kind]
    file.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        writers[kind](file)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_device_is_refused() -> None:
    with pytest.raises(ValueError, match=r"/dev/null cannot be written: it is a device"):
        check_destination("/dev/null")


def test_what_may_not_be_written_is_said_beforehand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "old.txt"
    file.write_text("old")
    # The tests may run as the administrator, who may write everywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    with pytest.raises(PermissionError, match=r"the folder .* is read-only; choose another"):
        check_destination(tmp_path / "new.txt")
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) == tmp_path)
    with pytest.raises(PermissionError, match="it is read-only; choose another name"):
        check_destination(file)


def test_a_new_file_has_the_mode_that_any_new_file_has(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    with atomic_path(tmp_path / "atomic") as temporary:
        temporary.write_text("")
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_half_of_a_private_file_is_private(tmp_path: Path) -> None:
    file = tmp_path / "private.txt"
    file.write_text("old")
    file.chmod(0o600)
    with atomic_path(file) as temporary:
        temporary.write_text("half")
        assert stat.S_IMODE(temporary.stat().st_mode) == 0o600


def test_a_link_that_appears_meanwhile_is_refused(tmp_path: Path) -> None:
    file, target = tmp_path / "file", tmp_path / "target"

    def write() -> None:
        with atomic_path(file) as temporary:
            temporary.write_text("new")
            file.symlink_to(target)

    with pytest.raises(ValueError, match="symbolic link"):
        write()
    assert list(tmp_path.iterdir()) == [file]


def test_temporaries_of_killed_processes_go_with_the_next_write(tmp_path: Path) -> None:
    file = tmp_path / "model.kot"
    left, running = tmp_path / "left", tmp_path / "running"
    for copy in (left, running):
        with atomic_path(file) as temporary:
            temporary.write_text("")
            os.link(temporary, copy)
            copy.rename(tmp_path / f"{temporary.name[:-8]}{copy.name}.kot")
    hour_ago = time.time() - 4000
    os.utime(next(tmp_path.glob(".*left.kot")), (hour_ago, hour_ago))
    with atomic_path(tmp_path / "other.kot") as temporary:
        temporary.write_text("")
    assert len(list(tmp_path.glob(".kernel-ot-*"))) == 2  # not of this file
    with atomic_path(file) as temporary:
        temporary.write_text("")
    assert [p.name[-11:] for p in tmp_path.glob(".kernel-ot-*")] == ["running.kot"]


@pytest.mark.parametrize("name", ["T.NPY", "t.Npz", "t.MAT", "n" * 250, "a." + "b" * 200])
def test_unusual_names_are_written(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    if Path(name).suffix.lower() in (".npy", ".npz", ".mat"):
        write_table(file, Table(np.eye(3)))
    else:
        with atomic_path(file) as temporary:
            temporary.write_text("some")
    assert file.stat().st_size > 0
    assert list(tmp_path.iterdir()) == [file]
