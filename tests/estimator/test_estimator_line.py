"""Many points on the line: splines in place of the kernel's potential."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from helpers import rewrite_header
from kernel_ot import KernelOT
from kernel_ot._arrays import Array


def _true_map(x: Array) -> Array:
    return np.asarray(x / 2 + np.tanh(3 * x))


def _line(n: int) -> tuple[Array, Array]:
    """Samples whose sorted points are pairs of the true map: what is missed is not their noise."""
    rng = np.random.default_rng(31)
    x = norm.ppf((np.arange(n) + 0.5) / n)[:, None]
    return rng.permutation(x), rng.permutation(_true_map(x))


@pytest.fixture(scope="module")
def fitted() -> KernelOT:
    return KernelOT().fit(*_line(700))


def _error(model: KernelOT) -> float:
    fresh = np.linspace(-2, 2, 400)[:, None]
    return float(np.mean(np.square(model.transform(fresh) - _true_map(fresh))))


def test_splines_carry_all_and_are_near_the_true_map(fitted: KernelOT) -> None:
    combination = fitted.combination_
    assert combination.kernel == 0
    assert combination.splines
    assert not fitted.entropic_
    assert _error(fitted) < 5e-3
    x, _ = _line(700)
    back = fitted.inverse_transform(fitted.transform(x))
    assert np.mean(np.square(back - x)) < 0.01
    assert fitted.cost_interval_[0] < fitted.cost_ < fitted.cost_interval_[1]


def test_few_points_have_none_and_thousands_have_them_too() -> None:
    assert not KernelOT(verdict=False).fit(*_line(600)).combination_.splines
    many = KernelOT().fit(*_line(1500))
    assert many.combination_.splines
    assert many.combination_.kernel == 0
    assert _error(many) < 5e-3


def test_the_order_of_rows_and_the_unit_do_not_matter(fitted: KernelOT) -> None:
    x, y = _line(700)
    order = np.random.default_rng(33).permutation(700)
    again = KernelOT(verdict=False).fit(1000 * x[order] + 7, 1000 * y[::-1] - 3)
    np.testing.assert_allclose(
        again.transform(1000 * x + 7), 1000 * fitted.transform(x) - 3, atol=1e-2
    )


def test_a_file_keeps_the_map_and_a_forged_spline_is_refused(
    fitted: KernelOT, tmp_path: Path
) -> None:
    x, _ = _line(700)
    fitted.save(tmp_path / "line.kot")
    loaded = KernelOT.load(tmp_path / "line.kot")
    assert loaded.combination_ == fitted.combination_
    np.testing.assert_allclose(loaded.transform(x), fitted.transform(x), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(loaded.inverse_transform(x), fitted.inverse_transform(x), rtol=1e-10)

    gaussian = fitted.combination_.gaussian
    for splines in ([[-0.1, 1.0 - gaussian]], [[0.1, 3.0]]):
        forged = {"kernel": 0.0, "gaussian": gaussian, "entropic": [], "splines": splines}
        rewrite_header(tmp_path / "line.kot", combination=forged)
        with pytest.raises(ValueError, match=r"weights|splines"):
            KernelOT.load(tmp_path / "line.kot")


def test_the_report_names_the_splines(fitted: KernelOT, tmp_path: Path) -> None:
    fitted.report(tmp_path / "report.html")
    assert "spline of smoothing" in (tmp_path / "report.html").read_text()
