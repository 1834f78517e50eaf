"""The README's Python example gives what it says."""

from __future__ import annotations

import doctest
from pathlib import Path


def test_python_example() -> None:
    readme = Path(__file__).parents[1] / "README.md"
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    text = readme.read_text(encoding="utf-8").replace("```", "")
    runner = doctest.DocTestRunner(optionflags=flags)
    runner.run(doctest.DocTestParser().get_doctest(text, {}, "README", str(readme), 0))
    failed, attempted = runner.summarize()
    assert attempted >= 4
    assert failed == 0
