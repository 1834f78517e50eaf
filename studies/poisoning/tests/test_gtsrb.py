from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from conftest import HEADER, write_benchmark
from poisoning_study import StudyError
from poisoning_study.data import (
    digest_of,
    find_layout,
    load_prepared,
    prepare,
    prepared_from,
    read_manifest,
    read_test,
    read_training,
)


def test_both_layouts_are_read(benchmark: Path) -> None:
    layout = find_layout(benchmark)
    records = read_training(layout)
    assert [record.label for record in records] == [0] * 12 + [7] * 12
    assert len({record.track for record in records}) == 8
    assert records[1].size == (25, 22)
    assert records[1].roi == (5, 5, 19, 16)
    assert all(record.path.is_file() for record in records)
    assert [(r.label, r.track) for r in read_test(layout)] == [(0, -1), (7, -1)]


def test_a_folder_above_the_archive_is_recognised(tmp_path: Path) -> None:
    write_benchmark(tmp_path / "GTSRB", "official")
    assert find_layout(tmp_path).name == "official"


def test_missing_parts_are_named(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"no folder .*nowhere.*Download"):
        find_layout(tmp_path / "nowhere")
    with pytest.raises(StudyError, match="neither Final_Training/Images"):
        find_layout(tmp_path)
    root = write_benchmark(tmp_path / "archive", "official")
    (root / "GT-final_test.csv").unlink()
    with pytest.raises(StudyError, match=r"labels of the test images are missing"):
        find_layout(root)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (HEADER, HEADER.replace(";ClassId", ""), r"lacks the columns ClassId"),
        (HEADER, HEADER.replace(";", ","), r"separated by ';'"),
        ("00000_00000.ppm;24", "00000_00000.ppm;wide", r"line 2: expected whole numbers"),
        (";7\n", ";43\n", r"class 43 is not in 0..42"),
        (";7\n", ";8\n", r"class 8 in the folder of another class"),
        ("00000_00000.ppm", "first.ppm", r"not called track_frame.ppm"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    root = write_benchmark(tmp_path, "official")
    table = root / "Final_Training/Images/00007/GT-00007.csv"
    table.write_text(table.read_text().replace(old, new))
    with pytest.raises(StudyError, match=message):
        read_training(find_layout(root))


def test_prepared_images_are_the_regions(benchmark: Path, tmp_path: Path) -> None:
    prepare(benchmark, tmp_path / "out", size=16, progress=False, partial=True)
    loaded = load_prepared(tmp_path / "out")
    train = loaded["train"]
    assert train.images.shape == (24, 16, 16, 3)
    assert train.n_classes == 43
    # The black border is outside the region, so nothing of it may be left.
    expected = np.array([20 * 7, 50 + 3, 100])
    assert (train.images[-1] == expected).all()
    assert loaded["test"].labels.tolist() == [0, 7]


def test_the_original_crop_keeps_the_border(benchmark: Path, tmp_path: Path) -> None:
    prepare(benchmark, tmp_path / "out", size=16, crop="square", progress=False, partial=True)
    assert (load_prepared(tmp_path / "out")["train"].images[:, 0, 0] < 30).all()


def test_an_interrupted_prepare_continues(benchmark: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    broken = sorted(benchmark.rglob("00007/00002_00001.ppm"))[0]
    whole = broken.read_bytes()
    broken.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StudyError, match=r"00002_00001.ppm is truncated"):
        prepare(benchmark, out, size=16, progress=False, partial=True)
    with pytest.raises(StudyError, match=r"no manifest.json.*continues"):
        load_prepared(out)
    finished = out / "train-00.npz"
    before = finished.stat().st_mtime_ns
    assert not list(out.glob(".*"))
    broken.write_bytes(whole)
    prepare(benchmark, out, size=16, progress=False, partial=True)
    assert finished.stat().st_mtime_ns == before
    assert len(load_prepared(out)["train"]) == 24


def test_other_settings_prepare_anew(benchmark: Path, tmp_path: Path) -> None:
    prepare(benchmark, tmp_path / "out", size=16, progress=False, partial=True)
    prepare(benchmark, tmp_path / "out", size=24, progress=False, partial=True)
    assert load_prepared(tmp_path / "out")["train"].images.shape[1] == 24


def test_a_changed_part_is_noticed(benchmark: Path, tmp_path: Path) -> None:
    prepare(benchmark, tmp_path / "out", size=16, progress=False, partial=True)
    part = tmp_path / "out/train-07.npz"
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(StudyError, match=r"train-07.npz is missing or changed"):
        load_prepared(tmp_path / "out")


def test_images_that_contradict_their_table(benchmark: Path, tmp_path: Path) -> None:
    table = sorted(benchmark.rglob("GT-00000.csv"))[0]
    table.write_text(table.read_text().replace(";5;5;18;16;0", ";5;5;99;16;0", 1))
    with pytest.raises(StudyError, match="not inside the image"):
        prepare(benchmark, tmp_path / "out", progress=False, partial=True)
    table.write_text(table.read_text().replace("00000_00000.ppm;24", "00000_00000.ppm;30"))
    with pytest.raises(StudyError, match="24 x 22 pixels, but its table says 30 x 22"):
        prepare(benchmark, tmp_path / "out", progress=False, partial=True)


def test_other_numbers_of_images_than_the_official_ones_are_refused(
    benchmark: Path, tmp_path: Path
) -> None:
    with pytest.raises(StudyError, match=r"class 0: 12 of 210.*and \d+ more.*--partial"):
        prepare(benchmark, tmp_path / "out", size=16, progress=False)
    prepare(benchmark, tmp_path / "out", size=16, progress=False, partial=True)
    assert read_manifest(tmp_path / "out")["partial"].startswith("training class 0: 12 of 210")


def test_a_class_without_its_table_is_named(benchmark: Path) -> None:
    sorted(benchmark.rglob("GT-00007.csv"))[0].unlink()
    with pytest.raises(StudyError, match=r"no table GT-000NN.csv in the folders 00007"):
        read_training(find_layout(benchmark))


def test_damaged_tables_and_manifests_are_explained(benchmark: Path, tmp_path: Path) -> None:
    layout = find_layout(benchmark)
    whole = layout.test_table.read_text()
    layout.test_table.write_text(HEADER + "\n")
    with pytest.raises(StudyError, match="lists no image"):
        read_test(layout)
    layout.test_table.write_bytes(b"\xff\xfe\x00" + whole.encode())
    with pytest.raises(StudyError, match="not UTF-8"):
        read_test(layout)
    layout.test_table.write_text(whole)
    out = tmp_path / "out"
    prepare(benchmark, out, size=16, progress=False, partial=True)
    for content in ("{", "[]", '{"parts": {}}', '{"parts": {"test": 3}}'):
        (out / "manifest.json").write_text(content)
        with pytest.raises(StudyError, match=r"manifest.json (is damaged|lacks entries).*again"):
            load_prepared(out)
    (out / "test.json").write_text("{")  # a damaged note is only written again
    prepare(benchmark, out, size=16, progress=False, partial=True)
    assert len(load_prepared(out)["test"]) == 2
    (tmp_path / "file").write_text("")
    with pytest.raises(StudyError, match="is a file; name a folder"):
        prepare(benchmark, tmp_path / "file", size=16, progress=False, partial=True)


def test_the_digest_follows_the_pictures_and_not_the_folder(
    benchmark: Path, tmp_path: Path
) -> None:
    digests = {}
    for name, crop in (("one", "roi"), ("two", "roi"), ("three", "square")):
        prepare(benchmark, tmp_path / name, size=16, crop=crop, progress=False, partial=True)
        digests[name] = digest_of(read_manifest(tmp_path / name))
    assert digests["one"] == digests["two"] != digests["three"]


def test_zipped_archives_are_unpacked_once(benchmark: Path, tmp_path: Path) -> None:
    data, out = tmp_path / "zips", tmp_path / "out"
    data.mkdir()
    shutil.make_archive(str(data / "all"), "zip", benchmark)
    first = prepared_from(data, out, size=16, crop="roi", partial=True)
    assert len(load_prepared(first)["train"]) == 24
    assert prepared_from(data, out, size=16, crop="roi", partial=True) == first
    assert prepared_from(first, out, size=16, crop="roi", partial=True) == first
    (data / "all.zip").write_bytes(b"PK")
    with pytest.raises(StudyError, match=r"all.zip is damaged"):
        prepared_from(data, out, size=16, crop="roi", partial=True)
