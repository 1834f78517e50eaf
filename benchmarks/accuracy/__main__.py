"""`python -m benchmarks.accuracy`: UVP, cost error and time of map estimators with known truth."""

from __future__ import annotations

import argparse
from functools import partial
from itertools import product
from pathlib import Path

from benchmarks.accuracy._cells import cell_table, cells_directory, paired_table, run_cells
from benchmarks.accuracy._families import FAMILIES
from benchmarks.accuracy._methods import METHODS, VARIANTS
from benchmarks.accuracy._pairs import FAMILY
from benchmarks.accuracy._report import by_size, comparison, cost_by_size, marks, table, write_csv
from benchmarks.accuracy._run import read_results, run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--families",
        nargs="+",
        choices=[*FAMILIES, FAMILY],
        default=list(FAMILIES),
        help=f"{FAMILY!r} are the pairs of a published benchmark, from files",
    )
    parser.add_argument("--dimensions", nargs="+", type=int, default=[1, 2, 5, 8, 10, 20])
    parser.add_argument("--sizes", nargs="+", type=int, default=[100, 300, 1000])
    # Settings were chosen on other seeds.
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3, 4, 5])
    parser.add_argument(
        "--methods", nargs="+", choices=[*METHODS, *VARIANTS], default=list(METHODS)
    )
    parser.add_argument("--out", type=Path, default=Path("benchmark-output/accuracy"))
    parser.add_argument(
        "--rows",
        type=Path,
        help="one row a fit; what it holds already is not run again (default: OUT/rows.csv)",
    )
    parser.add_argument(
        "--only-tables", action="store_true", help="run nothing: the tables of the rows that exist"
    )
    parser.add_argument(
        "--cells", action="store_true", help="4i cells instead of families with known truth"
    )
    parser.add_argument(
        "--csv",
        type=Path,
        help="the site's table: means over the seeds, written after each case",
    )
    options = parser.parse_args()
    if options.cells:
        _cells(options.out, [seed - 1 for seed in options.seeds])
        return
    rows = options.rows or options.out / "rows.csv"
    cells = [
        (family, d, n, seed)
        for n, seed, d, family in product(
            options.sizes, options.seeds, options.dimensions, options.families
        )
        if family != "monotone" or d == 1
    ]
    write = None if options.csv is None else partial(write_csv, options.csv)
    if options.only_tables:
        results = read_results(rows)
    else:
        results = run(cells, options.methods, rows, write)
    if write is not None:
        write(results)
    parts = {
        "By number of points and features: our error over theirs": by_size(results),
        "Cost": cost_by_size(results),
        "Beside the best peer": comparison(results),
        "Marks": marks(results),
        **{quantity: table(results, quantity) for quantity in ("uvp", "cost error", "seconds")},
    }
    report = "# Accuracy\n\n" + "\n".join(f"## {head}\n\n{text}\n" for head, text in parts.items())
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "report.md").write_text(report)
    print(report)
    print(f"Written to {options.out}/report.md")


def _cells(out: Path, splits: list[int]) -> None:
    directory = cells_directory()
    if directory is None:
        raise SystemExit(
            "The 4i cells were not found; set KERNEL_OT_4I to the folder with the .mat files."
        )
    results = run_cells(directory, splits, out / "cells.jsonl")
    report = f"# 4i cells\n\n{cell_table(results)}\n\n{paired_table(results)}\n"
    (out / "cells.md").write_text(report)
    print(report)


if __name__ == "__main__":
    main()
