"""Numbers in sentences."""

from __future__ import annotations

import re

_LONGEST = 120


def agreeing(number: int, sentence: str) -> str:
    """Return a sentence in which [one|many] is its first word for 1, its second for all others.

    Examples
    --------
    >>> agreeing(1, "[lies|lie] by [itself|themselves]"), agreeing(2, "[is|are] left out")
    ('lies by itself', 'are left out')
    """
    return re.sub(r"\[([^|\]]*)\|([^\]]*)\]", r"\1" if number == 1 else r"\2", sentence)


def counted(number: int, noun: str) -> str:
    """Return a number with what is counted, of which one has no plural s.

    Examples
    --------
    >>> counted(1, "column"), counted(2, "row"), counted(0, "entry")
    ('1 column', '2 rows', '0 entries')
    """
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1]}ies" if noun.endswith("y") else f"{number} {noun}s"


def shown(value: object) -> str:
    """Return a value in one line of a message, of an array its shape alone.

    Examples
    --------
    >>> import numpy as np
    >>> shown("wide"), shown(np.zeros((3, 2))), len(shown("long " * 100))
    ("'wide'", 'ndarray of shape (3, 2)', 123)
    """
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:
        return f"{type(value).__name__} of shape {shape}"
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
