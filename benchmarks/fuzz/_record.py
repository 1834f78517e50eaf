"""What a part of the campaign tried, how it ended, and what should not have happened."""

from __future__ import annotations

import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Record:
    """One part of the campaign.

    Attributes
    ----------
    part : str
    promise : str
        What is to hold in every case.
    endings : Counter
        How often each ending occurred.
    findings : list of (str, str)
        Cases that broke the promise, and how.
    seconds : float
    """

    part: str
    promise: str
    endings: Counter[str] = field(default_factory=Counter)
    findings: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def tried(self) -> int:
        """Number of cases."""
        return sum(self.endings.values())

    def ended(self, ending: str, case: str = "", fault: str = "") -> None:
        """Count a case, as a finding where `fault` says what was wrong."""
        self.endings[ending] += 1
        if fault:
            self.findings.append((case, fault))
            print(f"{case}: {fault}", file=sys.stderr, flush=True)

    def markdown(self) -> str:
        """Return the part as a section."""
        lines = [
            f"## {self.part}",
            "",
            f"{self.promise} {self.tried} cases, {self.seconds:.0f} s, "
            f"**{len(self.findings)} findings**.",
            "",
            "| ending | cases |",
            "|---|---|",
            *(f"| {ending} | {count} |" for ending, count in self.endings.most_common()),
            "",
        ]
        lines += [f"* `{case}`: {fault}" for case, fault in self.findings[:50]]
        if len(self.findings) > 50:
            lines.append(f"* and {len(self.findings) - 50} more, all in the CSV file beside")
        return "\n".join([*lines, ""]) + "\n"


def within(seconds: float, seeds: Iterable[int]) -> Iterator[int]:
    """Yield seeds until the time is over."""
    end = time.monotonic() + seconds
    for seed in seeds:
        if time.monotonic() > end:
            return
        yield seed


@contextmanager
def warnings_as_list() -> Iterator[list[str]]:
    """Collect the warnings of a block as `Category: message`."""
    told: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield told
    told += [f"{warning.category.__name__}: {warning.message}" for warning in caught]


def refusal(error: Exception, names: tuple[str, ...]) -> str:
    """Return what is wrong with an exception: nothing for one that names an argument of the user's.

    Parameters
    ----------
    error : Exception
    names : tuple of str
        Words that a message for the user begins with.
    """
    text = str(error)
    if isinstance(error, ValueError) and text.startswith(names):
        return ""
    where = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{where.filename.split('/')[-1]}:{where.lineno}"
    return f"{type(error).__name__} from {place}: {text[:200]}"


def timed(part: Callable[..., Record], *arguments: object, **options: object) -> Record:
    """Return the record of a part with the time it took."""
    began = time.monotonic()
    record = part(*arguments, **options)
    record.seconds = time.monotonic() - began
    return record
