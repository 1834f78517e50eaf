"""What pages take from the repository: links to its sources, its changelog."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

from docutils import nodes

ROOT = Path(__file__).parents[2]
URL: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Source"]


def source_role(name: str, rawtext: str, text: str, lineno: int, inliner: Any, *_: Any) -> Any:
    """Link to a file of the repository; `FILE::NAME` shows the name, which the file must define."""
    path, _sep, defined = text.partition("::")
    if not (ROOT / path).exists():
        return _error(f"{path} is not in the repository", rawtext, lineno, inliner)
    if defined and defined not in _defined_in(ROOT / path):
        return _error(f"{path} defines no {defined}", rawtext, lineno, inliner)
    address = f"{URL}/blob/main/{path}"
    shown = nodes.literal("", defined or path.removeprefix("src/kernel_ot/"))
    return [nodes.reference(rawtext, "", shown, refuri=address)], []


def _error(message: str, rawtext: str, lineno: int, inliner: Any) -> Any:
    report = inliner.reporter.error(message, line=lineno)
    return [inliner.problematic(rawtext, rawtext, report)], [report]


def _defined_in(path: Path) -> set[str]:
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)}


def changelog_page(changelog: Path, page: Path) -> None:
    """Write the changelog, which is Markdown of headings and lists, as reStructuredText."""
    marks = {"#": "=", "##": "-", "###": "~"}
    lines = [""]
    for line in changelog.read_text(encoding="utf-8").splitlines():
        heading = re.match(r"(#+) (.*)", line)
        if heading:
            title = re.sub(r"[][]", "", heading[2])
            lines += ["", title, marks[heading[1]] * len(title), ""]
            continue
        if line.startswith("- ") and lines[-1] and lines[-1][0] not in "- ":
            lines.append("")  # a list begins after an empty line
        lines.append(re.sub(r"\[([^]]+)\]\(([^)]+)\)", r"`\1 <\2>`__", line))
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
