"""Which library a data frame belongs to, without importing any."""

from __future__ import annotations

import sys

FRAME_LIBRARIES = ("pandas", "polars")


def frame_library(points: object) -> str | None:
    """Return "pandas" or "polars" where `points` is one's data frame, without importing either."""
    for name in FRAME_LIBRARIES:
        module = sys.modules.get(name)
        if module is not None and isinstance(points, getattr(module, "DataFrame", ())):
            return name
    return None
