"""The command line of the solver benchmark."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import threadpoolctl
from tqdm import tqdm

from benchmarks.solvers._cvxpy import Cvxpy
from benchmarks.solvers._figures import draw
from benchmarks.solvers._measuring import describe_machine, usable_cores
from benchmarks.solvers._otssn import FUNCTIONS, Otssn
from benchmarks.solvers._ours import own_methods
from benchmarks.solvers._outcome import Contender
from benchmarks.solvers._records import Records
from benchmarks.solvers._runner import Runner
from benchmarks.solvers._sections import SECTIONS, Section, sections
from benchmarks.solvers._settings import FULL, QUICK, Settings
from benchmarks.solvers._tables import report

_PEER_TOLERANCES = (("CLARABEL", 1e-9), ("SCS", 1e-6))


def main(arguments: Sequence[str] | None = None, *, settings: Settings | None = None) -> int:
    """Run the benchmark and write results, tables and figures.

    Parameters
    ----------
    arguments : sequence of str, optional
        Instead of the command line's.
    settings : Settings, optional
        Instead of the presets'.

    Returns
    -------
    int
        Exit code: 0 when done, 1 if the folder's results are another machine's or source's, 130
        when interrupted, after writing what there is.
    """
    options = _parser().parse_args(arguments)
    preset = settings or (QUICK if options.quick else FULL)
    preset = replace(preset, budget=options.budget or preset.budget, large_size=options.large)
    contenders = _contenders(options)
    with threadpoolctl.threadpool_limits(options.threads):
        machine = describe_machine(options.threads)
        if options.fresh:
            _clear(options.out)
        options.out.mkdir(parents=True, exist_ok=True)
        difference = _claim(options.out / "machine.json", machine)
        if difference:
            print(
                f"{options.out} holds results of another {difference}; "
                "start anew with --fresh, or choose another --out.",
                file=sys.stderr,
            )
            return 1
        parts = [p for p in sections(preset, contenders) if p.name in options.sections]
        return _run(Records(options.out), preset, parts, machine)


def _run(
    records: Records, settings: Settings, parts: Sequence[Section], machine: dict[str, Any]
) -> int:
    code = 0
    total = sum(part.count for part in parts)
    # Elsewhere than on a terminal the runner prints a line a run instead.
    with tqdm(total=total, unit="run", dynamic_ncols=True, disable=None) as bar:
        runner = Runner(records, settings.budget, bar)
        try:
            for part in parts:
                part.run(runner)
        except KeyboardInterrupt:
            code = 130
    if records.rows:
        text = report(records.rows, machine)
        (records.folder / "table.md").write_text(text, encoding="utf-8")
        files = draw(records.rows, records.histories, records.folder)
        print(text)
        names = [records.table.name, "table.md", *(file.name for file in files)]
        print(f"Written to {records.folder}: {', '.join(names)}")
    if code:
        print("Interrupted; the same command goes on from here.", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.solvers",
        description="Time, accuracy, memory and warm starts of the solvers and of their peers. "
        "Interrupted, it goes on where it was.",
    )
    parser.add_argument(
        "--quick", action="store_true", help="about two minutes instead of about 25"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("benchmark-output/solvers"),
        help="folder for the results (default: %(default)s)",
    )
    parser.add_argument("--fresh", action="store_true", help="delete its results first")
    parser.add_argument(
        "--threads",
        type=int,
        default=usable_cores(),
        help="BLAS threads of every contender (default: the usable cores, %(default)s here)",
    )
    parser.add_argument("--budget", type=float, help="seconds that a contender may take a problem")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these contenders")
    parser.add_argument(
        "--sections",
        nargs="+",
        metavar="SECTION",
        choices=SECTIONS,
        default=SECTIONS,
        help=f"only these parts of {', '.join(map(repr, SECTIONS))}",
    )
    parser.add_argument(
        "--large", type=int, metavar="L", help="also solve one truncated problem of this l"
    )
    parser.add_argument(
        "--otssn", type=Path, metavar="PATH", help="a checkout of github.com/tyDLin/OTSSN"
    )
    parser.add_argument(
        "--otssn-functions",
        nargs="+",
        choices=FUNCTIONS,
        default=["SSN", "IPM"],
        help="which of its functions are run (default: SSN IPM)",
    )
    return parser


def _contenders(options: argparse.Namespace) -> list[Contender]:
    """Return who can run here, and say who cannot and why."""
    contenders: list[Contender] = [
        *own_methods(),
        *(Cvxpy(solver, tol, options.threads) for solver, tol in _PEER_TOLERANCES),
        *(Otssn(name, options.otssn, options.threads) for name in options.otssn_functions),
    ]
    if options.only is not None:
        known = {c.name for c in contenders}
        unknown = [name for name in options.only if name not in known]
        if unknown:
            sys.exit(f"Unknown in --only: {', '.join(unknown)}; known: {', '.join(sorted(known))}.")
        contenders = [c for c in contenders if c.name in options.only]
    able = []
    for contender in contenders:
        reason = contender.unavailable()
        if reason is None:
            able.append(contender)
        else:
            print(f"{contender.name} is left out: {reason}", file=sys.stderr)
    return able


def _clear(folder: Path) -> None:
    """Delete what a run writes, and nothing else that may be in `folder`."""
    for name in ("machine.json", "results.csv", "histories.jsonl"):
        (folder / name).unlink(missing_ok=True)


def _claim(path: Path, machine: dict[str, Any]) -> str:
    """Store the description, or return in what the one that is stored differs."""
    if not path.exists():
        path.write_text(json.dumps(machine, indent=1), encoding="utf-8")
        return ""
    stored = json.loads(path.read_text(encoding="utf-8"))
    differing = [name for name, value in machine.items() if stored.get(name) != value]
    return ", ".join(differing)
