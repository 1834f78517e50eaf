"""The pages against the code: statuses explained, names listed, few numbers, public names only."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

from kernel_ot import Status

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guide"
PAGES = sorted([*(ROOT / "docs").glob("*.rst"), *GUIDE.glob("*.rst"), ROOT / "README.md"])
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))  # pages of the gallery, and scripts
MOST_NUMBERS = 20  # in a hundred words


def _prose(text: str) -> str:
    """Return a page without its code, its formulas and the targets of its links."""
    text = re.sub(r"```.*?```", " ", text, flags=re.DOTALL)
    text = re.sub(r"<[^>\s]+>|\]\([^)]*\)", " ", text)
    kept, inside = [], False
    for line in text.splitlines():
        if re.match(r"\s*\.\. (code-block|math|toctree|image|figure)::", line):
            inside = True
        elif line and not line.startswith(" "):
            inside = False
        if not inside and not line.lstrip().startswith((">>>", "...", ":")):
            kept.append(line)
    return re.sub(r":math:`[^`]*`|``[^`]*``", " ", "\n".join(kept))


def numbers_in_a_hundred_words(text: str) -> float:
    """Return how many of a hundred words are numbers."""
    words = re.findall(r"\S*\w\S*", _prose(text))
    numbers = [
        word for word in words if re.search(r"\d", word) and not re.search(r"[a-z]{2}", word)
    ]
    return 100 * len(numbers) / max(len(words), 1)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_are_prose_and_not_tables_of_numbers(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert numbers_in_a_hundred_words(text) <= MOST_NUMBERS


def test_numbers_are_counted() -> None:
    assert numbers_in_a_hundred_words("a fit takes 3.5 s or 1e-3 of it, d = 2") == pytest.approx(
        100 * 3 / 11
    )
    assert numbers_in_a_hundred_words("words\n\n>>> 1 + 1\n\n``2`` words") == 0


def test_every_status_is_explained() -> None:
    page = (GUIDE / "troubleshooting.rst").read_text()
    explained = re.findall(r"^``([A-Z_]+)``$", page, flags=re.MULTILINE)
    assert sorted(explained) == sorted(status.name for status in Status)


def test_every_caution_is_explained() -> None:
    page = (GUIDE / "troubleshooting.rst").read_text()
    sources = (ROOT / "src" / "kernel_ot" / "diagnostics").glob("*.py")
    names = {
        node.args[0].value
        for path in sources
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "Caution"
        and isinstance(node.args[0], ast.Constant)
    }
    assert len(names) >= 5
    assert {f"*{name!s}*" for name in map(str, names)} <= set(
        re.findall(r"^\*[^*]+\*", page, re.MULTILINE)
    )


def _names_of_the_reference() -> list[str]:
    page = (ROOT / "docs" / "reference" / "index.rst").read_text()
    return re.findall(r"^   ([\w.]+)$", page, flags=re.MULTILINE)


def test_the_reference_names_every_object_once() -> None:
    names = _names_of_the_reference()
    found = []
    for name in names:
        module, _, attribute = f"kernel_ot.{name}".rpartition(".")
        found.append(getattr(importlib.import_module(module), attribute))
    assert len({id(thing) for thing in found}) == len(names)


@pytest.mark.parametrize("name", _names_of_the_reference())
def test_every_name_has_an_example(name: str) -> None:
    module, _, attribute = f"kernel_ot.{name}".rpartition(".")
    thing = getattr(importlib.import_module(module), attribute)
    assert ">>>" in (inspect.getdoc(thing) or "")


def _imported_names(path: Path) -> set[str]:
    """Return what an example imports of the package, as names of the reference."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kernel_ot"):
            room = (node.module or "").removeprefix("kernel_ot").lstrip(".")
            found |= {f"{room}.{alias.name}".lstrip(".") for alias in node.names}
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "kernel_ot":
            found.add(node.attr)
    return found


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_use_public_names_only(path: Path) -> None:
    listed = set(_names_of_the_reference())
    rooms = {name.rpartition(".")[0] for name in listed}
    assert _imported_names(path)
    assert _imported_names(path) <= listed | rooms
