"""Tiny data sets that tests share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from poisoning_study import StudyError
from poisoning_study.data import ImageSet, render
from poisoning_study.torch_setup import require_torch

HEADER = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId"


def pytest_configure() -> None:
    try:
        require_torch()
    except StudyError as error:
        pytest.exit(str(error), returncode=4)


def _picture(path: Path, width: int, height: int, colour: tuple[int, int, int]) -> str:
    """Write a picture whose region of interest has `colour` on black; return its table entry."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[5 : height - 5, 5 : width - 5] = colour
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return f"{path.name};{width};{height};5;5;{width - 6};{height - 6}"


def write_benchmark(root: Path, layout: str, classes: tuple[int, ...] = (0, 7)) -> Path:
    """Lay out a tiny benchmark: 4 tracks of 3 frames a class, one test image a class."""
    base = root if layout == "official" else root / "GTSRB"
    training = base / ("Final_Training/Images" if layout == "official" else "Training")
    for label in classes:
        lines = [HEADER]
        for track in range(4):
            for frame in range(3):
                path = training / f"{label:05d}" / f"{track:05d}_{frame:05d}.ppm"
                colour = (20 * label, 50 + track, 100)
                lines.append(_picture(path, 24 + frame, 22, colour) + f";{label}")
        (training / f"{label:05d}" / f"GT-{label:05d}.csv").write_text("\n".join(lines) + "\n")
    lines = [HEADER]
    for index, label in enumerate(classes):
        path = base / "Final_Test/Images" / f"{index:05d}.ppm"
        lines.append(_picture(path, 20, 26, (20 * label, 50, 100)) + f";{label}")
    # The archive's own table without labels lies beside the images and must not be taken for it.
    (base / "Final_Test/Images/GT-final_test.test.csv").write_text(HEADER.removesuffix(";ClassId"))
    (root / "GT-final_test.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(params=["official", "torchvision"])
def benchmark(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write_benchmark(tmp_path / "archive", str(request.param))


@pytest.fixture(scope="session")
def signs() -> ImageSet:
    return render(classes=range(4), tracks=6, frames=2, size=32, seed=0, pool="tests")
