"""Run the campaign and write what it found.

``python -m benchmarks.fuzz`` runs every part for as long as `--minutes` gives it, and writes
``DATE-fuzz.md`` and ``DATE-fuzz.csv`` into `--out`. Cases are numbered: `--seed` is the first one,
and a case that failed is run again with its number and `--count 1`.
"""

from __future__ import annotations

import argparse
import csv
import platform
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import scipy

from benchmarks.fuzz._disk import disk
from benchmarks.fuzz._files import files
from benchmarks.fuzz._problems import problems, tame
from benchmarks.fuzz._record import Record, timed, within
from benchmarks.fuzz._samples import samples
from benchmarks.fuzz._signals import signals
from benchmarks.fuzz._workers import workers
from kernel_ot import __version__

# What is promised, part by part.
COUNTS = {"problems": 10_000, "tame": 2_000, "samples": 1_000, "files": 2_000, "signals": 300}
PARTS = (*COUNTS, "disk", "workers")


def main(arguments: list[str] | None = None) -> int:
    """Run the parts that were asked for; 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seed", type=int, default=0, help="number of the first case")
    parser.add_argument("--count", type=int, help="cases of each part, instead of those promised")
    parser.add_argument("--minutes", type=float, default=30.0, help="at most, for each part")
    parser.add_argument("--out", type=Path, help="folder for DATE-fuzz.md and .csv")
    options = parser.parse_args(arguments)
    if options.out is not None:  # before the minutes that a part takes
        options.out.mkdir(parents=True, exist_ok=True)
    records = []
    for part in options.parts:
        record = run(part, options.seed, options.count or COUNTS.get(part, 20), options.minutes)
        records.append(record)
        print(record.markdown(), flush=True)
    if options.out is not None:
        write(options.out, records, sys.argv[1:] if arguments is None else arguments)
    return int(any(record.findings for record in records))


def run(part: str, seed: int, count: int, minutes: float) -> Record:
    """Run one part."""
    seeds = within(60 * minutes, range(seed, seed + count))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts: dict[str, Callable[[], Record]] = {
            "problems": lambda: problems(seeds),
            "tame": lambda: tame(seeds),
            "samples": lambda: samples(seeds),
            "files": lambda: files(seeds, folder),
            "signals": lambda: signals(seeds, folder, commands=max(1, count // 20)),
            "disk": lambda: disk(folder, kills=count),
            "workers": lambda: workers(min(count, 4)),
        }
        return timed(parts[part])


def write(folder: Path, records: list[Record], arguments: list[str]) -> None:
    """Write the page and the table of findings."""
    today = datetime.now(UTC).date().isoformat()
    head = [
        f"# Campaign of {today}",
        "",
        f"`python -m benchmarks.fuzz {' '.join(arguments)}`, kernel-ot {__version__}, Python "
        f"{platform.python_version()}, NumPy {np.__version__}, SciPy {scipy.__version__}, "
        f"{platform.machine()}.",
        "",
    ]
    page = "\n".join(head) + "\n" + "\n".join(record.markdown() for record in records)
    (folder / f"{today}-fuzz.md").write_text(page)
    with (folder / f"{today}-fuzz.csv").open("w", newline="") as file:
        file.write(f"# date: {today}\n# command: python -m benchmarks.fuzz {' '.join(arguments)}\n")
        table = csv.writer(file)
        table.writerow(["part", "ending", "cases", "finding"])
        for record in records:
            table.writerows([record.part, end, n, ""] for end, n in record.endings.items())
            table.writerows([record.part, case, 1, what] for case, what in record.findings)


if __name__ == "__main__":
    sys.exit(main())
