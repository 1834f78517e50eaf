"""Tiny data sets that tests share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from poisoning_study import StudyError
from poisoning_study.cli import main
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


TRAINING = "{ epochs = 1, batch_size = 16, learning_rate = 1e-2, weight_decay = 1e-4 }"
SIZES = "\n".join(
    f"{pool} = {{ tracks = 5, frames = 2 }}"
    for pool in ("train", "test", "trusted", "reference", "auxiliary")
)
FILES = {
    "study": f"""
name = "Tiny study"
seeds = [0, 1]
[data]
size = 32
classes = 2
unreplaced_classes = 1
{SIZES}
[encoders]
training = {TRAINING}
[reference]
backbone = "small/residual"
training = {TRAINING}
[detection]
components = 2
permutations = 19
flagged_share = 0.2
filling_points = 20
reg_sos = 1e-2
reg_potential = 1e-2
[poisons.game]
objective = "adversarial"
alpha = 10
surrogates = ["small/residual"]
epochs = 1
features = [4, 4, 4, 4, 4, 4]
[poisons.blocks]
title = "blocks of colour"
objective = "class-blocks"
radius = 16
[poisons.untouched]
objective = "none"
[victims.scratch]
backbone = "small/residual"
training = {TRAINING}
[victims.published]
backbone = "small/residual"
style = "frozen"
as_published = true
training = {TRAINING}
""",
    "1-table": """
title = "As published"
question = "What happens?"
table_1 = true
poisons = ["game", "untouched"]
fractions = [0, 0.1, 0.5, 1]
victims = ["published"]
loader = "as-published"
""",
    "2-victims": """
title = "Defended"
question = "Does it help?"
poisons = ["blocks"]
fractions = [0, 0.5, 1]
victims = ["scratch"]
defences = ["none", "grey", "cutout", "filter by energy distance"]
""",
    "3-smaller": """
title = "Smaller"
question = "Fewer images?"
poisons = ["blocks"]
fractions = [0.5]
victims = ["scratch"]
fate = "remove"
""",
    "4-detection": """
title = "Noticed"
question = "Would one notice?"
kind = "detection"
poisons = ["blocks"]
fractions = [0, 0.5]
""",
    "5-pictures": """
title = "Seen"
question = "Is it visible?"
kind = "pictures"
poisons = ["game", "blocks"]
seeds = [0]
""",
}


FILES["6-matrix"] = """
title = "Matrix"
question = "Which attack, which defence?"
kind = "matrix"
poisons = ["blocks"]
fractions = [0, 1]
victims = ["scratch"]
defences = ["none", "grey"]
"""


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return configurations and output of a study that was run to its end."""
    folder = tmp_path_factory.mktemp("study")
    configs, out = folder / "configs", folder / "out"
    configs.mkdir()
    for name, content in FILES.items():
        (configs / f"{name}.toml").write_text(content)
    assert main(["run", str(configs), "--out", str(out), "--workers", "1"]) == 0
    return configs, out
