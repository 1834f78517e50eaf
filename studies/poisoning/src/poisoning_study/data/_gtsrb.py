"""The German Traffic Sign Recognition Benchmark as it lies on disk, in both layouts in use."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from poisoning_study.errors import StudyError

N_CLASSES = 43
#: Images of each class of the official training set; 39,209 in all.
# fmt: off
TRAINING_COUNTS = (
    210, 2220, 2250, 1410, 1980, 1860, 420, 1440, 1410, 1470, 2010, 1320, 2100, 2160, 780,
    630, 420, 1110, 1200, 210, 360, 330, 390, 510, 270, 1500, 600, 240, 540, 270,
    450, 780, 240, 689, 420, 1200, 390, 210, 2070, 300, 360, 240, 240,
)
# fmt: on
#: Images of the official test set.
TEST_COUNT = 12_630
_COLUMNS = ("Filename", "Width", "Height", "Roi.X1", "Roi.Y1", "Roi.X2", "Roi.Y2", "ClassId")
_WHERE = (
    "Download GTSRB_Final_Training_Images.zip, GTSRB_Final_Test_Images.zip and "
    "GTSRB_Final_Test_GT.zip from the benchmark's site and unpack them into one folder."
)


@dataclass(frozen=True)
class Record:
    """One image file of the benchmark.

    Parameters
    ----------
    path : Path
        The .ppm file.
    label : int
        Class, 0 to 42.
    track : int
        `class * 100000 + track` in the training set, -1 in the test set (which has none).
    size : tuple of int
        Width and height that the table states.
    roi : tuple of int
        Left, upper, right and lower corner of the sign, inclusive, in pixels.
    """

    path: Path
    label: int
    track: int
    size: tuple[int, int]
    roi: tuple[int, int, int, int]


@dataclass(frozen=True)
class Layout:
    """Where the parts of one layout lie; see `find_layout`."""

    name: str
    training: Path
    test_images: Path
    test_table: Path


def find_layout(root: Path) -> Layout:
    """Recognise the official archives' layout or torchvision's under `root`.

    Official: `[GTSRB/]Final_Training/Images/000NN/`, `[GTSRB/]Final_Test/Images/`,
    `GT-final_test.csv` beside, above or among the test images. torchvision's:
    `[gtsrb/]GTSRB/Training/000NN/`, `[gtsrb/]GTSRB/Final_Test/Images/`,
    `[gtsrb/]GT-final_test.csv`.

    Raises
    ------
    StudyError
        Nothing there, or a part is missing: names the part and where it was looked for.
    """
    if root.is_file():
        raise StudyError(
            f"{root} is a file; name the folder of the unpacked archives (`run --data` also takes "
            "zip files)."
        )
    if not root.is_dir():
        raise StudyError(f"There is no folder {root}. {_WHERE}")
    for base in (root, root / "GTSRB", root / "gtsrb" / "GTSRB"):
        for name, training in (
            ("official", base / "Final_Training" / "Images"),
            ("torchvision", base / "Training"),
        ):
            if training.is_dir():
                test_images = base / "Final_Test" / "Images"
                if not test_images.is_dir():
                    raise StudyError(f"{training} is there, but {test_images} is missing. {_WHERE}")
                tables = [
                    folder / "GT-final_test.csv" for folder in (base, base.parent, test_images)
                ]
                for table in tables:
                    if table.is_file():
                        return Layout(name, training, test_images, table)
                raise StudyError(
                    "The labels of the test images are missing: no file "
                    + " or ".join(str(table) for table in tables)
                    + ". GT-final_test.test.csv has no labels; unpack GTSRB_Final_Test_GT.zip."
                )
    raise StudyError(
        f"{root} holds neither Final_Training/Images (official archives) nor GTSRB/Training "
        f"(torchvision's layout). {_WHERE}"
    )


def _read_table(table: Path) -> list[dict[str, str]]:
    try:
        text = table.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise StudyError(
            f"{table} is not UTF-8 text ({error}); unpack the archive again."
        ) from None
    # Names in the benchmark's tables are plain: a quotation mark would be part of one.
    reader = csv.DictReader(
        io.StringIO(text, newline=""), delimiter=";", quoting=csv.QUOTE_NONE, strict=True
    )
    try:
        found, rows = tuple(reader.fieldnames or ()), list(reader)
    except csv.Error as error:
        raise StudyError(f"{table} is no table ({error}); unpack the archive again.") from None
    missing = [column for column in _COLUMNS if column not in found]
    if missing:
        raise StudyError(
            f"{table} lacks the columns {', '.join(missing)}; "
            f"it has {', '.join(found) or 'none'}. "
            "Expected is the benchmark's own file, separated by ';'."
        )
    if not rows:
        raise StudyError(f"{table} lists no image; unpack the archive again.")
    times = Counter(row["Filename"] for row in rows)
    name, most = times.most_common(1)[0]
    if most > 1:
        raise StudyError(f"{table} lists {name} {most} times; unpack the archive again.")
    return rows


def _record(table: Path, line: int, row: dict[str, str], folder: Path, track: int) -> Record:
    try:
        label = int(row["ClassId"])
        size = (int(row["Width"]), int(row["Height"]))
        roi = (int(row["Roi.X1"]), int(row["Roi.Y1"]), int(row["Roi.X2"]), int(row["Roi.Y2"]))
    except (TypeError, ValueError):
        shown = ";".join(row[column] or "" for column in _COLUMNS)
        raise StudyError(
            f"{table}, line {line}: expected a name and {len(_COLUMNS) - 1} whole numbers, found "
            f"{shown[:100]}."
        ) from None
    if not 0 <= label < N_CLASSES:
        raise StudyError(f"{table}, line {line}: class {label} is not in 0..{N_CLASSES - 1}.")
    if Path(row["Filename"]).name != row["Filename"]:
        raise StudyError(
            f"{table}, line {line}: {row['Filename']!r} is not the name of a file beside the table."
        )
    return Record(folder / row["Filename"], label, track, size, roi)


def _track_number(name: str, table: Path, line: int) -> int:
    stem = name.partition("_")[0]
    if not (stem.isascii() and stem.isdigit()) or "_" not in name:
        raise StudyError(f"{table}, line {line}: {name!r} is not called track_frame.ppm.")
    return int(stem)


def read_training(layout: Layout) -> list[Record]:
    """Return the training images of a layout, ordered by class, track and frame."""
    folders = sorted(folder for folder in layout.training.glob("[0-9]*") if folder.is_dir())
    if not folders:
        raise StudyError(f"{layout.training} holds no folder 000NN of a class. {_WHERE}")
    strange = [f.name for f in folders if not (f.name.isascii() and f.name.isdigit())]
    if strange:
        raise StudyError(
            f"{layout.training}: the folders {', '.join(strange)} are not called 000NN; take them "
            "away, or unpack the archive again."
        )
    without = [f.name for f in folders if not (f / f"GT-{f.name}.csv").is_file()]
    if without:
        raise StudyError(
            f"{layout.training}: no table GT-000NN.csv in the folders {', '.join(without)}; "
            "unpack the archive again."
        )
    records = []
    for table in (folder / f"GT-{folder.name}.csv" for folder in folders):
        for line, row in enumerate(_read_table(table), start=2):
            track = _track_number(row["Filename"], table, line)
            record = _record(table, line, row, table.parent, track)
            if record.label != int(table.parent.name):
                raise StudyError(
                    f"{table}, line {line}: class {record.label} in the folder of another class."
                )
            unique = record.label * 100_000 + track
            records.append(Record(record.path, record.label, unique, record.size, record.roi))
    return records


def read_test(layout: Layout) -> list[Record]:
    """Return the test images of a layout in the table's order; their tracks are unknown (-1)."""
    rows = _read_table(layout.test_table)
    return [
        _record(layout.test_table, line, row, layout.test_images, -1)
        for line, row in enumerate(rows, start=2)
    ]


def missing_images(training: list[Record], test: list[Record]) -> str:
    """Return in words what differs from the official numbers of images; "" where nothing does.

    Examples
    --------
    >>> missing_images([], [])[:52]
    'training class 0: 0 of 210, training class 1: 0 of 2'
    """
    found = Counter(record.label for record in training)
    wrong = [
        f"training class {label}: {found[label]} of {count}"
        for label, count in enumerate(TRAINING_COUNTS)
        if found[label] != count
    ]
    if len(test) != TEST_COUNT:
        wrong.append(f"test: {len(test)} of {TEST_COUNT}")
    shown = wrong[:5] + [f"and {len(wrong) - 5} more"] * (len(wrong) > 5)
    return ", ".join(shown)
