"""The bar of a fit says what the fit is doing."""

from __future__ import annotations

import pytest

from kernel_ot.estimator import FitProgress
from kernel_ot.progress import fit_progress


def test_the_bar_counts_settings_then_digits(capsys: pytest.CaptureFixture[str]) -> None:
    with fit_progress(True, 1e-3) as callback:
        callback(FitProgress(0, 5e-3, -1.0, 0.1, "selection"))
        callback(FitProgress(1, 5e-3, -1.0, 0.2, "selection"))
        assert "choosing the settings: 2 compared" in capsys.readouterr().err
        callback(FitProgress(0, 1.0, 0.0, 0.3, "filling"))
        callback(FitProgress(1, 1e-2, 0.0, 0.4, "filling"))
    written = capsys.readouterr().err
    # Rounds have the stretch from 60 to 85 %; 1e-2 is two thirds of the way from 1 to 1e-3.
    assert "77%" in written
    assert "iteration 1, residual 1.0e-02" in written


def test_no_bar_where_none_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    with fit_progress(False, 1e-3) as callback:
        callback(FitProgress(0, 1.0, 0.0, 0.1, "filling"))
    assert capsys.readouterr().err == ""
