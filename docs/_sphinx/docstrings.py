"""What docstrings may say that reStructuredText would read otherwise."""

from __future__ import annotations

import re
from typing import Any

_LITERAL = re.compile(r"(``.*?``|:\w+:`.*?`|`.*?`)")


def keep_bars(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Escape the bars of absolute values and norms: there are no substitutions in docstrings."""
    inside = -1  # the indentation of the line that began a literal block, or none
    for number, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if line.strip() and indent <= inside:
            inside = -1
        if inside < 0 and not line.lstrip().startswith((">>>", "...", "|", "+")):
            parts = _LITERAL.split(line)
            parts[::2] = [part.replace("|", r"\|") for part in parts[::2]]
            lines[number] = "".join(parts)
        if inside < 0 and line.rstrip().endswith("::"):
            inside = indent


def skip_metadata_routing(
    app: Any, what: str, name: str, obj: Any, skip: bool, options: Any
) -> bool | None:
    """Leave out what scikit-learn adds to every estimator for metadata routing."""
    routing = name == "get_metadata_routing" or (name[:4] == "set_" and name[-8:] == "_request")
    return True if routing else None
