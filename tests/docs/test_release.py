"""What a release states in several places is the same everywhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from kernel_ot import __version__

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RECIPE = (ROOT / "packaging" / "conda" / "recipe.yaml").read_text()
CITATION = (ROOT / "CITATION.cff").read_text()


def test_changelog_citation_and_recipe_have_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    dated = re.findall(r"^## \[([\d.]+)\] - (\d{4}-\d\d-\d\d)$", changelog, flags=re.MULTILINE)
    assert dated[0][0] == __version__
    assert re.findall(r"^version: (.+)$", CITATION, flags=re.MULTILINE) == [__version__]
    assert re.findall(r"^date-released: (.+)$", CITATION, flags=re.MULTILINE) == [dated[0][1]]
    assert f'version: "{__version__}"' in RECIPE


def test_the_recipe_needs_what_the_project_needs() -> None:
    run = RECIPE.partition("  run:\n")[2].partition("\n\n")[0]
    stated = {line.strip("- ").replace(" ", "") for line in run.splitlines()}
    python = f"python{PROJECT['requires-python']}"
    assert stated == {python, *(name.lower() for name in PROJECT["dependencies"])}


def test_every_supported_python_is_classified_and_tested() -> None:
    versions = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    workflow = (ROOT / ".github" / "workflows" / "tests.yml").read_text()
    tested = re.search(r"python: \[(.*)\]", workflow)
    assert tested
    assert re.findall(r"3\.\d+", tested[1]) == versions
    assert f">={versions[0]}" == PROJECT["requires-python"]


def test_every_extra_for_users_is_on_the_install_page() -> None:
    page = (ROOT / "docs" / "guide" / "install.rst").read_text()
    explained = re.findall(r"^   \* - ``([a-z0-9-]+)``$", page, flags=re.MULTILINE)
    for_developers = {"benchmark", "docs", "release", "test", "dev"}
    assert sorted(explained) == sorted(set(PROJECT["optional-dependencies"]) - for_developers)


@pytest.mark.parametrize("name", ["README.md"])
def test_links_work_on_an_index_page(name: str) -> None:
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / name).read_text())
    assert len(links) > 10
    assert [link for link in links if not link.startswith("https://")] == []
