"""The command `poisoning-study`: prepare, run, report."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from poisoning_study.errors import StudyError
from poisoning_study.files import require_folder

_PARTIAL = "go on with less than the official 39,209 and 12,630 images"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="poisoning-study", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    prepare = commands.add_parser("prepare", help="crop and resize an unpacked GTSRB archive")
    prepare.add_argument("archive", type=Path, help="folder of the unpacked archives")
    prepare.add_argument("out", type=Path, help="folder to write to; an interrupted call continues")
    prepare.add_argument("--size", type=int, default=32, help="side in pixels (default 32)")
    prepare.add_argument("--crop", default="roi", help="roi (default), or square as published")
    prepare.add_argument("--partial", action="store_true", help=_PARTIAL)
    for name, text in (
        ("run", "run what a folder of configurations asks for, then write the report"),
        ("report", "write the report from the results that are there"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("configs", type=Path, help="folder with study.toml and experiments")
        command.add_argument("--out", type=Path, default=Path("study-output"))
        if name == "run":
            command.add_argument("--workers", type=int, default=2, help="processes (default 2)")
            command.add_argument(
                "--dry-run",
                action="store_true",
                help="print jobs, FLOPs, memory and hours; compute and write nothing",
            )
            command.add_argument(
                "--rate",
                type=float,
                help="GFLOP/s of one worker for --dry-run (default: as measured on one core)",
            )
        command.add_argument(
            "--data",
            type=Path,
            help="GTSRB: unpacked archives, a folder of zips, or what `prepare` wrote",
        )
        command.add_argument(
            "--device",
            default="auto",
            help="auto (default: CUDA where there is a device and the study's precision is "
            "single), cpu or cuda; cuda has its own keys",
        )
        command.add_argument("--partial", action="store_true", help=_PARTIAL)
    return parser


def _dry_run(arguments: argparse.Namespace) -> int:
    """Print what a run would do; archives that are not prepared yet are counted as the whole."""
    from poisoning_study.protocol import DEFAULT_RATES, budget_lines, forecast, load_study

    settings = load_study(arguments.configs).settings.data
    prepared = None
    if arguments.data is not None:
        written = arguments.out / f"signs-{settings.size}-{settings.crop}"
        there = [f for f in (arguments.data, written) if (f / "manifest.json").is_file()]
        prepared = there[0] if there else written
    study = load_study(arguments.configs, prepared)
    print("Dry run: nothing is computed or written.")
    if settings.source == "prepared" and not study.settings.data.digest:
        print(
            "The pictures are not prepared yet: counted as the whole benchmark, and finished runs "
            "cannot be recognised."
        )
    usual = DEFAULT_RATES[study.settings.precision]
    rate = usual if arguments.rate is None else arguments.rate
    found = forecast(study, arguments.out)
    print("\n".join(budget_lines(found, workers=arguments.workers, rate=rate)))
    return 0


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command == "prepare":
        from poisoning_study.data import prepare

        manifest = prepare(
            arguments.archive,
            arguments.out,
            size=arguments.size,
            crop=arguments.crop,
            partial=arguments.partial,
        )
        print(f"Wrote {manifest}.")
        return 0
    from poisoning_study.torch_setup import require_torch

    require_torch()
    from poisoning_study.data import prepared_from
    from poisoning_study.devices import choose_device
    from poisoning_study.protocol import (
        RunStore,
        forecast,
        load_study,
        require_memory,
        run_study,
    )
    from poisoning_study.report import write_report

    settings = load_study(arguments.configs).settings
    choose_device(arguments.device, settings.precision)
    require_folder(arguments.out)
    if arguments.command == "run" and arguments.workers < 1:
        raise StudyError(f"--workers must be at least 1, not {arguments.workers}.")
    if arguments.command == "run" and arguments.dry_run:
        return _dry_run(arguments)
    prepared = None
    if arguments.data is not None:
        if not arguments.data.exists():
            print(
                f"Skipped: there are no real signs at {arguments.data}. Name the folder of the "
                "benchmark's archives with --data."
            )
            return 0
        prepared = prepared_from(
            arguments.data,
            arguments.out,
            size=settings.data.size,
            crop=settings.data.crop,
            partial=arguments.partial,
        )
    study = load_study(arguments.configs, prepared)
    if arguments.command == "run":
        require_memory(forecast(study, arguments.out), arguments.workers)
        n_run = run_study(study, arguments.out, workers=arguments.workers)
        print(f"Ran {n_run} jobs.")
    print(f"Wrote {write_report(study, arguments.out)}.")
    failures = RunStore(arguments.out / "runs").failures()
    for message in failures:
        print(f"poisoning-study: failed: {message}", file=sys.stderr)
    return 1 if failures else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    arguments = _parser().parse_args(argv)
    try:
        return _run(arguments)
    except StudyError as error:
        print(f"poisoning-study: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"poisoning-study: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("poisoning-study: stopped; the same command continues.", file=sys.stderr)
        return 130
