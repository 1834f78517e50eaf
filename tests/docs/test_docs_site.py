"""The built site in a real browser, opened from its folder as a reader would."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from browser import Browser, open_browser

SITE = Path(__file__).parents[2] / "docs" / "_build" / "html"
PAGES = (
    "index.html",
    "guide/index.html",
    "guide/theory_semismooth_newton.html",
    "guide/how_to_choose.html",
    "gallery/index.html",
    "gallery/plot_01_first_map.html",
    "reference/index.html",
    "reference/generated/kernel_ot.KernelOT.html",
    "benchmarks.html",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not (SITE / "index.html").exists():
        if os.environ.get("CI"):
            pytest.fail(f"CI builds the site before the tests, but {SITE} is missing.")
        pytest.skip("the site is not built; make docs")
    with open_browser() as opened:
        yield opened


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("page", PAGES)
def test_pages_open_without_errors_and_fit_the_window(
    browser: Browser, page: str, width: int
) -> None:
    browser.open(SITE / page, width=width)
    assert browser.driver.title
    assert browser.console_errors() == []
    assert browser.requests_to_the_net() == []
    assert browser.overflow() <= 0


def test_formulas_are_drawn(browser: Browser) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    browser.open(SITE / "gallery/plot_01_first_map.html", width=1280)
    drawn = "return document.querySelectorAll('mjx-container svg').length"
    WebDriverWait(browser.driver, 20).until(lambda d: d.execute_script(drawn) > 0)
    assert browser.console_errors() == []


def test_search_finds_a_page(browser: Browser) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    browser.open(SITE / "search.html", width=1280, query="?q=KernelOT")
    found = "return [...document.querySelectorAll('#search-results li a')].map(a => a.href)"
    links = WebDriverWait(browser.driver, 20).until(lambda d: d.execute_script(found))
    assert any("kernel_ot.KernelOT" in link for link in links)
    assert browser.console_errors() == []
    assert browser.requests_to_the_net() == []
