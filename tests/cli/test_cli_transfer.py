"""The colour transfer on small pictures: every file, and colours that are the other picture's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kernel_ot.cli._grain import without_grain
from kernel_ot.cli._pictures import colours_of, distinct_colours, sample_pictures, to_picture
from kernel_ot.cli._transfer import ColourTransfer, colour_transfer
from kernel_ot.distances import energy_distance


@pytest.fixture(scope="module")
def small() -> dict[str, Any]:
    return {name: picture[::8, ::8] for name, picture in sample_pictures().items()}


@pytest.fixture(scope="module")
def done(small: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> ColourTransfer:
    return colour_transfer(tmp_path_factory.mktemp("demo"), pictures=small, n_pixels=150)


def test_files_hold_what_they_say(done: ColourTransfer, small: dict[str, Any]) -> None:
    summary = json.loads((done.folder / "summary.json").read_text())
    assert summary == done.summary
    assert sorted(path.name for path in done.folder.iterdir()) == sorted(summary["files"])
    for name, picture in done.pictures.items():
        assert picture.shape == small[name].shape
        np.testing.assert_array_equal(
            np.asarray(Image.open(done.folder / f"{name}_mapped.png")), picture
        )
    height, width = small["china"].shape[:2]
    with Image.open(done.folder / "colour_transfer.png") as row:
        assert row.width > 4 * width
        assert row.height > height


def test_summary_is_that_of_the_model(done: ColourTransfer) -> None:
    summary = done.summary
    assert summary["converged"] is True
    assert summary["residual"] <= done.model.tol
    assert summary["wasserstein"] == pytest.approx(np.sqrt(2 * summary["cost"]))
    assert set(summary["seconds"]) == {"read", "fit", "map", "compare", "write", "total"}
    assert str(done.folder) in done.text()


def test_colours_become_the_other_pictures(done: ColourTransfer) -> None:
    for by_map in done.summary["energy_distance"].values():
        assert by_map["without grain"] < 0.5 * by_map["Gaussian map"]
        assert by_map["kernel map"] < 0.5 * by_map["Gaussian map"] < 0.5 * by_map["unchanged"]


def test_every_pixel_is_mapped_by_the_model(done: ColourTransfer, small: dict[str, Any]) -> None:
    pixels = colours_of(small["flower"])[::17]
    expected, _ = to_picture(done.model.inverse_transform(pixels), (-1, 3))
    mapped = done.map_alone["flower"].reshape(-1, 3)[::17]
    assert np.abs(mapped.astype(int) - expected).max() <= 1  # blocks may round differently


def test_distinct_colours_give_the_picture_back(small: dict[str, Any]) -> None:
    colours, rows = distinct_colours(small["china"])
    picture, cut = to_picture(colours[rows], small["china"].shape)
    np.testing.assert_array_equal(picture, small["china"])
    assert cut == 0
    assert to_picture(np.array([[-0.1, 0.5, 1.001]]), (1, 1, 3))[1] == pytest.approx(1 / 3)


def test_grain_goes_and_edges_stay() -> None:
    rng = np.random.default_rng(0)
    picture = np.zeros((40, 40, 3))
    picture[:, 20:] = 0.8  # an edge
    mapped = 1 - picture + rng.normal(scale=0.05, size=picture.shape)
    finished = without_grain(picture, mapped)
    assert np.std(finished[:, :14]) < 0.02
    assert np.abs(finished.mean(axis=(0, 2)) - (1 - picture[0, :, 0])).max() < 0.03


def test_energy_distance_of_normal_shift() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2000, 1)), rng.normal(size=(2000, 1))
    assert abs(energy_distance(x, y)) < 2e-3
    # 2 E|N(1, 2)| - 2 E|N(0, 2)|, from the mean of a folded normal distribution
    assert energy_distance(x, y + 1) == pytest.approx(0.5418, abs=0.05)


def test_wrong_pictures_are_refused(small: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="pass two of shape"):
        colour_transfer(tmp_path, pictures={"china": small["china"]})
    with pytest.raises(ValueError, match="n_pixels = 5000 is more than half of the 4320 pixels"):
        colour_transfer(tmp_path, pictures=small, n_pixels=5000)
