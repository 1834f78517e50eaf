"""The page: whole, escaped, verdict first, and in a real browser without errors or requests."""

from __future__ import annotations

import base64
import html
import io
import re
import warnings
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from browser import Browser, open_browser
from kernel_ot import KernelOT, __version__
from kernel_ot.diagnostics import GLOSSARY, CautionWarning
from kernel_ot.estimator import _large
from kernel_ot.kernels import Gaussian, Matern
from kernel_ot.report._features import feature_table
from kernel_ot.report._figures import _view, before_and_after
from kernel_ot.samples import Samples

HOSTILE = "<script>alert('x')</script> & $a_b$"
FAST: dict[str, Any] = {"kernel": Gaussian(1.0), "reg_potential": 1e-2}


def _samples(d: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(d)
    names = [HOSTILE, *(f"a rather long name of feature {k}" for k in range(1, d))]
    x, y = rng.normal(size=(60, d)), 2 * rng.normal(size=(50, d)) + np.arange(d)
    return pd.DataFrame(x, columns=names), pd.DataFrame(y, columns=names)


def _models() -> dict[str, KernelOT]:
    chosen = KernelOT(kernel=Gaussian(1.0), n_splits=1).fit(*_samples(1))
    models = {"line": chosen, "plane": KernelOT(**FAST, verdict=True).fit(*_samples(2))}
    models["many"] = KernelOT(**FAST).fit(*_samples(24))
    bad = KernelOT(Gaussian(1.0), reg_potential=3e-4, filling="pairs", n_fill=6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CautionWarning)  # which is why it is here
        models["bad"] = bad.fit(*_samples(3))
    assert models["bad"].summary().outcome == "fault"
    return models


@pytest.fixture(scope="module")
def models() -> dict[str, KernelOT]:
    return _models()


@pytest.fixture(scope="module")
def pages(models: dict[str, KernelOT], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    return {name: model.report(folder / f"{name}.html") for name, model in models.items()}


class _Text(HTMLParser):
    """The text of a page, its tags, and what it points to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text, self.tags, self.targets = "", [""], [""]
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.targets += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", ["line", "plane", "many", "bad"])
def test_the_page_is_whole_and_asks_for_nothing(
    name: str, pages: dict[str, Path], models: dict[str, KernelOT]
) -> None:
    page = pages[name].read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    read = _Text(page)
    assert all(target.startswith("data:") for target in read.targets[1:])
    assert "script" not in read.tags  # nor one of a feature's name
    assert "http" not in page
    assert HOSTILE in read.text
    summary = models[name].summary()
    said = summary.sentence.replace("+-", "±")
    assert read.text.index(said) < read.text.index("What moved")  # verdict first
    for caution in summary.cautions:
        assert caution.remedy in read.text
    for number in summary.numbers():
        assert GLOSSARY[number.name].label in read.text
    samples = models[name].samples_
    assert f"{len(samples.x)} of x, {len(samples.y)} of y" in read.text
    assert __version__ in read.text
    assert re.search(r"20\d\d-\d\d-\d\d \d\d:\d\d UTC", read.text)
    figures = re.findall(r'src="data:image/png;base64,([^"]+)" alt="[^"]{10,}"', page)
    assert len(figures) == len(read.targets) - 2  # all but the icon
    for figure in figures:
        assert imread(io.BytesIO(base64.b64decode(figure))).std() > 0.01  # not blank


def test_the_code_on_the_page_fits_the_model_again(
    pages: dict[str, Path], models: dict[str, KernelOT]
) -> None:
    code = re.search(r"<pre><code>(.*?)</code>", pages["plane"].read_text(), re.DOTALL)
    assert code is not None
    text = _Text(code.group(1)).text
    x, y = _samples(2)
    scope: dict[str, Any] = {"x": x, "y": y, "Gaussian": Gaussian}
    exec(text, scope)
    assert scope["model"].cost_ == models["plane"].cost_


def test_curves_are_drawn_only_where_there_are_some(pages: dict[str, Path]) -> None:
    assert "The settings that were compared" in pages["line"].read_text()
    assert "The settings that were compared" not in pages["plane"].read_text()


def test_fresh_points_are_shown_and_judge(models: dict[str, KernelOT], tmp_path: Path) -> None:
    page = models["plane"].report(tmp_path / "page.html", *_samples(2))
    text = _Text(page.read_text()).text
    assert "the 60 + 50 fresh points that the model was not fitted to" in text
    assert "fresh points" in text[: text.index("What moved")]
    with pytest.raises(ValueError, match="together"):
        models["plane"].report(tmp_path / "page.html", _samples(2)[0])


def test_features_are_ranked_by_their_shift_with_an_interval_of_the_populations() -> None:
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(200):
        x, y = rng.normal(size=(40, 3)) * [1, 5, 1], rng.normal(size=(30, 3)) * [1, 5, 1]
        y += [0.5, 1.0, 3.0]
        samples = Samples(x, y, np.full(40, 1 / 40), np.full(30, 1 / 30))
        table = feature_table(samples, x + [0.5, 1.0, 3.0], ("a", "b", "c"))
        inside += sum(f.low <= {"a": 0.5, "b": 1.0, "c": 3.0}[f.name] <= f.high for f in table)
    assert [f.name for f in table] == ["c", "a", "b"]
    assert inside / 600 == pytest.approx(0.95, abs=0.03)
    assert sum(f.share for f in table) == pytest.approx(1)
    assert table[0].share == pytest.approx(9 / 10.25)
    assert table[0].clear
    assert [f.spread for f in table] == pytest.approx([1, 1, 1])


def test_a_constant_feature_has_no_standard_deviation_by_rounding() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(120, 3)), rng.normal(size=(100, 3))
    x[:, 1], y[:, 1], x[:, 2], y[:, 2] = 7.1, 9.1, 7.1, 7.1
    samples = Samples(x, y, np.full(120, 1 / 120), np.full(100, 1 / 100))
    moves, other, stays = feature_table(samples, x + [0.5, 2.0, 1e-15], ("a", "b", "c"))
    assert [f.name for f in (moves, other, stays)] == ["b", "a", "c"]
    assert (moves.sd, moves.spread, moves.in_sd) == (0.0, 1.0, float("inf"))
    assert (stays.sd, stays.spread, stays.in_sd) == (0.0, 1.0, 0.0)


def test_images_far_away_do_not_make_one_dot_of_the_samples() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 2)), rng.normal(size=(50, 2))
    low, high = _view([x, y, 1e3 * x])
    both = np.concatenate([x, y])
    assert (low <= both.min(axis=0)).all()
    assert (high >= both.max(axis=0)).all()
    assert (high - low < 4 * np.ptp(both, axis=0)).all()
    samples = Samples(x, y, np.full(60, 1 / 60), np.full(50, 1 / 50))
    _, after = before_and_after(samples, 1e3 * x, ("a", "b"))
    assert after.caption.endswith("Of T(x) 60 points lie outside of the picture.")
    _, after = before_and_after(samples, y, ("a", "b"))
    assert "outside" not in after.caption


def test_a_fit_of_many_points_states_all_of_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(_large, "TAKES_OVER", 300)
    rng = np.random.default_rng(0)
    model = KernelOT(**FAST).fit(rng.normal(size=(400, 2)), rng.uniform(size=(350, 2)))
    text = _Text(model.report(tmp_path / "page.html").read_text()).text
    assert "400 of x, 350 of y" in text
    assert "a random part of them" in text


def test_constant_features_are_described_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 3))
    x[:, 1] = y[:, 1] = 7.0
    x[:, 2], y[:, 2] = 1.0, 2.0
    page = KernelOT(**FAST).fit(x, y).report(tmp_path / "page.html").read_text()
    assert "1 → 2" in _Text(page).text


def test_the_code_to_fit_again_runs_and_says_that_there_were_weights(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 1)), rng.normal(size=(40, 1))
    masses = rng.uniform(size=40)
    model = KernelOT(2 * Gaussian(1.5) + Matern(2.5, 1.0), reg_potential=1e-2)
    for weights in ((), (masses, None), (np.arange(40) % 2, None)):
        page = model.fit(x, y, *weights).report(tmp_path / "page.html").read_text()
        code = html.unescape(page.split("<pre><code>")[1].split("</code>")[0])
        assert ("fit(x, y, weights_x, weights_y)" in code) == bool(weights)
        namespace: dict[str, Any] = {"x": x, "y": y, "weights_x": masses, "weights_y": None}
        exec(code, namespace)
        assert namespace["model"].kernel_ == model.kernel_
    assert "with the feature feature 1." in _Text(page).text


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["line", "plane", "many", "bad"])
def test_in_a_browser(browser: Browser, pages: dict[str, Path], name: str, width: int) -> None:
    browser.open(pages[name], width=width)
    assert "Transport report" in browser.driver.title
    assert browser.console_errors() == []
    assert browser.requests_to_the_net() == []
    assert browser.overflow() <= 0
    # Opened, the table of the other features fits the window too.
    browser.driver.execute_script("document.querySelectorAll('details').forEach(d => d.open = 1)")
    assert browser.overflow() <= 0
    broken = "return [...document.images].filter(i => !i.complete || !i.naturalWidth).length"
    assert browser.driver.execute_script(broken) == 0
    headline = browser.driver.execute_script(
        "const r = document.querySelector('h1').getBoundingClientRect(); return [r.top, r.width]"
    )
    assert headline[0] < 120  # the verdict is what is seen first
    assert 0.8 * min(width, 992) < headline[1] <= width
