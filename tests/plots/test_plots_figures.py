"""Every figure draws without a warning, says what it shows, and touches no global state."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from kernel_ot import plots

mpl.use("Agg")
HISTORY = [SimpleNamespace(iteration=k, residual=10.0**-k, elapsed=0.1 * k) for k in range(9)]


def sample(d: int, n: int = 40, dtype: type = np.float64) -> Any:
    return np.random.default_rng(d).normal(size=(n, d)).astype(dtype)


def square(x: Any) -> Any:
    return (x**2).sum(axis=1) / 2


def double(x: Any) -> Any:
    return 2 * x


def compared() -> Any:
    """Return what plots.selection needs of a model."""

    def candidate(factor: float, reg: float, values: tuple[float, ...]) -> Any:
        energy = tuple(-value for value in values)
        return SimpleNamespace(
            bandwidth_factor=factor,
            rough=False,
            reg_potential=reg,
            semi_dual=values,
            energy=energy,
            kernel=None,
            reg_sos=1e-3,
            is_baseline=np.isinf(reg),
        )

    return SimpleNamespace(
        candidates_=(
            candidate(np.inf, np.inf, (1.0, 2.0)),
            candidate(0.5, 1e-1, (1.1, 2.3)),
            candidate(0.5, 1e-2, (1.4, 2.2)),
            candidate(1.0, 1e-1, (0.8, 2.1)),
        )
    )


def all_figures(ax: Any = None) -> list[Any]:
    line, plane, cells = sample(1), sample(2, dtype=np.float32), sample(6)
    return [
        plots.convergence(HISTORY, ax, tol=1e-8, label="a method"),
        plots.convergence(HISTORY, ax, by="seconds"),
        plots.potential(square, line, ax),
        plots.potential(square, plane, ax, name="v", labels=("ERK (a.u.)", "area (px)")),
        plots.transport_map(double, line, ax),
        plots.transport_map(double, plane, ax, target=2 * plane),
        plots.principal_components(cells, cells + 1, cells + 0.9, ax),
        plots.marginals(line, line + 1, line + 0.9, ax, label="ERK (a.u.)"),
        plots.shifts(["ERK", "area"], [1.0, -2.0], [(0.5, 1.5), (-3.0, 0.1)], ax),
        plots.selection(compared(), ax),
        plots.selection(compared(), ax, criterion="energy"),
    ]


def test_figures_render_and_leave_pyplot_alone(tmp_path: Path) -> None:
    before, settings = plt.get_fignums(), dict(mpl.rcParams)
    for number, ax in enumerate(all_figures()):
        file = tmp_path / f"{number}.png"
        ax.figure.savefig(file, dpi=60)
        assert file.stat().st_size > 2000
        assert len(ax.get_xlabel()) > 0
        assert len(ax.get_ylabel()) > 0
    assert plt.get_fignums() == before
    assert dict(mpl.rcParams) == settings


def test_given_axes_are_used() -> None:
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    assert all(drawn is ax for drawn in all_figures(ax))


def test_what_is_drawn() -> None:
    curve: Any = plots.convergence(HISTORY, by="seconds").lines[0]
    np.testing.assert_allclose(curve.get_xdata(), [r.elapsed for r in HISTORY])
    np.testing.assert_allclose(curve.get_ydata(), [r.residual for r in HISTORY])
    x = sample(1)
    values: Any = plots.potential(square, x).lines[0].get_ydata()
    grid = np.linspace(x.min(), x.max(), len(values))
    np.testing.assert_allclose(values, grid**2 / 2 - square(x).mean())
    image: Any = plots.transport_map(double, x).lines[1]
    np.testing.assert_allclose(image.get_ydata(), 2 * image.get_xdata())


def test_selection_draws_paired_differences_and_marks_the_best() -> None:
    for criterion, sign in (("semi_dual", 1), ("energy", -1)):
        ax = plots.selection(compared(), criterion=criterion)  # type: ignore[arg-type]
        *_, best = ax.lines
        narrow = next(line for line in ax.lines if len(np.atleast_1d(line.get_xdata())) == 2)
        np.testing.assert_allclose(np.sort(np.asarray(narrow.get_ydata()) * sign), [0.2, 0.3])
        assert np.asarray(best.get_ydata()) == pytest.approx(0.3 * sign)
        assert np.asarray(best.get_xdata()) == pytest.approx(1e-2)
        errors: list[Any] = [bars.get_segments() for bars in ax.collections]  # type: ignore[attr-defined]
        # Gains of 0.1 and 0.3: their standard error is 0.1.
        assert errors[0][0][:, 1].tolist() == pytest.approx([sign * 0.2 - 0.1, sign * 0.2 + 0.1])


def test_principal_components_keep_distances_in_the_plane() -> None:
    flat = np.zeros((30, 5))
    flat[:, [1, 3]] = sample(2, 30) * [3, 1]
    ax = plots.principal_components(flat, flat + np.eye(5)[1])
    drawn = np.asarray(ax.collections[0].get_offsets())
    expected = np.linalg.norm(flat[0] - flat[1])
    np.testing.assert_allclose(np.linalg.norm(drawn[0] - drawn[1]), expected)
    assert "(0% of variance)" not in ax.get_xlabel() + ax.get_ylabel()


def test_marginals_draw_shares_of_all_points_and_keep_wild_ones_in_the_last_bin() -> None:
    x = sample(1, 1000)
    x[0] = 1e6
    ax = plots.marginals(x, x[:500] + 1, x + 1)
    for steps in ax.patches:
        shares = steps.get_data().values  # type: ignore[attr-defined]  # of a StepPatch
        assert shares.sum() == pytest.approx(1)
    assert ax.get_xlim()[1] < 10
    assert len({str(steps.get_linestyle()) for steps in ax.patches}) == 3  # not by colour alone


def test_shifts_draw_values_and_intervals_from_top_to_bottom() -> None:
    ax = plots.shifts(["ERK", "area"], [1.0, -2.0], [(0.5, 1.5), (-3.0, 0.1)])
    dots: Any = ax.lines[-1]
    np.testing.assert_allclose(dots.get_xdata(), [1, -2])
    bars: Any = ax.collections[0]
    np.testing.assert_allclose([bar[:, 0] for bar in bars.get_segments()], [(0.5, 1.5), (-3, 0.1)])
    assert ax.yaxis_inverted()


def test_residuals_that_have_no_logarithm_are_left_out() -> None:
    history = [*HISTORY, SimpleNamespace(iteration=9, residual=0.0, elapsed=1.0)]
    values = np.asarray(plots.convergence(history).lines[0].get_ydata())
    assert np.isnan(values[-1])
    assert np.isfinite(values[:-1]).all()


def test_a_constant_feature_has_an_axis() -> None:
    x = sample(2)
    x[:, 1] = 3
    plots.potential(square, x).figure.canvas.draw()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plots.convergence([]), "history is empty"),
        (lambda: plots.convergence(HISTORY, by="hours"), "by = 'hours' is unknown"),  # type: ignore[arg-type]
        (lambda: plots.potential(square, sample(3)), "3 features.*principal_components"),
        (lambda: plots.potential(square, sample(2), labels=("x",)), "labels has 1 entry"),
        (lambda: plots.principal_components(sample(1), sample(1)), "1 feature"),
        (lambda: plots.selection(compared(), criterion="uvp"), "criterion = 'uvp'"),  # type: ignore[arg-type]
        (lambda: plots.shifts(["a", "b"], [1.0], [(0, 1)]), r"shapes \(1,\) and \(1, 2\) for 2"),
        (lambda: plots.selection(SimpleNamespace(candidates_=())), "no settings"),
    ],
)
def test_wrong_calls_say_the_remedy(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
