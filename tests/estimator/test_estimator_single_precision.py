"""float32 points: images are float32 where that holds them, float64 or an error where not."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

from kernel_ot import KernelOT
from kernel_ot.kernels import Gaussian, Polynomial
from kernel_ot.pipeline import make_two_sample_pipeline
from kernel_ot.potentials import KernelExpansion

Array = np.ndarray
X, Y = np.random.default_rng(0).normal(size=(2, 60, 2))
SINGLE = X.astype(np.float32)


@cache
def fitted(unit: float = 1.0, offset: float = 0.0) -> KernelOT:
    return KernelOT(Gaussian(1.5), reg_potential=1e-2).fit(SINGLE, Y * unit + offset)


@pytest.mark.parametrize(
    ("unit", "offset"), [(1e60, 0.0), (1e30, 0.0), (1e-50, 0.0), (1.0, 1e9), (1e25, 1e26)]
)
def test_images_beyond_float32_are_float64(unit: float, offset: float) -> None:
    model = fitted(unit, offset)
    images = model.transform(SINGLE)
    assert images.dtype == np.float64
    np.testing.assert_allclose(images, model.transform(SINGLE.astype(float)), rtol=1e-12)
    expected = fitted().transform(SINGLE.astype(float)) * unit + offset
    np.testing.assert_allclose(images / unit, expected / unit, rtol=1e-5, atol=1e-5)
    for values in (model.potentials_.u(SINGLE), model.potentials_.gradient_u(SINGLE)):
        assert values.dtype == np.float64
        assert np.isfinite(values).all()


def test_images_that_float32_holds_stay_float32() -> None:
    for unit, offset in ((1.0, 0.0), (1e6, 0.0), (1e-6, 0.0), (1.0, 1e3)):
        assert fitted(unit, offset).transform(SINGLE).dtype == np.float32


def test_a_point_whose_image_float32_cannot_hold_is_refused() -> None:
    far = np.array([[3e38, 0.0]], dtype=np.float32)
    steep = fitted(1e3)
    assert steep.transform(SINGLE).dtype == np.float32
    with pytest.raises(ValueError, match=r"float32, the type of points, .* pass points\.astype"):
        steep.transform(far)
    assert np.isfinite(steep.transform(far.astype(float))).all()
    square = KernelExpansion(Polynomial(2, 0.0), np.ones((1, 1)), np.ones(1))
    with pytest.raises(ValueError, match=r"float32, the type of points"):
        square(np.full((1, 1), 1e25, dtype=np.float32))


def test_files_and_dask_arrays_of_float32_say_what_they_become(tmp_path: Path) -> None:
    da = pytest.importorskip("dask.array")
    np.save(tmp_path / "x.npy", SINGLE)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    for unit, dtype in ((1.0, np.float32), (1e60, np.float64)):
        model = fitted(unit)
        images = model.transform(SINGLE)
        assert images.dtype == dtype
        np.testing.assert_array_equal(model.transform(mapped), images)
        written = model.transform(mapped, out=tmp_path / "images.npy")
        np.testing.assert_array_equal(written, images)
        lazy = model.transform(da.from_array(SINGLE, chunks=(20, 2)))
        assert lazy.dtype == lazy.compute().dtype == dtype


def test_images_are_never_written_over_their_points(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    for points in (tmp_path / "x.npy", np.load(tmp_path / "x.npy", mmap_mode="r")):
        with pytest.raises(ValueError, match="is the file of the points; give another"):
            fitted().transform(points, out=tmp_path / "x.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), X)


def test_a_pipeline_of_float32_computes_in_float64() -> None:
    for table in (SINGLE, pd.DataFrame(SINGLE, columns=["a", "b"])):
        y = Y * 1e60 if table is SINGLE else pd.DataFrame(Y * 1e60, columns=["a", "b"])
        pipeline = make_two_sample_pipeline(StandardScaler(), KernelOT(Gaussian(1.5)))
        images = np.asarray(pipeline.fit(table, y).transform(table))
        assert images.dtype == np.float64
        assert np.isfinite(images).all()


def test_jax_without_float64_refuses_what_would_be_infinite() -> None:
    jax = pytest.importorskip("jax")
    with jax.enable_x64(False):
        points = jax.numpy.asarray(SINGLE)
        with pytest.raises(ValueError, match=r"A sample reaches .*e\+60, but JAX has float64"):
            KernelOT(Gaussian(1.5)).fit(points, Y * 1e60)
        with pytest.raises(ValueError, match="jax_enable_x64"):
            fitted(1e60).transform(points)
        assert fitted().transform(points).dtype == np.float32
