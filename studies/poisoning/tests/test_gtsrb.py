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

ONE_PART = '{"size": 16, "crop": "roi", "partial": "", "parts": {"test": {"sha256": "", "n": 2}}}'


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
        (
            "00000_00000.ppm;24",
            "00000_00000.ppm;wide",
            r"line 2: expected a name and 7 whole numbers",
        ),
        (";7\n", ";43\n", r"class 43 is not in 0..42"),
        (";7\n", ";8\n", r"class 8 in the folder of another class"),
        ("00000_00000.ppm", "first.ppm", r"not called track_frame.ppm"),
        ("00000_00000.ppm", "\u00b2_00000.ppm", r"not called track_frame.ppm"),
        ("00000_00000.ppm", "00000_../a.ppm", r"line 2: .* is not the name of a file"),
        ("00000_00001.ppm", "00000_00000.ppm", r"lists 00000_00000.ppm 2 times"),
        (";18;16;7", "", r"line 2: expected a name and 7 whole numbers, found 00000_00000"),
        ("00000_00000.ppm", '"' + 200_000 * "x", r"is no table \(field larger"),
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


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "truncated or no image"),
        (b"P6\n0 0\n255\n", "truncated or no image"),
        (b"P6\n25 22\n255\n" + 99 * b"x", "truncated or no image"),
        (b"P6\n100000 100000\n255\n", "truncated or no image .*exceeds limit"),
        (b"P6\n2500 2200\n255\n", "2500 x 2200 pixels, but its table says 25 x 22"),
        (b"\x89PNG\r\n", "truncated or no image"),
    ],
)
def test_files_that_are_no_pictures(benchmark: Path, content: bytes, message: str) -> None:
    sorted(benchmark.rglob("00007/00001_00001.ppm"))[0].write_bytes(content)
    with pytest.raises(StudyError, match=rf"00001_00001.ppm is {message}"):
        prepare(benchmark, benchmark / "out", size=16, progress=False, partial=True)


def test_folders_that_are_no_classes_and_archives_that_are_files(benchmark: Path) -> None:
    layout = find_layout(benchmark)
    with pytest.raises(StudyError, match="is a file; name the folder of the unpacked archives"):
        find_layout(layout.test_table)
    shutil.copytree(layout.training / "00007", layout.training / "00007 (copy)")
    with pytest.raises(StudyError, match=r"folders 00007 \(copy\) are not called 000NN"):
        read_training(layout)
    for folder in layout.training.iterdir():
        shutil.rmtree(folder)
    with pytest.raises(StudyError, match="holds no folder 000NN of a class"):
        read_training(layout)


def test_zip_files_that_cannot_be_unpacked(benchmark: Path, tmp_path: Path) -> None:
    data, out = tmp_path / "zips", tmp_path / "out"
    data.mkdir()
    archive = Path(shutil.make_archive(str(data / "all"), "zip", benchmark))
    whole = archive.read_bytes()
    # Bits and bytes of the format: 1 in the flags is a password, 97 an unknown method.
    locked, strange = bytearray(whole), bytearray(whole)
    for start, flags, method in ((b"PK\x01\x02", 8, 10), (b"PK\x03\x04", 6, 8)):
        place = whole.find(start)
        while place >= 0:
            locked[place + flags] |= 1
            strange[place + method] = 97
            place = whole.find(start, place + 4)
    for content, message in (
        (whole[:-100], "all.zip is damaged"),
        (b"<html>404</html>", "all.zip is damaged"),
        (b"", "all.zip is damaged"),
        (bytes(locked), "all.zip cannot be unpacked here .*password"),
        (bytes(strange), "all.zip cannot be unpacked here .*method is not supported"),
    ):
        archive.write_bytes(content)
        with pytest.raises(StudyError, match=message):
            prepared_from(data, out, size=16, crop="roi", partial=True)


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
    for content in ("{", "[]", '{"parts": {}}', '{"parts": {"test": 3}}', ONE_PART):
        (out / "manifest.json").write_text(content)
        with pytest.raises(StudyError, match=r"manifest.json (is damaged|lacks entries).*again"):
            load_prepared(out)
    (out / "test.json").write_text("{")  # a damaged note is only written again
    prepare(benchmark, out, size=16, progress=False, partial=True)
    assert len(load_prepared(out)["test"]) == 2
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file/below"):
        with pytest.raises(StudyError, match="file is a file; name a folder"):
            prepare(benchmark, place, size=16, progress=False, partial=True)
    for size in (7, 1025):
        with pytest.raises(StudyError, match="size must be from 8 to 1024 pixels"):
            prepare(benchmark, out, size=size, progress=False, partial=True)


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
