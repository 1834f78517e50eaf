"""`python -m benchmarks.accuracy`: UVP, cost error and time of map estimators with known truth."""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path

from benchmarks.accuracy._families import FAMILIES
from benchmarks.accuracy._methods import METHODS
from benchmarks.accuracy._report import marks, table
from benchmarks.accuracy._run import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--dimensions", nargs="+", type=int, default=[1, 2, 5, 8, 10, 20])
    parser.add_argument("--sizes", nargs="+", type=int, default=[100, 300, 1000])
    # Settings were chosen on other seeds.
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3, 4, 5])
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--out", type=Path, default=Path("benchmark-output/accuracy"))
    options = parser.parse_args()
    cells = [
        (family, d, n, seed)
        for n, seed, d, family in product(
            options.sizes, options.seeds, options.dimensions, options.families
        )
        if family != "monotone" or d == 1
    ]
    results = run(cells, options.methods, options.out / "results.jsonl")
    parts = [f"## {q}\n\n{table(results, q)}\n" for q in ("uvp", "cost error", "seconds")]
    report = "# Accuracy\n\n" + "\n".join(parts) + f"\n## Marks at n = 300\n\n{marks(results)}\n"
    (options.out / "report.md").write_text(report)
    print(report)
    print(f"Written to {options.out}/report.md")


if __name__ == "__main__":
    main()
