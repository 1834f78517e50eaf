"""The command and its subcommands.

What computes is imported inside the commands, so that --help and --version answer at once.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from kernel_ot._version import __version__
from kernel_ot.cli import _models, _samples
from kernel_ot.cli._benchmark import in_checkout, run_benchmark
from kernel_ot.cli._options import Bars, Json, Seed
from kernel_ot.cli._reporting import plain_messages, print_result

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Kernel-based optimal transport between two samples: cost, potentials and maps.\n\n"
    "Files are .npy, .npz, .csv, .tsv (also .gz), .parquet, .feather, .mat or .h5ad with one point "
    "a row; FILE.mat:NAME chooses the variable where a file holds several, and - is text on "
    "standard input or output.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kernel-ot {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Only holds the options that belong to no command."""


_COMMANDS: dict[str, Callable[..., None]] = {
    "fit": _models.fit,
    "transform": _models.transform,
    "info": _models.info,
    "summary": _models.summary,
    "report": _models.report,
    "distance": _samples.distance,
    "test": _samples.two_sample_test,
    "screen": _samples.screen,
}
for _name, _command in _COMMANDS.items():
    app.command(_name)(_command)


@app.command()
def transfer(
    first: Annotated[Path, typer.Argument(help="A picture, such as a .jpg or .png file.")],
    second: Annotated[Path, typer.Argument(help="Another; sizes may differ.")],
    out: Annotated[Path, typer.Option(help="Folder for the pictures; made if missing.")],
    pixels: Annotated[
        int, typer.Option(help="Random pixels of each picture that the map is fitted to.")
    ] = 1000,
    max_size: Annotated[
        int, typer.Option(help="Larger pictures are reduced to so many pixels a side.")
    ] = 1600,
    seed: Seed = 0,
    as_json: Json = False,
    progress: Bars = None,
) -> None:
    """Transfer the colours of two pictures of your own onto each other, in both directions."""
    with plain_messages():
        from kernel_ot.cli._pictures import read_pictures
        from kernel_ot.cli._transfer import colour_transfer

        result = colour_transfer(
            out,
            pictures=read_pictures(first, second, max_size=max_size),
            n_pixels=pixels,
            random_state=seed,
            progress=progress,
        )
        if as_json:
            print_result(result.summary, as_json=True)
        else:
            typer.echo(result.text())


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the pictures; made if missing.")],
    as_json: Json = False,
    progress: Bars = None,
) -> None:
    """Transfer the colours of two photographs that come with scikit-learn onto each other."""
    with plain_messages():
        from kernel_ot.cli._transfer import colour_transfer

        result = colour_transfer(out, progress=progress)
        if as_json:
            print_result(result.summary, as_json=True)
        else:
            typer.echo(result.text())


def benchmark(context: typer.Context) -> None:
    """Measure the solvers against their peers, from a checkout; takes `--quick`, `--help`."""
    with plain_messages():
        code = run_benchmark(context.args)
    if code:
        raise typer.Exit(code)


if in_checkout():  # the benchmarks are no part of the installed package
    app.command(
        add_help_option=False,
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )(benchmark)
